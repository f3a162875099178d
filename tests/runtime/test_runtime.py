"""Controllers: inputs and outputs, owners and finalizers, what is declared."""

from __future__ import annotations

import pytest

from talos_resources.backends.memory import MemoryState
from talos_resources.model.errors import ConfigError, OwnerConflictError
from talos_resources.model.metadata import Phase
from talos_resources.model.resource import Resource
from talos_resources.resources import ClusterIdentity, ClusterInfo, Member
from talos_resources.runtime.context import Context
from talos_resources.runtime.controller import Input, Output
from talos_resources.runtime.graph import as_dot, as_mermaid, as_text, edges
from talos_resources.runtime.runtime import Runtime
from talos_resources.runtime.scheduler import VirtualTime
from talos_resources.state.derived import add_finalizer, remove_finalizer
from tests.runtime.scripted import MIRROR, START, Scripted, ids, mirror, named


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


def test_the_graph_shows_declarations() -> None:
    controller = Scripted(mirror, inputs=(Input(kind=ClusterInfo, id="current"),), outputs=(Output(kind=Member, shared=True),))
    graph = edges([controller])
    assert as_text(graph) == ("test.Controller\n  <- Infos.cluster.talos.dev(cluster/current)\n  -> Members.cluster.talos.dev(cluster)\n")
    assert '"Infos.cluster.talos.dev(cluster)" -> "test.Controller";' in as_dot(graph)
    assert '"test.Controller" -> "Members.cluster.talos.dev(cluster)" [style=dashed];' in as_dot(graph)
    assert as_mermaid(graph).startswith("flowchart LR\n")
