"""A watch on a live node that survives what happens to nodes and connections.

A daemon thread reads the stream, opens the next one when it breaks, and hands the events over through
a bounded buffer: a consumer that is slow stops the reading, not the memory.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Final, Generic, Self, TypeVar

from talos_resources.model.errors import (
    ConnectError,
    InvalidBookmarkError,
    RemoteError,
    TalosResourcesError,
    WatchError,
    WatchOverrunError,
)
from talos_resources.rpc.client.continuity import Continuity, Start
from talos_resources.rpc.client.event_stream import EventStream, OpenStream
from talos_resources.state.events import AnyEvent, Errored, Event
from talos_resources.state.timeout import Deadline, Timeout
from talos_resources.state.watch_spec import WatchSpec

S = TypeVar("S")

BUFFERED_EVENTS: Final = 8192
BUFFERED_BYTES: Final = 64 << 20
"""How much is read ahead of a consumer; one that reads nothing stops the reading."""

FIRST_DELAY_S: Final = 0.05
LONGEST_DELAY_S: Final = 10.0

_TEMPORARY: Final = (ConnectError, RemoteError)
"""What may be over when the stream is opened again; anything else (permission, a bad query) stays."""


class RemoteWatch(Generic[S]):
    """See `talos_resources.state.contract.Watch`."""

    def __init__(
        self,
        spec: WatchSpec,
        open_stream: OpenStream,
        *,
        timeout: float | None,
        resume: bool,
        on_interruption: Callable[[TalosResourcesError], None] | None = None,
    ) -> None:
        """Subscribes.

        Args:
            spec: what to watch.
            open_stream: how to subscribe.
            timeout: seconds for the first subscription.
            resume: go on after an interruption; else it is the watch's error.
            on_interruption: told why each time the watch has to begin again, in the watch's own thread.

        Raises:
            TalosResourcesError: the first subscription failed.
        """
        self._spec = spec
        self._open_stream = open_stream
        self._resume = resume
        self._on_interruption = on_interruption
        self._continuity = Continuity(spec)
        self._changed = threading.Condition()
        self._events: deque[AnyEvent] = deque()
        self._size = 0
        self._stream: EventStream | None = None
        self._closing = threading.Event()
        self._ended = False
        self._ready = False
        self._failure: TalosResourcesError | None = None
        self._wake: Callable[[], None] | None = None
        self._interruption: TalosResourcesError | None = None
        # There is a stream again, and what was missed is among the events.
        self._caught_up = False
        self._tell: Callable[[TalosResourcesError | None], None] | None = None
        threading.Thread(target=self._run, name=f"talos-resources watch {spec.type}", daemon=True).start()
        self._wait_until_ready(timeout)

    def next(self, timeout: Timeout = None) -> Event[S]:
        """The next event."""
        with self._changed:
            self._wait_for_events(timeout)
            event = self._events.popleft()
            self._changed.notify_all()
        if isinstance(event, Errored):
            self.close()
            raise event.error
        return event

    def next_batch(self, timeout: Timeout = None) -> Sequence[Event[S]]:
        """All events that are there."""
        with self._changed:
            self._wait_for_events(timeout)
            batch = tuple(self._events)
            self._events.clear()
            self._changed.notify_all()
        if isinstance(batch[-1], Errored):
            self.close()
        return batch

    next_some = next_batch  # what may wait here is bounded

    def when_ready(self, wake: Callable[[], None]) -> None:
        """Calls `wake` once, from any thread and perhaps at once, when `next_some(0)` will not time out."""
        with self._changed:
            if not self._events and not self._ended and not self._closing.is_set():
                self._wake = wake
                return
        wake()

    def tell_interruptions(self, tell: Callable[[TalosResourcesError | None], None]) -> None:
        """Has `tell` called with the reason when it is interrupted (at once if it is now), and with None when all missed is told.

        The reason comes in the thread of the watch, which must not be held up; None from whoever asks for events. After an
        overrun, and after a bookmark that is not valid any more, of what was missed only the outcome is told.
        """
        with self._changed:
            self._tell = tell
            if self._interruption is not None:
                tell(self._interruption)

    def close(self) -> None:
        """Ends the watch."""
        self._closing.set()
        with self._changed:
            stream = self._stream
            self._notify()
        if stream is not None:
            stream.close()

    @property
    def closed(self) -> bool:
        """Whether there is nothing left to release."""
        return self._ended or self._closing.is_set()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Event[S]:
        return self.next()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _wait_until_ready(self, timeout: float | None) -> None:
        try:
            with self._changed:
                came = self._changed.wait_for(lambda: self._ready or self._ended, timeout)
                failure = self._failure
        except BaseException:
            self.close()
            raise
        if not came:
            self.close()
            raise ConnectError(f"the watch of {self._spec.type} was not confirmed within {timeout:g} s")
        if failure is not None and not self._ready:
            raise failure

    def _wait_for_events(self, timeout: Timeout) -> None:
        """Waits with the lock held.

        Raises:
            TimeoutError: nothing came in time.
            StopIteration: the watch is closed.
        """
        deadline = Deadline(timeout)
        while not self._events and not self._ended and not self._closing.is_set():
            if self._caught_up:
                self._caught_up, self._interruption = False, None
                if self._tell is not None:
                    self._tell(None)
            self._changed.wait(deadline.left())
        if self._closing.is_set() or not self._events:
            raise StopIteration

    def _run(self) -> None:
        """The thread: one stream after the other, until the watch is closed or cannot go on."""
        error: TalosResourcesError | None = None
        try:
            error = self._follow()
        except TalosResourcesError as raised:
            error = raised
        except Exception as unexpected:  # noqa: BLE001  # whatever it is, the consumer is told
            error = WatchError(f"the watch of {self._spec.type} cannot go on: {type(unexpected).__name__}: {unexpected}")
            error.__cause__ = unexpected
        finally:
            with self._changed:
                self._ended = True
                self._failure = error
                if error is not None and self._ready:
                    self._events.append(Errored(error if isinstance(error, WatchError) else self._continuity.lost(error)))
                self._notify()

    def _follow(self) -> TalosResourcesError | None:
        bookmark_is_good = True
        delay = FIRST_DELAY_S
        reason: TalosResourcesError = ConnectError("not connected yet")
        while (start := self._continuity.start(bookmark_is_good=bookmark_is_good)) is not None:
            bookmark_is_good = True
            progress = False
            try:
                progress, reason = self._one_stream(start)
            except InvalidBookmarkError as error:
                if not self._ready:
                    raise
                bookmark_is_good, progress = False, True
                if not isinstance(reason, WatchOverrunError):  # that is about the watcher, and why it is so
                    reason = error
            except _TEMPORARY as error:
                reason = error
            if self._closing.is_set():
                return None
            if not self._ready or not self._resume:
                return reason
            if bookmark_is_good:
                self._interrupted(reason)
            elif self._tell is not None:
                self._tell(reason)
            import random  # here, for it brings OpenSSL, and most watches are never interrupted

            delay = FIRST_DELAY_S if progress else min(delay * 2, LONGEST_DELAY_S)
            # Jitter: a thousand watchers must not come back at once.
            if bookmark_is_good and self._closing.wait(random.uniform(delay / 2, delay)):  # noqa: S311  # no secret
                return None
        return self._continuity.lost(reason)

    def _interrupted(self, reason: TalosResourcesError) -> None:
        """Tells that the stream broke."""
        with self._changed:
            self._interruption, self._caught_up = reason, False
            if self._tell is not None:
                self._tell(reason)
        if self._on_interruption is not None:
            self._on_interruption(reason)

    def _goes_on(self) -> None:
        """Has it told that nothing is missing any more, once there is a stream and it has told all anew that it must."""
        if self._interruption is not None and not self._continuity.tells_anew:
            with self._changed:
                self._caught_up = True
                self._changed.notify_all()

    def _one_stream(self, start: Start) -> tuple[bool, TalosResourcesError]:
        """Follows one stream to its end; returns whether it told anything, and why it ended."""
        stream = self._open_stream(self._spec, start)
        with self._changed:
            self._stream = stream
        self._continuity.established()
        progress = False
        try:
            if self._closing.is_set():
                return False, ConnectError("closed")
            with self._changed:
                self._ready = True
                self._changed.notify_all()
            self._goes_on()
            while not self._closing.is_set() and (events := stream.read()) is not None:
                told, error = self._continuity.tell(events)
                progress = progress or bool(events)
                self._put(told, stream.size)
                self._goes_on()
                if error is not None:
                    return progress, error
        except _TEMPORARY as error:
            return progress, error
        finally:
            stream.close()
        return progress, ConnectError("the other side ended the watch")

    def _put(self, events: list[AnyEvent], size: int) -> None:
        if not events:
            return
        with self._changed:
            self._changed.wait_for(self._has_room)
            self._size = size + (self._size if self._events else 0)
            self._events += events
            self._notify()

    def _has_room(self) -> bool:
        waiting = len(self._events)
        return self._closing.is_set() or not waiting or (waiting < BUFFERED_EVENTS and self._size < BUFFERED_BYTES)

    def _notify(self) -> None:
        """Wakes whoever waits; called with the lock held."""
        self._changed.notify_all()
        wake, self._wake = self._wake, None
        if wake is not None:
            wake()
