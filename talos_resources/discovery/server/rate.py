"""How many calls an address may make: a bucket of tokens for each, that fills again.

Source: discovery service v1.1.0; golden/discovery/validation.json, limits.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from typing import Final

from talos_resources.model.net import IPAddress

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
        self._buckets: OrderedDict[IPAddress, tuple[float, float]] = OrderedDict()  # tokens (below 0: owed), and when

    def delay(self, address: IPAddress | None, *, now: float, most: float) -> float | None:
        """Seconds that a call has to wait; None if that is too long, then it costs nothing.

        Args:
            address: who calls; None is never limited.
            now: in seconds.
            most: that the caller would wait.
        """
        if address is None:
            return 0.0
        self._forget(now)
        key = _network(address)
        tokens = self._tokens(key, now) - 1.0
        wait = max(-tokens / self._per_second, 0.0)
        if wait > most:
            return None
        self._buckets[key] = tokens, now
        self._buckets.move_to_end(key)
        if len(self._buckets) > _MOST_BUCKETS:
            self._buckets.popitem(last=False)  # the one that was silent for longest
        return wait

    def _forget(self, now: float) -> None:
        """Forgets some of those who were silent until their bucket was full again: they are as those who never came."""
        for _ in range(_FORGOTTEN):
            key = next(iter(self._buckets), None)
            if key is None or self._tokens(key, now) < self._burst:
                return
            del self._buckets[key]

    def _tokens(self, key: IPAddress, now: float) -> float:
        tokens, then = self._buckets.get(key, (self._burst, now))
        return min(self._burst, tokens + max(now - then, 0.0) * self._per_second)


def _network(address: IPAddress) -> IPAddress:
    if address.version == 4:
        return address
    return ipaddress.IPv6Address(int(address) >> 64 << 64)
