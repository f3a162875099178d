"""Frames that cost work and bring nothing: PING, SETTINGS, PRIORITY, empty DATA, kinds that nobody knows.

HTTP/2 has no limit for them; a client that sends nothing else keeps the loop busy for all others. An honest one sends
a few SETTINGS in its life, and PING to measure the line: grpc-go at most one a round trip, while data flows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from talos_resources.rpc.transport import frames as h2

EMPTY_DATA: Final = -1
"""Stands for DATA without a byte that does not end its stream either."""

OTHER: Final = -2
"""Stands for what is not known, and PRIORITY, which asks for nothing."""


class Allowance:
    """So many at once, and so many a second after that."""

    def __init__(self, burst: int, per_s: float) -> None:
        self._burst = burst
        self._per_s = per_s
        self._left = float(burst)
        self._at: float | None = None

    def take(self, count: int, *, now: float) -> bool:
        """Takes some; False if there were not enough."""
        if self._at is not None:
            self._left = min(self._burst, self._left + (now - self._at) * self._per_s)
        self._at = now
        self._left -= count
        return self._left >= 0


class Floods:
    """Counts the frames of one connection."""

    def __init__(self) -> None:
        # A change of SETTINGS is applied to every open stream: the dearest of all.
        self._allowed = {
            h2.SETTINGS: Allowance(50, 1.0),
            h2.PING: Allowance(2_000, 200.0),
            EMPTY_DATA: Allowance(1_000, 100.0),
            OTHER: Allowance(1_000, 100.0),
        }

    def allowed(self, counts: Mapping[int, int], *, now: float) -> bool:
        """Whether a client may send so many more of each kind."""
        return all(self._allowed[kind].take(count, now=now) for kind, count in counts.items())
