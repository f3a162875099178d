"""How many calls an address may make: a bucket of tokens for each, that fills again.

Source: discovery service v1.1.0; golden/discovery/validation.json, limits.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from talos_resources.model.net import IPAddress
from talos_resources.rpc.server.addresses import owner_of

PER_SECOND: Final = 15.0
BURST: Final = 60.0
_MOST_BUCKETS: Final = 10_000
_FORGOTTEN: Final = 16
"""At each call."""


class RateLimit:
    """Calls by address; of IPv6 a /64 counts as one, because whoever has one address there has them all."""

    def __init__(self, *, per_second: float = PER_SECOND, burst: float = BURST) -> None:
        """Takes how fast a bucket fills, and how many tokens it holds."""
        self._per_second = per_second
        self._burst = burst
        self._full_at: OrderedDict[int, float] = OrderedDict()  # when the bucket of each is full again

    def __len__(self) -> int:
        """How many addresses are remembered."""
        return len(self._full_at)

    def delay(self, address: IPAddress | None, *, now: float, most: float) -> float | None:
        """Seconds that a call has to wait; None if that is too long, then it costs nothing.

        Args:
            address: who calls; None is never limited.
            now: in seconds.
            most: that the caller would wait.
        """
        self.forget(now=now, most=_FORGOTTEN)
        if address is None:
            return 0.0
        key = owner_of(address)
        full_at = max(self._full_at.get(key, now), now) + 1.0 / self._per_second
        # Rounded: the sums of a burst are off by some 1e-14 s, for which nobody shall wait.
        wait = max(round(full_at - now - self._burst / self._per_second, 6), 0.0)
        if wait > most:
            return None
        self._full_at[key] = full_at
        self._full_at.move_to_end(key)
        if len(self._full_at) > _MOST_BUCKETS:
            self._full_at.popitem(last=False)  # the one that was silent for longest
        return wait

    def forget(self, *, now: float, most: int = _MOST_BUCKETS) -> None:
        """Forgets some of those who were silent until their bucket was full again: they are as those who never came."""
        for _ in range(most):
            key = next(iter(self._full_at), None)
            if key is None or self._full_at[key] > now:
                return
            del self._full_at[key]
