"""How long to wait: seconds, a timedelta, or None for ever."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

Timeout = float | dt.timedelta | None


class Deadline:
    """The moment at which a timeout ends, counted from now; monotonic."""

    __slots__ = ("_end", "_timeout")

    def __init__(self, timeout: Timeout) -> None:
        self._timeout = timeout.total_seconds() if isinstance(timeout, dt.timedelta) else timeout
        self._end = None if self._timeout is None else time.monotonic() + self._timeout

    def remaining(self) -> float | None:
        """The seconds left, 0 if there are none; None for ever."""
        return None if self._end is None else max(0.0, self._end - time.monotonic())

    def left(self) -> float | None:
        """The seconds left, above 0; None for ever.

        Raises:
            TimeoutError: there is no time left.
        """
        remaining = self.remaining()
        if remaining == 0:
            raise TimeoutError(f"nothing came within {self._timeout:g} s")
        return remaining


def acquire(gate: Any, left: float | None) -> bool:
    """Acquires a lock within `left` seconds, None for ever; says whether it did."""
    # Lock.acquire refuses more than a few hundred years.
    return bool(gate.acquire() if left is None else gate.acquire(timeout=min(left, 1e9)))
