"""Sets of addresses as sorted ranges of numbers, for overlaps and minimal covers.

A set that thousands of peers subtract from one another must neither be copied nor be walked for each
of them: netaddr's `IPSet` does both, so ranges and bisection do it here.
"""

from __future__ import annotations

import ipaddress
from bisect import bisect_left
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from talos_resources.model.net import IPAddress, IPPrefix

Range = tuple[int, int]
"""First and last address of a range, both within it."""

_BITS: Final = {4: 32, 6: 128}


def prefix_range(prefix: IPPrefix) -> Range:
    """The range of a prefix, host bits cleared.

    Raises:
        ValueError: the prefix has no valid length.
    """
    if prefix.length is None:
        msg = "an invalid prefix has no addresses"
        raise ValueError(msg)
    host = (1 << (_BITS[prefix.address.version] - prefix.length)) - 1
    first = int(prefix.address) & ~host
    return first, first | host


def merged(ranges: Iterable[Range]) -> list[Range]:
    """The same addresses in ascending ranges that neither overlap nor touch."""
    result: list[Range] = []
    for first, last in sorted(ranges):
        if result and first <= result[-1][1] + 1:
            if last > result[-1][1]:
                result[-1] = (result[-1][0], last)
        else:
            result.append((first, last))
    return result


def subtracted(ranges: Iterable[Range], holes: Iterable[Range]) -> list[Range]:
    """The first set of addresses without the second."""
    taken = Claims()
    taken.claim(merged(holes))
    return taken.free_of(merged(ranges))


@lru_cache(maxsize=1 << 16)
def cover(version: int, first: int, last: int) -> tuple[IPPrefix, ...]:
    """The fewest prefixes that hold exactly the addresses of a range, ascending."""
    address: type[IPAddress] = ipaddress.IPv4Address if version == 4 else ipaddress.IPv6Address
    bits = _BITS[version]
    prefixes = []
    while first <= last:
        # As large as the alignment of its first address and what is left of the range allow.
        size = min((first & -first).bit_length() - 1 if first else bits, (last - first + 1).bit_length() - 1)
        prefixes.append(IPPrefix(address(first), bits - size))
        first += 1 << size
    return tuple(prefixes)


class Claims:
    """Disjoint ranges of addresses that somebody has, in ascending order."""

    __slots__ = ("_firsts", "_lasts")

    def __init__(self) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []

    def free_of(self, ranges: Iterable[Range]) -> list[Range]:
        """The given addresses without those that somebody has."""
        firsts, lasts = self._firsts, self._lasts
        free: list[Range] = []
        for first, last in ranges:
            rest = first
            at = bisect_left(lasts, first)
            while at < len(firsts) and firsts[at] <= last:
                if firsts[at] > rest:
                    free.append((rest, firsts[at] - 1))
                rest = lasts[at] + 1
                at += 1
            if rest <= last:
                free.append((rest, last))
        return free

    def claim(self, ranges: list[Range]) -> list[Range]:
        """Takes what is free of ranges that do not overlap, and returns it: the very list if all of it was free."""
        firsts, lasts = self._firsts, self._lasts
        mine: list[Range] = []
        cut = False
        for span in ranges:
            first, last = span
            at = bisect_left(lasts, first)
            if at == len(lasts) or firsts[at] > last:
                firsts.insert(at, first)
                lasts.insert(at, last)
                mine.append(span)
            else:
                cut = True
                free = self.free_of((span,))
                mine += free
                self._insert(free)
        return mine if cut else ranges

    def _insert(self, ranges: Iterable[Range]) -> None:
        for first, last in ranges:
            at = bisect_left(self._lasts, first)
            self._firsts.insert(at, first)
            self._lasts.insert(at, last)

    def remove(self, ranges: Iterable[Range]) -> None:
        """Lets go of ranges exactly as they were claimed."""
        for first, _ in ranges:
            at = bisect_left(self._firsts, first)
            del self._firsts[at], self._lasts[at]


def minimal_cover(prefixes: Iterable[IPPrefix]) -> tuple[IPPrefix, ...]:
    """The fewest prefixes that hold exactly the same addresses, IPv4 before IPv6, ascending.

    Raises:
        ValueError: a prefix is invalid.
    """
    by_version: dict[int, dict[Range, IPPrefix]] = {4: {}, 6: {}}
    for prefix in prefixes:
        by_version[prefix.address.version][prefix_range(prefix)] = prefix
    return tuple(item for version, ranges in by_version.items() for span in merged(ranges) for item in cover(version, *span))
