from __future__ import annotations

import threading
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from talos_resources.backends.memory import MemoryState
from talos_resources.kubespan.manager_controller import ManagerController
from talos_resources.model.errors import ConfigError, OwnerConflictError
from talos_resources.model.metadata import Phase
from talos_resources.model.resource import Resource
from talos_resources.model.timestamp import Timestamp
from talos_resources.resources import ClusterIdentity, ClusterInfo, Member
from talos_resources.runtime.context import Context
from talos_resources.runtime.controller import Controller, Input, Output
from talos_resources.runtime.graph import as_dot, as_mermaid, as_text, edges
from talos_resources.runtime.runtime import Runtime
from talos_resources.runtime.scheduler import RealTime, VirtualTime
from talos_resources.simulate.cluster import SimulatedCluster
from talos_resources.simulate.scenarios import lan
from talos_resources.state.derived import add_finalizer, remove_finalizer

S = 1_000_000_000
START = Timestamp.parse("2026-01-01T00:00:00Z")


class Scripted(Controller):
    """A controller that does what the test says."""

    def __init__(
        self,
        act: Callable[[Context], None],
        *,
        name: str = "test.Controller",
        inputs: tuple[Input, ...] = (),
        outputs: tuple[Output, ...] = (),
    ) -> None:
        self.name = name
        self.inputs = inputs
        self.outputs = outputs
        self.released = 0
        self._act = act

    def reconcile(self, context: Context) -> None:
        self._act(context)

    def release(self) -> None:
        self.released += 1


def named(text: str) -> Resource[ClusterInfo]:
    return Resource.new(ClusterInfo(cluster_name=text), id=text)


def mirror(context: Context) -> None:
    """A member for each cluster info."""
    context.replace(Member, {info.id: Member(hostname=info.spec.cluster_name) for info in context.list(ClusterInfo)})


MIRROR: dict[str, Any] = {"inputs": (Input(kind=ClusterInfo),), "outputs": (Output(kind=Member),)}


@pytest.fixture
def clock() -> VirtualTime:
    return VirtualTime(START, seed=1)


@pytest.fixture
def state(clock: VirtualTime) -> MemoryState:
    return MemoryState(clock=clock.now)


def ids(state: MemoryState) -> list[str]:
    return [member.id for member in state.list(Member)]


def test_outputs_follow_inputs_and_are_owned(state: MemoryState, clock: VirtualTime) -> None:
    state.create(named("a"))
    Runtime(state, [Scripted(mirror, **MIRROR)], clock).start()
    clock.settle()
    assert ids(state) == ["a"]
    assert state.get(Member, "a").owner == "test.Controller"
    state.create(named("b"))
    state.destroy(ClusterInfo, "a")
    clock.settle()
    assert ids(state) == ["b"]
    assert state.get(Member, "b").version == 1


def test_many_changes_are_one_call_and_no_change_is_no_write(state: MemoryState, clock: VirtualTime) -> None:
    calls: list[bool] = []

    def act(context: Context) -> None:
        calls.append(context.changed)
        mirror(context)

    Runtime(state, [Scripted(act, **MIRROR)], clock).start()
    clock.settle()
    for number in range(500):  # more than the ring of events holds
        state.create(named(f"n{number}"))
    clock.settle()
    assert calls == [True, True]
    assert len(ids(state)) == 500
    state.create(Resource.new(ClusterInfo(), id="other", namespace="elsewhere"))
    clock.settle()
    assert calls == [True, True]


def test_chains_of_controllers_settle_at_one_moment(state: MemoryState, clock: VirtualTime) -> None:
    def second(context: Context) -> None:
        found = len(context.list(Member))
        context.put(ClusterIdentity, "count", ClusterIdentity(node_id=str(found)))

    controllers = [
        Scripted(second, name="test.Second", inputs=(Input(kind=Member),), outputs=(Output(kind=ClusterIdentity),)),
        Scripted(mirror, name="test.First", **MIRROR),
    ]
    Runtime(state, controllers, clock).start()
    state.create(named("a"))
    clock.settle()
    assert state.get(ClusterIdentity, "count").spec.node_id == "1"
    assert clock.now() == START


def test_what_is_being_torn_down_counts_as_gone(state: MemoryState, clock: VirtualTime) -> None:
    state.create(named("a"))
    Runtime(state, [Scripted(mirror, **MIRROR)], clock).start()
    clock.settle()
    add_finalizer(state, ClusterInfo, "a", "somebody")
    held = state.get(ClusterInfo, "a")
    state.update(held.with_metadata(phase=Phase.TEARING_DOWN))
    clock.settle()
    assert ids(state) == []


def test_outputs_with_finalizers_linger_and_come_back(state: MemoryState, clock: VirtualTime) -> None:
    state.create(named("a"))
    Runtime(state, [Scripted(mirror, **MIRROR)], clock).start()
    clock.settle()
    add_finalizer(state, Member, "a", "somebody")
    state.destroy(ClusterInfo, "a")
    clock.settle()
    assert state.get(Member, "a").phase is Phase.TEARING_DOWN
    state.create(named("a"))
    clock.settle()
    assert state.get(Member, "a").phase is Phase.TEARING_DOWN
    remove_finalizer(state, Member, "a", "somebody")
    clock.settle()
    assert state.get(Member, "a").phase is Phase.RUNNING


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


def test_what_is_not_declared_is_refused(state: MemoryState, clock: VirtualTime) -> None:
    def read(context: Context) -> None:
        context.list(ClusterIdentity)

    def write(context: Context) -> None:
        context.put(ClusterInfo, "a", ClusterInfo())

    one = Input(kind=ClusterInfo, id="only")

    def other_id(context: Context) -> None:
        context.get(ClusterInfo, "another")

    controllers = [
        Scripted(read, name="test.Read", inputs=(Input(kind=ClusterInfo),)),
        Scripted(write, name="test.Write", inputs=(Input(kind=ClusterInfo),)),
        Scripted(other_id, name="test.Id", inputs=(one,)),
    ]
    runtime = Runtime(state, controllers, clock)
    runtime.start()
    clock.settle()
    assert all("not among what it declares" in report.error for report in runtime.reports())


def test_controllers_in_each_others_way_are_refused(state: MemoryState, clock: VirtualTime) -> None:
    exclusive, shared = Output(kind=Member), Output(kind=Member, shared=True)
    with pytest.raises(ConfigError, match=r"both write Members\.cluster\.talos\.dev\(cluster\)"):
        Runtime(state, [Scripted(mirror, name="a", outputs=(exclusive,)), Scripted(mirror, name="b", outputs=(shared,))], clock)
    with pytest.raises(ConfigError, match="two controllers a"):
        Runtime(state, [Scripted(mirror, name="a"), Scripted(mirror, name="a")], clock)
    Runtime(state, [Scripted(mirror, name="a", outputs=(shared,)), Scripted(mirror, name="b", outputs=(shared,))], clock)


def test_others_resources_are_left_alone(state: MemoryState, clock: VirtualTime) -> None:
    state.create(Resource.new(Member(), id="theirs", owner="somebody"))
    runtime = Runtime(state, [Scripted(mirror, **MIRROR)], clock)
    runtime.start()
    clock.settle()
    assert ids(state) == ["theirs"]
    state.create(named("theirs"))
    clock.settle()
    assert runtime.reports()[0].failures == 1
    assert state.get(Member, "theirs").spec == Member()
    assert "is owned by" in str(OwnerConflictError(state.get(Member, "theirs").reference, owner="somebody"))


def test_the_same_seed_gives_the_same_run() -> None:
    def times(seed: int) -> list[int]:
        clock = VirtualTime(START, seed=seed)
        found: list[int] = []

        def act(context: Context) -> None:
            found.append(context.now)
            raise RuntimeError("again")

        Runtime(MemoryState(clock=clock.now), [Scripted(act)], clock).start()
        clock.run_for(120)
        return found

    assert times(1) == times(1) != times(2)


def test_the_same_controllers_run_in_real_time() -> None:
    state, clock = MemoryState(), RealTime()
    runtime = Runtime(state, [Scripted(mirror, **MIRROR)], clock)
    runtime.start()
    clock.start()
    with state.watch_kind(Member) as events:
        state.create(named("a"))
        while getattr(getattr(events.next(timeout=10), "resource", None), "id", "") != "a":
            pass
    clock.stop(timeout=10)
    runtime.stop()


def test_real_time_keeps_times_and_takes_calls_from_any_thread() -> None:
    clock = RealTime()
    order: list[str] = []
    done = threading.Event()
    now = clock.now()
    cancelled = clock.at(Timestamp(now + S // 100), lambda: order.append("cancelled"))
    clock.at(Timestamp(now + S // 20), done.set)
    clock.at(Timestamp(now + S // 50), lambda: order.append("later"))
    cancelled.cancel()
    clock.start()
    clock.soon(lambda: order.append("soon"))
    assert done.wait(10)
    clock.stop(timeout=10)
    assert order == ["soon", "later"]


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
    clock.stop(timeout=10)
    assert order == ["first"]


def test_the_managers_rhythm_survives_a_clock_that_is_set_back() -> None:
    manager = ManagerController(lan(SimulatedCluster(), 1)[0].device)
    start = Timestamp.parse("2026-01-01T01:00:00Z")
    assert manager._tick(start) == start + 30 * S
    back = Timestamp(start - 3600 * S)
    assert manager._tick(back) == back + 30 * S
    assert manager._tick(Timestamp(back + 5 * S)) == back + 30 * S


def test_the_graph_shows_declarations() -> None:
    controller = Scripted(mirror, inputs=(Input(kind=ClusterInfo, id="current"),), outputs=(Output(kind=Member, shared=True),))
    graph = edges([controller])
    assert as_text(graph) == ("test.Controller\n  <- Infos.cluster.talos.dev(cluster/current)\n  -> Members.cluster.talos.dev(cluster)\n")
    assert '"Infos.cluster.talos.dev(cluster)" -> "test.Controller";' in as_dot(graph)
    assert '"test.Controller" -> "Members.cluster.talos.dev(cluster)" [style=dashed];' in as_dot(graph)
    assert as_mermaid(graph).startswith("flowchart LR\n")
