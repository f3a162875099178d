"""Memory that a server needs no more, given back while it goes on.

What a crowd of clients held is freed with their calls. Left are cycles that are older than the collector's young
generations, and what the C library keeps of freed memory: after 1,400 questions of 500 terms 100 MiB were resident, and
54 once it had given back what nobody used. Both are looked after here and not by themselves, because they hold up
everybody: for a hundredth of the time at most, however much there is.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final

PERIOD_S: Final = 2.0
AT_MOST: Final = 0.01
"""Of the time."""

COLLECT_AFTER: Final = 1_000
"""New objects after which the collector looks for garbage among them; commands that are short let it wait for many more."""

_STATM: Final = Path("/proc/self/statm")
_NEVER: Final = 1 << 30
_GENERATIONS: Final = 10
_NOTEWORTHY: Final = 0.02
"""Of the memory that is resident; where it is as before, nothing much has happened."""


def prepare_collector() -> None:
    """Has garbage found soon where it is young, and else only by `keep_house`."""
    gc.set_threshold(COLLECT_AFTER, _GENERATIONS, _NEVER)


async def keep_house() -> None:
    """Collects and gives back, until it is cancelled."""
    collecting, trimming = _Chore(gc.collect), _Chore(trim)
    before = 0
    while True:
        await asyncio.sleep(PERIOD_S)
        if gc.get_count()[2] >= _GENERATIONS:
            collecting.do()
        if abs(_resident() - before) > _NOTEWORTHY * before:
            trimming.do()
            before = _resident()


class _Chore:
    """Something that holds up everybody, and is done the more rarely the longer it does."""

    def __init__(self, do: Callable[[], object]) -> None:
        self._do = do
        self._next = 0.0

    def do(self) -> None:
        """Does it, unless it was done just now."""
        begin = time.monotonic()
        if begin >= self._next:
            self._do()
            end = time.monotonic()
            self._next = end + (end - begin) / AT_MOST


def trim() -> None:
    """Gives freed memory back to the system, where the C library has a way to: glibc's, on Linux."""
    give_back = _malloc_trim()
    if give_back is not None:
        give_back(0)


def _resident() -> int:
    """Pages of this process in memory; 0 where nobody says."""
    try:
        return int(_STATM.read_bytes().split()[1])
    except OSError:
        return 0


@cache
def _malloc_trim() -> Callable[[int], object] | None:
    if sys.platform != "linux":
        return None
    import ctypes

    return getattr(ctypes.CDLL(None), "malloc_trim", None)
