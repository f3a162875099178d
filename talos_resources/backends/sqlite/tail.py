"""Follows the file: what any process writes becomes events in the rings that watches read.

One thread looks at SQLite's counter of changes some fifty times a second, which costs next to nothing; writes
of this process wake it at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from sqlite3 import Connection
from typing import Any, Final, NamedTuple, TypeVar

from talos_resources.backends.ring import EventRing
from talos_resources.backends.sqlite import log
from talos_resources.backends.sqlite.file import SqliteFile
from talos_resources.backends.watch import RingWatch
from talos_resources.model.errors import InvalidBookmarkError, TalosResourcesError, WatchOverrunError
from talos_resources.model.resource import Resource
from talos_resources.state.events import AnyEvent, Created, Destroyed, Updated

S = TypeVar("S")

POLL_S: Final = 0.02
COOKIE_BYTES: Final = 8

Place = tuple[str, str, str]
"""Node, namespace and type."""


class Moment(NamedTuple):
    """A moment at which a watch begins.

    Attributes:
        connection: shows the file as it was then.
        ring: gets what comes after it.
        position: of the next event in the ring.
        seq: the number of the last event before it.
    """

    connection: Connection
    ring: EventRing
    position: int
    seq: int


class Tail:
    """The events of one file as rings, one per node and kind that somebody has watched."""

    def __init__(self, file: SqliteFile, *, capacity: int) -> None:
        """Begins when the first watch does.

        Args:
            file: what to follow.
            capacity: events that a ring holds for watches that are slow.
        """
        self._file = file
        self._capacity = capacity
        self._lock = threading.Lock()
        self._rings: dict[Place, EventRing] = {}
        self._places: dict[int, Place] = {}
        self._last: dict[int, Resource[Any]] = {}
        self._seq = 0
        self._cookie = b""
        self._poke = threading.Event()
        self._thread: threading.Thread | None = None
        self._closed = False

    @contextmanager
    def moment(self, place: Place) -> Iterator[Moment]:
        """A moment at which a watch of a kind begins."""
        with self._lock, self._file.reading() as connection:
            if self._thread is None and not self._closed:
                self._seq = log.last_seq(connection)
                self._thread = threading.Thread(target=self._run, name="talos-resources sqlite tail", daemon=True)
                self._thread.start()
            wakes = self._advance(connection)
            ring = self._rings.get(place)
            if ring is None:
                name = f'namespace "{place[1]}" type "{place[2]}"'
                ring = self._rings[place] = EventRing(name, capacity=self._capacity, gap=0, cookie=self.cookie(connection))
                ring.followed = True
                ring.closed = self._closed
            yield Moment(connection, ring, ring.end, self._seq)
        for wake in wakes:
            wake()

    def cookie(self, connection: Connection) -> bytes:
        """What tells bookmarks of this file from those of others."""
        if not self._cookie:
            self._cookie = connection.execute("SELECT cookie FROM store").fetchone()[0]
        return self._cookie

    def bookmark(self, connection: Connection, seq: int) -> bytes:
        """The bookmark after an event."""
        return self.cookie(connection) + seq.to_bytes(8, "big")

    def seq_of(self, connection: Connection, bookmark: bytes) -> int:
        """The event that a bookmark stands after.

        Raises:
            InvalidBookmarkError: it is of another store, too old or in the future.
        """
        if len(bookmark) != COOKIE_BYTES + 8:
            raise InvalidBookmarkError(f"it has {len(bookmark)} bytes, not {COOKIE_BYTES + 8}")
        if not bookmark.startswith(self.cookie(connection)):
            raise InvalidBookmarkError("it is of another store")
        seq = int.from_bytes(bookmark[COOKIE_BYTES:], "big")
        if seq > self._seq:
            raise InvalidBookmarkError(f"its event {seq} is in the future, the last one is {self._seq}")
        horizon = connection.execute("SELECT horizon FROM store").fetchone()[0]
        if seq < horizon:
            raise InvalidBookmarkError(f"its event {seq} is too old: the history begins at {horizon}")
        return seq

    def events(self, connection: Connection, rows: Iterator[log.Row] | list[log.Row]) -> Iterator[AnyEvent]:
        """Rows of the file, in order, as events; each with what was before it."""
        last: dict[int, Resource[Any]] = {}
        for row in rows:
            yield self._event(connection, row, last)

    def poke(self) -> None:
        """Something was written here."""
        if self._thread is not None:
            self._poke.set()

    def close(self) -> None:
        """Ends all watches."""
        with self._lock:
            self._closed = True
            rings = tuple(self._rings.values())
        self._poke.set()
        for ring in rings:
            ring.close()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        changes = -1
        while not self._closed:
            poked = self._poke.wait(POLL_S)
            self._poke.clear()
            wakes: list[Callable[[], None]] = []
            try:
                with self._lock, self._file.reading() as connection:
                    now = connection.execute("PRAGMA data_version").fetchone()[0]
                    if poked or now != changes:
                        changes = now
                        wakes = self._advance(connection)
            except TalosResourcesError:
                if self._closed:
                    return
                raise
            for wake in wakes:
                wake()

    def _advance(self, connection: Connection) -> list[Callable[[], None]]:
        """Puts what is new into the rings; gives whom to wake, once the lock is released."""
        wakes: list[Callable[[], None]] = []
        for row in log.after(connection, self._seq):
            ring = self._rings.get(self._place(connection, row.key))
            if ring is not None:
                event = self._event(connection, row, self._last)
                with ring.lock:
                    wakes += ring.append(event)
            self._seq = row.seq
        return wakes

    def _place(self, connection: Connection, key: int) -> Place:
        place = self._places.get(key)
        if place is None:
            place = self._places[key] = connection.execute("SELECT node, namespace, type FROM resources WHERE key = ?", (key,)).fetchone()
        return place

    def _event(self, connection: Connection, row: log.Row, last: dict[int, Resource[Any]]) -> AnyEvent:
        resource = row.resource()
        bookmark = self.bookmark(connection, row.seq)
        if row.op == log.DESTROYED:
            last.pop(row.key, None)
            return Destroyed(resource.reference, resource, bookmark)
        old = last.get(row.key)
        last[row.key] = resource
        if row.op == log.CREATED:
            return Created(resource, bookmark)
        if old is None:
            found = log.before(connection, row)
            old = None if found is None else found.resource()
        return Updated(resource, old, bookmark)


class TailWatch(RingWatch[S]):
    """A watch whose overrun error carries the bookmark of the last event that it took."""

    __slots__ = ("_last_bookmark",)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._last_bookmark: bytes | None = None

    def _read(self) -> Any:
        try:
            events = super()._read()
        except WatchOverrunError as error:
            error.bookmark = self._last_bookmark if self._told else None
            raise
        if events:
            self._last_bookmark = events[-1].bookmark
        return events
