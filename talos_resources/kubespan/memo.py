"""Remembers what follows from a value, by the value's identity.

The values are immutable and large, so that comparing or hashing them would cost more than what is
saved. Nodes of a simulated cluster share memos, and with them what they remember.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Memo(Generic[K, V]):
    """A function that is worked out once for each object; it forgets everything when it knows too much."""

    __slots__ = ("_known", "_limit", "_make")

    def __init__(self, make: Callable[[K], V], *, limit: int = 1 << 16) -> None:
        """Takes the function, and how many results to remember."""
        self._make = make
        self._limit = limit
        self._known: dict[int, tuple[K, V]] = {}

    def of(self, value: K) -> V:
        """What the function makes of a value."""
        # The entry holds the value itself, so its identity cannot be that of another one.
        known = self._known.get(id(value))
        if known is None:
            if len(self._known) >= self._limit:
                self._known.clear()
            known = self._known[id(value)] = (value, self._make(value))
        return known[1]
