"""Follows the file: what any process writes becomes events in the rings that watches read.

One thread looks at the times of the write-ahead log some fifty times a second, and into the file when they
changed; writes of this process wake it at once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from sqlite3 import Connection
from typing import Any, Final, NamedTuple, TypeVar

from talos_resources.backends.ring import EventRing
from talos_resources.backends.sqlite import log
from talos_resources.backends.sqlite.file import SqliteFile
from talos_resources.backends.watch import RingWatch
from talos_resources.model.errors import ConfigError, InvalidBookmarkError, WatchError, WatchOverrunError
from talos_resources.model.resource import Resource
from talos_resources.state.events import AnyEvent, Created, Destroyed, Updated

S = TypeVar("S")

POLL_S: Final = 0.02
LOOK_S: Final = 1.0
"""For so long after a sign of life every poll looks into the file: a commit can be seen only after its data is
safe. And so often one looks anyway, for file systems whose times cannot be trusted."""

COOKIE_BYTES: Final = 8

Place = tuple[str, str, str]
"""Node, namespace and type."""


class TailRing(EventRing):
    """The ring of a kind while somebody watches it.

    Attributes:
        failure: why nobody fills it any more, if the file cannot be read.
        last: what each resource was at its last event here. It goes with the ring: what happens while nobody watches
            is not followed.
        watches: how many.
    """

    __slots__ = ("failure", "last", "watches")

    def __init__(self, name: str, *, capacity: int, cookie: bytes) -> None:
        super().__init__(name, capacity=capacity, gap=0, cookie=cookie)
        self.followed = True
        self.failure: Exception | None = None
        self.last: dict[int, Resource[Any]] = {}
        self.watches = 0


class Moment(NamedTuple):
    """A moment at which a watch begins.

    Attributes:
        connection: shows the file as it was then.
        ring: gets what comes after it.
        position: of the next event in the ring.
        seq: the number of the last event before it.
    """

    connection: Connection
    ring: TailRing
    position: int
    seq: int


class Tail:
    """The events of one file as rings, one per node and kind that somebody watches.

    Attributes:
        capacity: events that a ring holds for watches that are slow.
    """

    def __init__(self, file: SqliteFile, *, capacity: int) -> None:
        """Begins when the first watch does.

        Args:
            file: what to follow.
            capacity: events that a ring holds for watches that are slow.
        """
        self._file = file
        self.capacity = capacity
        self._lock = threading.Lock()
        self._rings: dict[Place, TailRing] = {}
        self._places: dict[int, Place] = {}
        self._seq = 0
        self._cookie = b""
        self._poke = threading.Event()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._stamp: object = None
        self._look_until = 0.0
        self._next_look = 0.0

    @contextmanager
    def moment(self, place: Place) -> Iterator[Moment]:
        """A moment at which a watch of a kind begins; what a batch of this thread has written comes after it."""
        with ExitStack() as stack:
            moment = self._begin(place, stack)
            try:
                yield moment  # long readings hold up nobody
            except BaseException:
                self.left(place, moment.ring)
                raise

    def _begin(self, place: Place, stack: ExitStack) -> Moment:
        """The moment, with a connection that the stack gives back."""
        wakes: list[Callable[[], None]] = []
        try:
            with self._lock:
                connection = stack.enter_context(self._file.reading(committed=True))
                if self._thread is None and not self._closed:
                    self._seq = log.last_seq(connection)
                    self._thread = threading.Thread(target=self._run, name="talos-resources sqlite tail", daemon=True)
                    self._thread.start()
                self._advance(connection, wakes)
                ring = self._rings.get(place)
                if ring is None:
                    name = f'namespace "{place[1]}" type "{place[2]}"'
                    ring = self._rings[place] = TailRing(name, capacity=self.capacity, cookie=self.cookie(connection))
                    ring.closed = self._closed
                ring.watches += 1
                return Moment(connection, ring, ring.end, self._seq)
        finally:  # whatever became of this watch: the others are to hear of what was found
            for wake in wakes:
                wake()

    def left(self, place: Place, ring: TailRing) -> None:
        """A watch of a ring is over; one that nobody watches any more goes, for it can be made again from the file."""
        with self._lock:
            self._leave(place, ring)

    def _leave(self, place: Place, ring: TailRing) -> None:
        ring.watches -= 1
        if not ring.watches and self._rings.get(place) is ring:
            del self._rings[place]

    def cookie(self, connection: Connection) -> bytes:
        """What tells bookmarks of this file from those of others."""
        if not self._cookie:
            self._cookie = connection.execute("SELECT cookie FROM store").fetchone()[0]
        return self._cookie

    def bookmark(self, connection: Connection, seq: int) -> bytes:
        """The bookmark after an event."""
        return self.cookie(connection) + seq.to_bytes(8, "big")

    def seq_of(self, moment: Moment, bookmark: bytes) -> int:
        """The event that a bookmark stands after, as of a moment.

        Raises:
            InvalidBookmarkError: it is of another store, too old or in the future.
        """
        if len(bookmark) != COOKIE_BYTES + 8:
            raise InvalidBookmarkError(f"it has {len(bookmark)} bytes, not {COOKIE_BYTES + 8}")
        if not bookmark.startswith(self.cookie(moment.connection)):
            raise InvalidBookmarkError("it is of another store")
        seq = int.from_bytes(bookmark[COOKIE_BYTES:], "big")
        if seq > moment.seq:
            raise InvalidBookmarkError(f"its event {seq} is in the future, the last one is {moment.seq}")
        horizon = log.horizon(moment.connection)
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

    def _run(self) -> None:
        while not self._closed:
            self._wait()
            wakes: list[Callable[[], None]] = []
            try:
                with self._lock, self._file.reading() as connection:
                    if log.last_seq(connection) != self._seq:
                        self._advance(connection, wakes)
            except Exception as error:  # noqa: BLE001 - whatever it is, the watches must hear of it
                if not self._closed:
                    self._fail(error)
                return
            finally:
                for wake in wakes:
                    wake()

    def _wait(self) -> None:
        """Sleeps until there may be something new."""
        while not self._closed:
            poked = self._poke.wait(POLL_S)
            self._poke.clear()
            stamp, now = self._file.presence.stamp(), time.monotonic()
            if stamp != self._stamp:
                self._stamp, self._look_until = stamp, now + LOOK_S
            if poked or now < self._look_until or now >= self._next_look:
                self._next_look = now + LOOK_S
                return

    def _fail(self, error: Exception) -> None:
        """Ends all watches with an error; the next one begins anew."""
        wakes: list[Callable[[], None]] = []
        with self._lock:
            self._end_all(error, wakes)
            self._thread = None
        for wake in wakes:
            wake()

    def _end_all(self, error: Exception, wakes: list[Callable[[], None]]) -> None:
        """Has the watches end with an error; adds whom to wake, once the lock is released."""
        for ring in self._rings.values():
            ring.failure = error
            wakes.append(ring.close)
        self._rings.clear()

    def _advance(self, connection: Connection, wakes: list[Callable[[], None]]) -> None:
        """Puts what is new into the rings; adds whom to wake, once the lock is released.

        Where some of it has been forgotten meanwhile, the watches end with an error instead.
        """
        if log.horizon(connection) > self._seq:
            self._end_all(ConfigError("events were forgotten before they were read; watch again from the beginning"), wakes)
            self._seq = log.last_seq(connection)
            return
        for row in log.after(connection, self._seq):
            ring = self._rings.get(self._place(connection, row.key))
            if ring is not None:
                event = self._event(connection, row, ring.last)
                with ring.lock:
                    wakes += ring.append(event)
            self._seq = row.seq

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
    """A watch whose errors carry the bookmark of the last event that it took."""

    __slots__ = ("_last_bookmark", "_tail_ring")

    def __init__(self, ring: TailRing, *args: Any, **options: Any) -> None:
        super().__init__(ring, *args, **options)
        self._tail_ring = ring
        self._last_bookmark: bytes | None = None

    def _read(self) -> Any:
        try:
            events = super()._read()
        except WatchOverrunError as error:
            error.bookmark = self._last_bookmark if self._told else None
            raise
        if events:
            self._last_bookmark = events[-1].bookmark
        elif (failure := self._tail_ring.failure) is not None:
            self._closed = True
            raise WatchError(f"the watch cannot go on: {failure}", bookmark=self._last_bookmark) from failure
        return events
