"""A watch on an event ring: a position of its own, no copy of anything."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from types import TracebackType
from typing import Final, Generic, Self, TypeVar

from talos_resources.backends.ring import EventRing
from talos_resources.model.errors import WatchOverrunError
from talos_resources.state.events import AnyEvent, Errored, Event
from talos_resources.state.timeout import Deadline, Timeout, acquire

S = TypeVar("S")

Select = Callable[[AnyEvent], AnyEvent | None]

# How many events a watch takes from the ring at once: enough to make the taking cheap, and few enough
# to keep little alive that the ring has dropped.
_BATCH: Final = 512


class RingWatch(Generic[S]):
    """A subscription to an event ring; one thread follows it, any thread may close it."""

    __slots__ = ("_buffer", "_closed", "_head", "_on_close", "_position", "_ring", "_select", "_told")

    def __init__(
        self,
        ring: EventRing,
        position: int,
        *,
        head: Iterable[AnyEvent] = (),
        select: Select | None = None,
        on_close: Callable[[], None] | None = None,
    ) -> None:
        """Begins.

        Args:
            ring: where the events are.
            position: of the first event to tell.
            head: what is told before; taken step by step.
            select: what the watch tells of an event of the ring, None for nothing.
            on_close: called once when it is closed.
        """
        self._on_close = on_close
        self._ring = ring
        self._position = position
        self._head: Iterator[AnyEvent] | None = iter(head)
        self._select = select
        self._buffer: deque[AnyEvent] = deque()
        self._closed = False
        self._told = False

    def next(self, timeout: Timeout = None) -> Event[S]:
        """The next event; see `talos_resources.state.contract.Watch`."""
        while True:
            try:
                return self._buffer.popleft()
            except IndexError:
                self._buffer.extend(self._awaited(timeout))

    def next_batch(self, timeout: Timeout = None) -> Sequence[Event[S]]:
        """All events that are there; see `talos_resources.state.contract.Watch`."""
        batch: list[AnyEvent] = []
        try:
            if self._buffer:
                batch += self._buffer
                self._buffer.clear()
            else:
                batch += self._awaited(timeout)
            while more := self._pull():
                batch += more
        except WatchOverrunError as error:
            batch.append(Errored(error, error.bookmark))
        return batch

    def next_some(self, timeout: Timeout = None) -> Sequence[Event[S]]:
        """As `next_batch`, but not more than can be taken at once: for an event loop, which others share."""
        try:
            batch = tuple(self._buffer) or self._awaited(timeout)
        except WatchOverrunError as error:
            batch = (Errored(error, error.bookmark),)
        self._buffer.clear()
        return batch

    def close(self) -> None:
        """Ends the watch."""
        self._closed = True
        self._buffer.clear()
        wake = self._ring.rouse(self)
        if wake is not None:
            wake()
        on_close, self._on_close = self._on_close, None
        if on_close is not None:
            on_close()

    def when_ready(self, wake: Callable[[], None]) -> None:
        """Calls `wake` once, from any thread and perhaps at once, when there may be something to take.

        That is an event (perhaps one that the watch does not tell) or the end. A second call replaces
        the first. This is what lets an event loop follow a watch without a thread.
        """
        idle = not self._buffer and self._head is None and self._ring.sleep(self, self._position, wake)
        # Somebody may have closed the watch before the ring knew that it sleeps.
        if not idle or (self._closed and self._ring.rouse(self) is not None):
            wake()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Event[S]:
        try:
            return self._buffer.popleft()
        except IndexError:
            return self.next()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _awaited(self, timeout: Timeout) -> Sequence[AnyEvent]:
        """Waits until there is something, and takes some of it."""
        deadline: Deadline | None = None
        while True:
            # Looked at first: what was appended before the end is still told.
            ended = self._closed or self._ring.closed
            if not self._closed and (events := self._pull()) and not self._closed:
                return events
            if ended or self._closed:
                self.close()
                raise StopIteration
            deadline = deadline or Deadline(timeout)
            self._wait(deadline.left())

    def _wait(self, left: float | None) -> None:
        """Sleeps until something happens, at most `left` seconds."""
        # A gate of its own for each sleep: a wake that comes late opens one that nobody uses any more.
        gate = threading.Lock()
        gate.acquire()
        if not self._ring.sleep(self, self._position, gate.release):
            return
        woken = False
        try:
            # Somebody may have closed the watch before the ring knew that it sleeps.
            woken = self._closed or acquire(gate, left)
        finally:
            if not woken or self._closed:
                self._ring.rouse(self)

    def _pull(self) -> Sequence[AnyEvent]:
        """Takes some of what is there; nothing if there is nothing."""
        if self._head is not None:
            events: Sequence[AnyEvent] = tuple(islice(self._head, _BATCH))
            if events:
                self._told = True
                return events
            self._head = None
        while events := self._read():
            self._position += len(events)
            if self._select is not None:
                events = [told for event in events if (told := self._select(event)) is not None]
            if events:
                self._told = True
                return events
        return ()

    def _read(self) -> Sequence[AnyEvent]:
        try:
            return self._ring.read(self._position, _BATCH)
        except WatchOverrunError as error:
            self._closed = True
            # Everything before the position was delivered, for the buffer is empty.
            error.bookmark = self._ring.bookmark(self._position - 1) if self._told else None
            raise
