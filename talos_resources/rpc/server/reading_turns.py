"""Whose bytes are looked at next: clients take turns, however many connections each has and however much has arrived."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Hashable
from time import monotonic
from typing import Final, Protocol

SLICE_S: Final = 0.005
"""For so long at a time; then come the calls that have begun, and those who wait for something else."""


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

    def __bool__(self) -> bool:
        return self._position < len(self._data)

    def put(self, data: bytes) -> None:
        """Adds what has arrived."""
        self._data = self._data[self._position :] + data
        self._position = 0

    def clear(self) -> None:
        """Forgets it: the connection is gone."""
        self._data, self._position = b"", 0

    def look(self, part: Callable[[bytes, int], int], feed: Callable[[bytes], None]) -> bool:
        """Feeds a part of it; returns whether there is more.

        Args:
            part: gives where the part ends that begins at a position, beyond that.
            feed: takes the part.
        """
        begin, self._position = self._position, part(self._data, self._position)
        feed(self._data[begin : self._position])
        if self:
            return True
        self.clear()
        return False
