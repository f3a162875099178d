"""Who works next: what takes the server's time is done in slices, and clients take turns, however many calls each has."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from time import monotonic
from typing import Final

SLICE_S: Final = 0.003
"""About how long one works before it is somebody else's turn."""

AT_WORK: Final = 2
"""Long work of one client that is begun; its other waits."""

_MOST: Final = 16
"""Turns that are given at a time, where those before were short."""


class WorkTurns:
    """Gives turns, for one event loop.

    Between two turns the loop does everything else that has come up: no number of calls keeps an honest one waiting for
    more than a slice of each client at a time.
    """

    def __init__(self) -> None:
        """Begins with nobody waiting."""
        self._waiting: dict[Hashable, deque[asyncio.Future[None]]] = {}
        self._is_running = False
        self._count = 1
        self._given_at = 0.0
        self._at_work: Counter[Hashable] = Counter()
        self._held_back: dict[Hashable, deque[asyncio.Future[None]]] = {}

    async def turn(self, client: Hashable) -> None:
        """Waits until it is the client's turn: what follows may take `SLICE_S`, then asks for the next turn."""
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        self._waiting.setdefault(client, deque()).append(turn)
        if not self._is_running:
            self._is_running = True
            self._given_at = monotonic()
            loop.call_soon(self._give)
        await turn

    @asynccontextmanager
    async def at_work(self, client: Hashable) -> AsyncIterator[None]:
        """Waits until little else of the client is at work that takes many turns and holds something meanwhile."""
        while self._at_work[client] >= AT_WORK:
            begin: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._held_back.setdefault(client, deque()).append(begin)
            try:
                await begin
            except asyncio.CancelledError:
                if begin.done() and not begin.cancelled():
                    self._wake(client)
                raise
        self._at_work[client] += 1
        try:
            yield
        finally:
            self._at_work[client] -= 1
            if not self._at_work[client]:
                del self._at_work[client]
            self._wake(client)

    def _give(self) -> None:
        now = monotonic()
        took, self._given_at = now - self._given_at, now  # what was given, and all else that the loop did meanwhile
        self._count = max(1, self._count // 2) if took > SLICE_S else min(_MOST, 2 * self._count)
        given = 0
        while self._waiting and given < self._count:
            client = next(iter(self._waiting))
            mine = self._waiting.pop(client)  # the next time it is the last
            given += _set_first(mine)
            if mine:
                self._waiting[client] = mine
        self._is_running = bool(self._waiting)
        if self._is_running:
            asyncio.get_running_loop().call_soon(self._give)  # after those whose turn it is

    def _wake(self, client: Hashable) -> None:
        waiting = self._held_back.get(client)
        if waiting:
            _set_first(waiting)
        if not waiting:
            self._held_back.pop(client, None)


def _set_first(futures: deque[asyncio.Future[None]]) -> bool:
    """Takes futures away up to the first that somebody still waits for, and sets that."""
    while futures:
        future = futures.popleft()
        if not future.done():  # else it was given up
            future.set_result(None)
            return True
    return False
