"""When things run: one queue of calls, and two clocks to drive it.

`VirtualTime` jumps from one call to the next in the caller's thread, so that hours of thousands of
nodes pass in seconds and always in the same way. `RealTime` waits for each in a thread of its own.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from random import Random
from typing import Any, Final, Protocol

from talos_resources.model.errors import TalosResourcesError, WatchError
from talos_resources.model.timestamp import Timestamp
from talos_resources.runtime.timer_queue import Call, Timer, TimerQueue
from talos_resources.state.contract import Watch
from talos_resources.state.events import Errored

log: Final = logging.getLogger(__name__)

_S: Final = 1_000_000_000
# Below that the clock is slewed rather than set, and timers need no help.
_STEP: Final = _S
_RETRY_S: Final = 1.0


class Subscription(Protocol):
    """Watches that call back."""

    def poll(self) -> None:
        """Looks for events at once, where that is not done by a thread."""
        ...

    def close(self) -> None:
        """Ends it."""
        ...


class Scheduler(Protocol):
    """Runs calls one at a time.

    Attributes:
        random: the only source of chance, so that a seed repeats a run.
    """

    random: Random

    def now(self) -> Timestamp:
        """The time."""
        ...

    def soon(self, call: Call) -> None:
        """Runs the call after those that wait already; any thread may ask for it."""
        ...

    def at(self, when: Timestamp, call: Call) -> Timer:
        """Runs the call at a time, at once if that has passed; any thread may ask for it."""
        ...

    def follow(self, subscribe: Callable[[], Watch[Any]], on_event: Call) -> Subscription:
        """Calls back, through the queue, when there was at least one event since the last time.

        Args:
            subscribe: makes the watch, and makes it again after an error (which counts as an event).
            on_event: what to call.
        """
        ...


class VirtualTime:
    """A clock that stands still while calls run and jumps to the next one when none is left.

    Everything happens in the thread that calls `settle`, `run_until` or `run_for`.
    """

    def __init__(self, start: Timestamp, *, seed: int = 0) -> None:
        self.random = Random(seed)  # noqa: S311  (a repeatable run needs no secret)
        self._now = start
        self._queue = TimerQueue()
        self._subscriptions: dict[_Polled, None] = {}

    def now(self) -> Timestamp:
        """The virtual time."""
        return self._now

    def soon(self, call: Call) -> None:
        """See `Scheduler`."""
        self._queue.soon(call)

    def at(self, when: Timestamp, call: Call) -> Timer:
        """See `Scheduler`."""
        return self._queue.at(when, call)

    def follow(self, subscribe: Callable[[], Watch[Any]], on_event: Call) -> Subscription:
        """See `Scheduler`; events are noticed by `poll` and at the start of `settle` and the like."""
        return _Polled(self, subscribe, on_event)

    def next_time(self) -> Timestamp | None:
        """When the next call is due; None if there is none."""
        return self._queue.next_time()

    def settle(self) -> None:
        """Runs all that is due now."""
        self.run_until(self._now)

    def run_for(self, seconds: float) -> None:
        """Lets so much time pass."""
        self.run_until(Timestamp(self._now + round(seconds * _S)))

    def run_until(self, when: Timestamp, *, poll: bool = True, pause: Callable[[], bool] = lambda: False) -> None:
        """Lets time pass until then, all that is due then included.

        Args:
            when: not before now.
            poll: look for what others than the controllers have written; with thousands of subscriptions that takes a while.
            pause: asked before each call; time stands where it is when it says so, and goes on with the next `run_until`.
        """
        for subscription in tuple(self._subscriptions) if poll else ():
            subscription.poll()
        while True:
            while not (paused := pause()) and (call := self._queue.take(self._now)) is not None:
                call()
            if paused:
                return
            due = self._queue.next_time()
            if due is None or due > when:
                break
            self._now = max(due, self._now)
        self._now = max(self._now, when)


class _Polled:
    def __init__(self, clock: VirtualTime, subscribe: Callable[[], Watch[Any]], on_event: Call) -> None:
        self._clock = clock
        self._subscribe = subscribe
        self._on_event = on_event
        self._watch = subscribe()
        clock._subscriptions[self] = None  # noqa: SLF001  (one class in two parts)

    def poll(self) -> None:
        if self._drain():
            self._clock.soon(self._on_event)

    def _drain(self) -> bool:
        seen = False
        while True:
            try:
                batch = self._watch.next_batch(timeout=0)
            except (TimeoutError, StopIteration):
                return seen
            except WatchError:
                self._watch = self._subscribe()
                return True
            seen = True
            if isinstance(batch[-1], Errored):
                self._watch = self._subscribe()
                return True

    def close(self) -> None:
        self._watch.close()
        self._clock._subscriptions.pop(self, None)  # noqa: SLF001  (one class in two parts)


class RealTime:
    """The machine's clock; calls run in one thread, from `start` to `stop`.

    A timer waits no longer than it was meant to when the clock is set back.
    """

    def __init__(self, *, seed: int | None = None, clock: Callable[[], int] = time.time_ns) -> None:
        """Takes a seed for the spread of retries, and the time of day in nanoseconds since 1970, UTC."""
        self.random = Random(seed)  # noqa: S311  (it spreads retries, nothing more)
        self._clock = clock
        self._ahead = clock() - time.monotonic_ns()
        self._queue = TimerQueue()
        self._changed = threading.Condition()
        self._stopped = False
        self._thread: threading.Thread | None = None

    def now(self) -> Timestamp:
        """The time of day in UTC."""
        return Timestamp(self._clock())

    def soon(self, call: Call) -> None:
        """See `Scheduler`."""
        with self._changed:
            self._queue.soon(call)
            self._changed.notify()

    def at(self, when: Timestamp, call: Call) -> Timer:
        """See `Scheduler`."""
        with self._changed:
            self._mind_steps(self.now())
            timer = self._queue.at(when, call)
            self._changed.notify()
            return timer

    def follow(self, subscribe: Callable[[], Watch[Any]], on_event: Call) -> Subscription:
        """See `Scheduler`; a thread waits for events."""
        return _Threaded(self, subscribe, on_event)

    def start(self) -> None:
        """Begins to run calls in a thread; once."""
        self._thread = threading.Thread(target=self._run, name="controllers", daemon=True)
        self._thread.start()

    def stop(self, *, timeout: float | None = None) -> None:
        """Runs no more calls and waits for the one that runs; `timeout` in seconds."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout)

    def _run(self) -> None:
        while (call := self._wait()) is not None:
            try:
                call()
            except Exception:  # all controllers share this thread
                log.exception("a controller's call failed; the others go on")

    def _wait(self) -> Call | None:
        with self._changed:
            while not self._stopped:
                now = self.now()
                self._mind_steps(now)
                call = self._queue.take(now)
                if call is not None:
                    return call
                due = self._queue.next_time()
                # Not for ever, so that a clock that is set forward is noticed.
                self._changed.wait(60 if due is None else min((due - now) / _S, 60))
        return None

    def _mind_steps(self, now: Timestamp) -> None:
        """Moves the timers along when the clock was set back."""
        ahead = now - time.monotonic_ns()
        if ahead < self._ahead - _STEP:
            self._queue.shift(ahead - self._ahead)
        self._ahead = ahead


class _Threaded:
    def __init__(self, clock: RealTime, subscribe: Callable[[], Watch[Any]], on_event: Call) -> None:
        self._clock = clock
        self._subscribe = subscribe
        self._on_event = on_event
        self._closed = threading.Event()
        self._watch: Watch[Any] = subscribe()
        threading.Thread(target=self._run, name="controller-input", daemon=True).start()

    def poll(self) -> None:
        """The thread does it."""

    def close(self) -> None:
        self._closed.set()
        self._watch.close()

    def _run(self) -> None:
        while not self._closed.is_set():
            try:
                failed = isinstance(self._watch.next_batch()[-1], Errored)
            except StopIteration:
                return
            except TalosResourcesError:
                failed = True
            except Exception:  # what cannot be is tried again: a controller without news would stand still
                log.exception("an input of a controller failed; it is watched anew")
                failed = True
            if failed and not self._again():
                return
            self._clock.soon(self._on_event)

    def _again(self) -> bool:
        """Subscribes anew, as often as it takes; False if it was closed meanwhile."""
        while not self._closed.is_set():
            try:
                self._watch = self._subscribe()
            except TalosResourcesError:
                self._closed.wait(_RETRY_S)
                continue
            if self._closed.is_set():
                self._watch.close()
                break
            return True
        return False
