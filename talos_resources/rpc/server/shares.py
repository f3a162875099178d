"""How many bytes clients may have the server hold: all of them together, and each one alone."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager

_Waiting = deque[tuple[int, asyncio.Future[None]]]
"""How much is wanted, in the order of coming."""


class Shares:
    """A number of bytes that is shared out as they are needed, for one event loop.

    What is counted has arrived or is about to be sent: announcing much takes nothing from the others.
    """

    def __init__(self, total: int, share: int) -> None:
        """Begins with nothing held.

        Args:
            total: bytes that all clients may hold together.
            share: bytes that one may hold.
        """
        self._total = total
        self._share = share
        self._held: Counter[Hashable] = Counter()
        self._sum = 0
        self._waiting: dict[Hashable, _Waiting] = {}

    @property
    def held(self) -> int:
        """Bytes that are held now."""
        return self._sum

    def take(self, client: Hashable, size: int) -> bool:
        """Takes bytes; False, and none, if the client or all together would hold too many."""
        held = self._held.get(client, 0)
        # One that is larger than a share alone is let in by itself.
        if not ((held == 0 or held + size <= self._share) and (self._sum == 0 or self._sum + size <= self._total)):
            return False
        self._held[client] += size
        self._sum += size
        return True

    def give(self, client: Hashable, size: int) -> None:
        """Gives them back."""
        self._sum -= size
        self._held[client] -= size
        if not self._held[client]:
            del self._held[client]

    @asynccontextmanager
    async def holding(self, client: Hashable, size: int) -> AsyncIterator[None]:
        """Waits until so many bytes may be held, and holds them."""
        if client in self._waiting or not self.take(client, size):
            await self._wait(client, size)
        try:
            yield
        finally:
            self.give(client, size)
            self._hand_on()

    async def _wait(self, client: Hashable, size: int) -> None:
        """Waits until they have been taken for whoever waits."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(client, deque()).append((size, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give(client, size)
            self._hand_on()  # those behind may want less
            raise

    def _hand_on(self) -> None:
        """Takes for those who wait what there is room for, one of each client at a time.

        Waking all would have each of thousands look for room that only the first of them gets.
        """
        handed = True
        while handed:
            handed = False
            for client in tuple(self._waiting):
                handed = self._hand_to(client) or handed

    def _hand_to(self, client: Hashable) -> bool:
        """Takes what the first of a client wants, if there is room."""
        waiting = self._waiting[client]
        while waiting and waiting[0][1].done():
            waiting.popleft()  # it was given up
        if not waiting:
            del self._waiting[client]
            return False
        size, turn = waiting[0]
        if not self.take(client, size):
            return False
        waiting.popleft()
        del self._waiting[client]
        if waiting:
            self._waiting[client] = waiting  # the next time it is the last
        turn.set_result(None)
        return True
