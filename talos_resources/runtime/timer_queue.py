"""Calls that are to come, in order."""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Callable

from talos_resources.model.timestamp import Timestamp

Call = Callable[[], None]


class Timer:
    """A call that is to come."""

    __slots__ = ("call",)

    def __init__(self, call: Call) -> None:
        self.call: Call | None = call

    def cancel(self) -> None:
        """Makes sure that the call does not come any more."""
        self.call = None


class TimerQueue:
    """Calls in order of their time, then of their arrival."""

    def __init__(self) -> None:
        self._ready: deque[Call] = deque()
        self._timers: list[tuple[Timestamp, int, Timer]] = []
        self._numbers = itertools.count()

    def soon(self, call: Call) -> None:
        """A call that is due at once."""
        self._ready.append(call)

    def at(self, when: Timestamp, call: Call) -> Timer:
        """A call that is due then."""
        timer = Timer(call)
        heapq.heappush(self._timers, (when, next(self._numbers), timer))
        return timer

    def take(self, now: Timestamp) -> Call | None:
        """The next call that is due."""
        if self._ready:
            return self._ready.popleft()
        while self._timers and self._timers[0][0] <= now:
            call = heapq.heappop(self._timers)[2].call
            if call is not None:
                return call
        return None

    def shift(self, step: int) -> None:
        """Moves all timers by so many nanoseconds."""
        self._timers = [(Timestamp(when + step), number, timer) for when, number, timer in self._timers]

    def next_time(self) -> Timestamp | None:
        """When the next timer is due."""
        while self._timers and self._timers[0][2].call is None:
            heapq.heappop(self._timers)
        return self._timers[0][0] if self._timers else None
