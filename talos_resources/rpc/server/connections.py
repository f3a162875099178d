"""Which connections a server has, whose they are, and which one goes when another would come in."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Hashable, Iterator
from typing import Final, Protocol

from talos_resources.rpc.server import descriptors
from talos_resources.rpc.server.limits import Limits
from talos_resources.rpc.server.reading_turns import ReadingTurns
from talos_resources.rpc.server.work_turns import WorkTurns

log: Final = logging.getLogger(__name__)

OTHER_FILES: Final = 64
"""Descriptors that the process needs for other things: its state, its sockets, its log."""

QUIET_S: Final = 60.0
"""Refusals are logged once in so many seconds: whoever is refused tries again at once."""


class Connected(Protocol):
    """A connection."""

    @property
    def client(self) -> Hashable:
        """Whose it is."""
        ...

    @property
    def calls(self) -> int:
        """How many are going on."""
        ...

    def make_room(self) -> None:
        """It is closed for the sake of another one."""
        ...

    async def shut_down(self) -> None:
        """It is closed because the server stops."""
        ...


class Connections:
    """The connections of a server, within its limits.

    Where there is no room, the connection that has been without calls for longest goes: one of the same client if it
    has as many as one may have, else anybody's. Only where all are at work a new one is refused.

    Attributes:
        closed: there may be no new ones.
        arriving: whose bytes are looked at next.
        turns: whose turn it is to work.
    """

    def __init__(self, limits: Limits) -> None:
        """Begins with none; the system may let the process have fewer than the limits do."""
        self.closed = False
        self.arriving = ReadingTurns()
        self.turns = WorkTurns()
        self._limits = limits
        files = descriptors.allowed()
        self._most = limits.connections if files is None else max(1, min(limits.connections, files - OTHER_FILES))
        self._open: set[Connected] = set()
        self._each: Counter[Hashable] = Counter()
        self._calls: Counter[Hashable] = Counter()
        self._idle: dict[Connected, None] = {}
        self._idle_of: dict[Hashable, dict[Connected, None]] = {}
        self._quiet_until = 0.0

    def __iter__(self) -> Iterator[Connected]:
        return iter(tuple(self._open))

    def __len__(self) -> int:
        return len(self._open)

    def admit(self, connection: Connected) -> bool:
        """Takes a connection in; False if it must go."""
        client = connection.client
        full = len(self._open) >= self._most
        if self.closed:
            return False
        if self._each[client] >= self._limits.connections_each:
            has_room = self._end_idle(self._idle_of.get(client, {}))
        else:
            has_room = not full or self._end_idle(self._idle)
        if not has_room:
            self.complain(f"refused a connection: {len(self._open)} are open, {self._each[client]} of them of this client")
            return False
        self._open.add(connection)
        self._each[client] += 1
        self._rest(connection)
        return True

    def discard(self, connection: Connected) -> None:
        """It is gone; twice is no error."""
        if connection in self._open:
            self._open.remove(connection)
            _less(self._each, connection.client)
            self._wake(connection)

    def admit_call(self, connection: Connected) -> bool:
        """A call begins; False if its client has as many as one may have."""
        if self._calls[connection.client] >= self._limits.calls_each:
            self.complain(f"refused a call: a client has {self._limits.calls_each} already")
            return False
        self._calls[connection.client] += 1
        self._wake(connection)
        return True

    def end_call(self, connection: Connected) -> None:
        """A call of it has ended."""
        _less(self._calls, connection.client)
        if not connection.calls and connection in self._open:
            self._rest(connection)

    def make_room(self) -> None:
        """Ends the connection that has been idle for longest: descriptors are short."""
        self._end_idle(self._idle)

    def complain(self, text: str) -> None:
        """Logs a line, unless one was logged just now."""
        now = time.monotonic()
        if now >= self._quiet_until:
            self._quiet_until = now + QUIET_S
            log.warning("%s; for the next %g s nothing is said of others", text, QUIET_S)

    def _end_idle(self, idle: dict[Connected, None]) -> bool:
        connection = next(iter(idle), None)
        if connection is None:
            return False
        self.discard(connection)
        connection.make_room()
        return True

    def _rest(self, connection: Connected) -> None:
        self._idle[connection] = None
        self._idle_of.setdefault(connection.client, {})[connection] = None

    def _wake(self, connection: Connected) -> None:
        self._idle.pop(connection, None)
        of_client = self._idle_of.get(connection.client)
        if of_client is not None:
            of_client.pop(connection, None)
            if not of_client:
                del self._idle_of[connection.client]


def _less(counter: Counter[Hashable], client: Hashable) -> None:
    counter[client] -= 1
    if counter[client] <= 0:
        del counter[client]
