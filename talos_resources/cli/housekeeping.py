"""Memory that a server needs no more, given back while it goes on.

What a crowd of clients held is freed with their calls, but for what lies in cycles, and for what asyncio and Python keep of
calls that ended: small things in hundreds of places. Python gives memory back to the system a MiB at a time, once nothing
at all is alive in it: 3,800 Lists left a discovery service with 54 of them, of which it used 13, and 1,000 watches of 500
terms a `serve` with 67, of which it used 20. Without these things it is 20 and 33. And the C library keeps what is freed:
1,400 questions left 100 MiB, of which it gave back 46. All of it is looked after here and not by itself, because it holds
up everybody: for a hundredth of the time at most, however much there is, and not at all where nothing happens.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from collections.abc import Callable
from functools import cache
from typing import Final

from talos_resources.cli.pools import SIZES, fill_full_ones_first

PERIOD_S: Final = 2.0
AT_MOST: Final = 0.01
"""Of the time."""

COLLECT_AFTER: Final = 1_000
"""New objects after which the collector looks for garbage among them; commands that are short let it wait for many more."""

_NEVER: Final = 1 << 30
_GENERATIONS: Final = 10

_TIMERS: Final = 400
_WAITS: Final = 255

_NOTEWORTHY_S: Final = 0.02
"""Of CPU; where less was used, nothing much was freed. What is resident does not tell: it stays when memory is freed."""


def prepare_collector() -> None:
    """Has garbage found soon where it is young, and else only by `keep_house`."""
    gc.set_threshold(COLLECT_AFTER, _GENERATIONS, _NEVER)
    _malloc_trim()  # what it loads must not lie in what a crowd leaves behind


async def keep_house() -> None:
    """Collects and gives back, until it is cancelled."""
    collecting, trimming = _Chore(gc.collect), _Chore(trim)
    cleaned_at = 0.0
    while True:
        await asyncio.sleep(PERIOD_S)
        used = time.process_time()
        if used - cleaned_at > _NOTEWORTHY_S:
            _forget_timers()
            _forget_waits()
            _forget_names()
            await asyncio.sleep(0)
            done = collecting.do(), trimming.do()
            if all(done):
                for size in SIZES:
                    fill_full_ones_first(size)
                    await asyncio.sleep(0)
                cleaned_at = time.process_time()


def _forget_timers() -> None:
    """Has asyncio forget the timers that were cancelled.

    It keeps a hundred of them, of calls and connections that are gone, until their time would have come: ten minutes for
    some. They are small, and lie all over what a crowd has left. When most timers are cancelled ones, it forgets them all.
    """
    loop = asyncio.get_running_loop()
    for _ in range(_TIMERS):
        loop.call_later(_NEVER, trim).cancel()


def _forget_waits() -> None:
    """Has asyncio keep other places for its waits than those of a crowd that is gone.

    It keeps the memory of the 255 that ended last, in no order, for the next; these take it, and others give it theirs.
    """
    future = asyncio.get_running_loop().create_future()
    kept, other = ([iter(future) for _ in range(_WAITS)] for _ in range(2))
    del other
    del kept


def _forget_names() -> None:
    """Has Python 3.11 forget the names that it looked up last: each `match` of a class makes one, and it keeps 4,096 of them."""
    if sys.version_info < (3, 12):
        sys._clear_type_cache()  # noqa: SLF001  # documented in spite of its name


class _Chore:
    """Something that holds up everybody, and is done the more rarely the longer it does."""

    def __init__(self, do: Callable[[], object]) -> None:
        self._do = do
        self._next = 0.0

    def do(self) -> bool:
        """Does it, unless it was done just now; returns whether it was done."""
        begin = time.monotonic()
        if begin < self._next:
            return False
        self._do()
        end = time.monotonic()
        self._next = end + (end - begin) / AT_MOST
        return True


def trim() -> None:
    """Gives freed memory back to the system, where the C library has a way to: glibc's, on Linux."""
    give_back = _malloc_trim()
    if give_back is not None:
        give_back(0)


@cache
def _malloc_trim() -> Callable[[int], object] | None:
    if sys.platform != "linux":
        return None
    import ctypes

    return getattr(ctypes.CDLL(None), "malloc_trim", None)
