"""When the client does things: back-off, and a clock that goes on while the machine sleeps."""

from __future__ import annotations

import threading
import time
from random import Random
from typing import Final, Protocol

FIRST_S: Final = 0.5
GROWTH: Final = 1.5
LONGEST_S: Final = 60.0
JITTER: Final = 0.5

_LONGEST_WAIT_S: Final = 60.0


class Backoff:
    """Waits that grow until something succeeds, each half as long or half as long again by chance.

    Source: discovery client v0.1.15; golden/discovery/sessions.json, client_timing.
    """

    def __init__(self, random: Random) -> None:
        self._random = random
        self._next = FIRST_S

    def next(self) -> float:
        """Seconds to wait now."""
        wait = self._next * self._random.uniform(1 - JITTER, 1 + JITTER)
        self._next = min(self._next * GROWTH, LONGEST_S)
        return wait

    def reset(self) -> None:
        """Begins anew after a success."""
        self._next = FIRST_S


class Clock(Protocol):
    """Time for a loop that waits for things to change."""

    def now(self) -> float:
        """Seconds since some time; never goes back."""
        ...

    def wait(self, changed: threading.Condition, seconds: float | None) -> None:
        """Waits, holding the condition, until it is notified or so much time has passed; may return early."""
        ...


class MachineClock:
    """The time since the machine was started, its sleep included: an announcement expires in a suspended machine too."""

    def now(self) -> float:
        """See `Clock`."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def wait(self, changed: threading.Condition, seconds: float | None) -> None:
        """See `Clock`; not for long, so that sleep is noticed."""
        changed.wait(_LONGEST_WAIT_S if seconds is None else min(seconds, _LONGEST_WAIT_S))
