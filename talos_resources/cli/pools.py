"""Where Python puts its next small objects: into pools that are nearly full, so that others become empty.

CPython keeps objects of each of 32 sizes in pools of 16 KiB, 64 of them in a MiB that is given back to the system when
nothing in it is alive. It takes the pool that an object was freed in last, which after a crowd of clients is one of
theirs; what comes and goes, a number here and a timer there, keeps it in use for ever. Twelve seconds of mixed attacks
left a `serve` of 44 MiB with 36 MiB of Python's without this, and with 27 with it; a discovery service with 23 and 21.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from typing import Final

SIZES: Final = range(48, 513, 16)
"""Of the objects that are looked after; smaller ones are few."""

_POOL_BITS: Final = 14
_POOL_HEAD: Final = 48
_AT_MOST: Final = 20_000
"""Objects of a size that are made for it: a few milliseconds."""


def fill_full_ones_first(size: int) -> None:
    """Has the next objects of a size come into the fullest of its pools.

    It takes all room that there is, and gives it back pool by pool, the fullest last. Where Python's memory is another
    than CPython's own, nothing comes of it.
    """
    taken = _take(size)
    for pool in sorted(taken, key=lambda pool: len(taken[pool]), reverse=True):
        taken[pool].clear()


def _take(size: int) -> dict[int, list[bytes]]:
    """Objects in all the room that there is, by their pools."""
    capacity = ((1 << _POOL_BITS) - _POOL_HEAD) // size
    length = size - sys.getsizeof(b"")
    taken: defaultdict[int, list[bytes]] = defaultdict(list)
    for _ in range(_AT_MOST):
        piece = bytes(length)
        mine = taken[id(piece) >> _POOL_BITS]
        mine.append(piece)
        if len(mine) == capacity:  # it was empty: there is no room left in others
            break
    return taken
