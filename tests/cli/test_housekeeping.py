"""A server gives back what it needs no more, and is not held up by it for long."""

from __future__ import annotations

import asyncio
import gc
import sys
import time
import weakref

import pytest

from talos_resources.cli import housekeeping


class Circle:
    """Something that only the collector frees."""

    def __init__(self) -> None:
        self.me = self


def test_old_garbage_is_collected_and_memory_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "PERIOD_S", 0.01)
    thresholds, trimmed = gc.get_threshold(), []
    monkeypatch.setattr(housekeeping, "trim", lambda: trimmed.append(True))
    try:
        housekeeping.prepare_collector()
        circle = Circle()
        gone = weakref.ref(circle)
        gc.collect(1)
        gc.collect(1)  # it is of the oldest generation now, which no collector looks at by itself
        del circle
        kept = [[n] for n in range(200_000)]
        assert gone() is not None

        async def wait() -> None:
            house = asyncio.create_task(housekeeping.keep_house())
            while gone() is not None or not trimmed:
                await asyncio.wait([house], timeout=0.01)
            house.cancel()

        asyncio.run(wait())
        assert len(kept) == 200_000
    finally:
        gc.set_threshold(*thresholds)


def test_timers_that_were_cancelled_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "PERIOD_S", 0.01)
    monkeypatch.setattr(housekeeping, "_NOTEWORTHY_S", -1.0)

    async def wait() -> None:
        loop = asyncio.get_running_loop()
        house = asyncio.create_task(housekeeping.keep_house())
        timers = [loop.call_later(600, print) for _ in range(90)]
        for timer in timers:
            timer.cancel()
        remembered = [weakref.ref(timer) for timer in timers]
        del timer, timers
        while any(timer() is not None for timer in remembered):
            await asyncio.wait([house], timeout=0.01)
        house.cancel()

    asyncio.run(wait())


def test_asyncio_has_other_places_for_its_waits() -> None:
    async def places() -> tuple[set[int], set[int]]:
        future = asyncio.get_running_loop().create_future()
        crowd = [iter(future) for _ in range(housekeeping._WAITS)]
        before = {id(wait) for wait in crowd}
        crowd.clear()  # not freed, but kept by asyncio
        housekeeping._forget_waits()
        waits = [iter(future) for _ in range(housekeeping._WAITS)]
        return before, {id(wait) for wait in waits}

    before, after = asyncio.run(places())
    assert not before & after


def test_names_that_python_looked_up_are_forgotten() -> None:
    circle: object = Circle()
    housekeeping._forget_names()
    before = sys.getallocatedblocks()
    for _ in range(20_000):
        match circle:
            case Circle():
                pass
            case _:
                raise AssertionError
    housekeeping._forget_names()
    assert sys.getallocatedblocks() < before + 500  # 4,000 more on Python 3.11 otherwise


def test_what_takes_long_is_done_rarely() -> None:
    done = []

    def sleep() -> None:
        done.append(True)
        time.sleep(0.05)

    chore = housekeeping._Chore(sleep)
    for _ in range(100):
        chore.do()
    assert len(done) == 1


def test_where_memory_cannot_be_given_back_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    housekeeping.trim()
    housekeeping._malloc_trim.cache_clear()
    monkeypatch.setattr(sys, "platform", "darwin")
    housekeeping.trim()
    housekeeping._malloc_trim.cache_clear()
