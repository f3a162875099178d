"""A node's own clock, ahead of or behind the true time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from talos_resources.model.timestamp import Timestamp
from talos_resources.runtime.scheduler import Subscription, VirtualTime
from talos_resources.runtime.timer_queue import Call, Timer
from talos_resources.state.contract import Watch

_S: Final = 1_000_000_000


class SkewedTime:
    """The scheduler of a node whose clock is wrong; see `Scheduler`."""

    def __init__(self, clock: VirtualTime, skew_s: float) -> None:
        self._clock = clock
        self._skew = round(skew_s * _S)
        self.random = clock.random

    def now(self) -> Timestamp:
        """The time that the node believes."""
        return Timestamp(self._clock.now() + self._skew)

    def soon(self, call: Call) -> None:
        """See `Scheduler`."""
        self._clock.soon(call)

    def at(self, when: Timestamp, call: Call) -> Timer:
        """See `Scheduler`."""
        return self._clock.at(Timestamp(when - self._skew), call)

    def follow(self, subscribe: Callable[[], Watch[Any]], on_event: Call) -> Subscription:
        """See `Scheduler`."""
        return self._clock.follow(subscribe, on_event)
