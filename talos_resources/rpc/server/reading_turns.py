"""Whose bytes are looked at next: clients take turns, however many connections each has and however much has arrived."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Hashable
from time import monotonic
from typing import Final, Protocol

SLICE_S: Final = 0.005
"""For so long at a time; then come the calls that have begun, and those who wait for something else."""

_SMALLEST: Final = 1 << 10
_LARGEST: Final = 64 << 10
_QUICK_S: Final = 0.001


class Arriving(Protocol):
    """A connection on which something has arrived."""

    def look(self) -> bool:
        """Looks at a part of it; returns whether there is more."""
        ...


class ReadingTurns:
    """Who has something to be read, for one event loop."""

    def __init__(self) -> None:
        """Begins with nobody."""
        self._waiting: dict[Hashable, deque[Arriving]] = {}
        self._is_running = False

    @property
    def nobody_waits(self) -> bool:
        """Whether what arrives now may be looked at now."""
        return not self._waiting

    def queue(self, client: Hashable, connection: Arriving) -> None:
        """Has it looked at when it is the client's turn."""
        self._waiting.setdefault(client, deque()).append(connection)
        if not self._is_running:
            self._is_running = True
            asyncio.get_running_loop().call_soon(self._run)

    def _run(self) -> None:
        until = monotonic() + SLICE_S
        while self._waiting:
            client = next(iter(self._waiting))
            mine = self._waiting.pop(client)  # the next time it is the last
            connection = mine.popleft()
            if connection.look():
                mine.append(connection)
            if mine:
                self._waiting[client] = mine
            if monotonic() >= until:
                break
        self._is_running = bool(self._waiting)
        if self._is_running:
            asyncio.get_running_loop().call_soon(self._run)


class Arrived:
    """What has arrived on a connection and was not looked at yet."""

    def __init__(self) -> None:
        """Begins with nothing."""
        self._data = b""
        self._position = 0
        self._part = 4 * _SMALLEST

    def __bool__(self) -> bool:
        return self._position < len(self._data)

    def put(self, data: bytes) -> None:
        """Adds what has arrived."""
        self._data = self._data[self._position :] + data
        self._position = 0

    def clear(self) -> None:
        """Forgets it: the connection is gone."""
        self._data, self._position = b"", 0

    def look(self, feed: Callable[[bytes], None]) -> bool:
        """Feeds a part of it that takes about a millisecond; returns whether there is more."""
        begin = monotonic()
        part = self._data[self._position : self._position + self._part]
        self._position += len(part)
        feed(part)
        took = monotonic() - begin
        if took > _QUICK_S:  # many small requests, not a large one
            self._part = max(self._part // 2, _SMALLEST)
        elif took < _QUICK_S / 2:
            self._part = min(self._part * 2, _LARGEST)
        if self:
            return True
        self.clear()
        return False
