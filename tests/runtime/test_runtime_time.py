"""Time in the runtime: retries, wishes, the world outside, clocks that are set back."""

from __future__ import annotations

import threading
import time
from itertools import pairwise

import pytest

from talos_resources.backends.memory import MemoryState
from talos_resources.kubespan.manager_controller import ManagerController
from talos_resources.model.timestamp import Timestamp
from talos_resources.resources import Member
from talos_resources.runtime.context import Context
from talos_resources.runtime.runtime import Runtime
from talos_resources.runtime.scheduler import RealTime, VirtualTime
from talos_resources.simulate.cluster import SimulatedCluster
from talos_resources.simulate.layouts import lan
from tests.runtime.scripted import MIRROR, START, Scripted, ids, mirror, named

S = 1_000_000_000


def test_a_failure_is_tried_again_later_and_later(state: MemoryState, clock: VirtualTime, caplog: pytest.LogCaptureFixture) -> None:
    times: list[float] = []

    def act(context: Context) -> None:
        times.append((context.now - START) / S)
        if len(times) < 6:
            raise RuntimeError("no luck")
        mirror(context)

    failing, other = Scripted(act, **MIRROR), Scripted(lambda _: None, name="test.Other")
    runtime = Runtime(state, [failing, other], clock)
    runtime.start()
    state.create(named("a"))
    clock.settle()
    assert [report.failures for report in runtime.reports()] == [1, 0]
    assert runtime.reports()[0].error == "no luck"
    state.create(named("b"))  # changes do not hurry it
    clock.settle()
    assert len(times) == 1
    clock.run_for(60)
    assert ids(state) == ["a", "b"]
    gaps = [after - before for before, after in pairwise(times)]
    assert len(gaps) == 5
    assert all(0.5 * base <= gap <= 1.5 * base for base, gap in zip([0.5, 1, 2, 4, 8], gaps, strict=True))
    assert failing.released == 5
    assert runtime.reports()[0].failures == 0
    assert "no luck" in caplog.text


def test_times_that_were_asked_for(state: MemoryState, clock: VirtualTime) -> None:
    calls: list[tuple[float, bool]] = []

    def act(context: Context) -> None:
        calls.append(((context.now - START) / S, context.changed))
        if context.wake is None:
            context.wake_at(Timestamp(context.now + 30 * S))

    Runtime(state, [Scripted(act, **MIRROR)], clock).start()
    clock.run_for(10)
    state.create(named("a"))
    clock.run_for(60)
    assert calls == [(0, True), (10, True), (30, False), (60, False)]


def test_the_world_outside_wakes_a_controller(state: MemoryState, clock: VirtualTime) -> None:
    calls: list[int] = []
    runtime = Runtime(state, [Scripted(lambda _: calls.append(1))], clock)
    runtime.start()
    clock.settle()
    runtime.wake("test.Controller")
    clock.settle()
    assert len(calls) == 2
    with pytest.raises(KeyError):
        runtime.wake("test.Nobody")


def test_after_stop_nothing_happens(state: MemoryState, clock: VirtualTime) -> None:
    controller = Scripted(mirror, **MIRROR)
    runtime = Runtime(state, [controller], clock)
    runtime.start()
    runtime.stop()
    state.create(named("a"))
    clock.run_for(60)
    assert ids(state) == []
    assert controller.released == 1


def test_the_same_controllers_run_in_real_time() -> None:
    state, clock = MemoryState(), RealTime()
    runtime = Runtime(state, [Scripted(mirror, **MIRROR)], clock)
    runtime.start()
    clock.start()
    with state.watch_kind(Member) as events:
        state.create(named("a"))
        while getattr(getattr(events.next(timeout=30), "resource", None), "id", "") != "a":
            pass
    clock.stop(timeout=30)
    runtime.stop()


def test_real_time_keeps_times_and_takes_calls_from_any_thread() -> None:
    clock = RealTime()
    order: list[str] = []
    done, soon = threading.Event(), threading.Event()
    now = clock.now()
    cancelled = clock.at(Timestamp(now + S // 100), lambda: order.append("cancelled"))
    clock.at(Timestamp(now + S // 20), done.set)
    clock.at(Timestamp(now + S // 50), lambda: order.append("later"))
    cancelled.cancel()
    clock.start()
    clock.soon(soon.set)
    assert soon.wait(30)
    assert done.wait(30)
    clock.stop(timeout=30)
    assert order == ["later"]


def test_a_clock_that_is_set_back_holds_up_no_timer() -> None:
    """Nothing else would come in this test before the hour is over."""
    back = 0
    clock = RealTime(clock=lambda: time.time_ns() - back)
    order: list[str] = []
    done = threading.Event()
    now = clock.now()
    clock.at(Timestamp(now + S // 10), done.set)
    clock.at(Timestamp(now + S // 20), lambda: order.append("first"))
    clock.at(Timestamp(now + 7200 * S), lambda: order.append("much later"))
    back = 3600 * S
    clock.start()
    assert done.wait(60)
    clock.stop(timeout=30)
    assert order == ["first"]


def test_the_managers_rhythm_survives_a_clock_that_is_set_back() -> None:
    manager = ManagerController(lan(SimulatedCluster(), 1)[0].device)
    start = Timestamp.parse("2026-01-01T01:00:00Z")
    assert manager._tick(start) == start + 30 * S
    back = Timestamp(start - 3600 * S)
    assert manager._tick(back) == back + 30 * S
    assert manager._tick(Timestamp(back + 5 * S)) == back + 30 * S


def test_virtual_time_pauses_between_two_calls_and_goes_on() -> None:
    clock = VirtualTime(Timestamp(0))
    done: list[str] = []
    clock.soon(lambda: done.append("first"))
    clock.at(Timestamp(5), lambda: done.append("second"))
    clock.at(Timestamp(5), lambda: done.append("third"))
    clock.run_until(Timestamp(10), pause=lambda: len(done) >= 2)
    assert (done, clock.now()) == (["first", "second"], Timestamp(5))
    clock.run_until(Timestamp(10), pause=lambda: True)
    assert clock.now() == Timestamp(5)
    clock.run_until(Timestamp(10))
    assert (done, clock.now()) == (["first", "second", "third"], Timestamp(10))
