"""Simulations that go on by themselves, and their whole course as a recording."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from talos_resources.backends.sqlite.state import SqliteState
from talos_resources.model.errors import ConfigError
from talos_resources.model.resource import Resource
from talos_resources.model.timestamp import Timestamp
from talos_resources.resources import KubeSpanIdentity, KubeSpanPeerStatus, Member
from talos_resources.simulate.cluster import SimulatedCluster
from talos_resources.simulate.course import CourseRecorder, ToldState
from talos_resources.simulate.run import prepared, run
from talos_resources.simulate.running import RunningCluster
from talos_resources.simulate.scenarios import SCENARIOS, scenario
from talos_resources.simulate.summary import conclusion, scenario_rows
from talos_resources.simulate.witness import ServingWitness
from talos_resources.state.derived import update_with_conflicts
from talos_resources.state.events import Updated

S = 1_000_000_000


def running(name: str = "mesh", *, nodes: int = 5, speed: float, notes: list[str] | None = None) -> RunningCluster:
    cluster, events = prepared(scenario(name), nodes=nodes, witness=ServingWitness())
    return RunningCluster(cluster, events, speed=speed, on_note=(notes if notes is not None else []).append)


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_time_passes_as_fast_as_it_should() -> None:
    began = time.monotonic()
    with running(speed=100.0) as live:
        until(lambda: live.cluster.sample().is_full_mesh)
        until(lambda: live.cluster.elapsed_s > 200)
        elapsed = live.cluster.elapsed_s
        assert elapsed <= (time.monotonic() - began) * 100
        # It keeps up, or catches up when the machine has had other work.
        until(lambda: live.cluster.elapsed_s > (time.monotonic() - began - 5) * 100)
    stopped = live.cluster.elapsed_s
    time.sleep(0.1)
    assert live.cluster.elapsed_s == stopped


def test_whoever_asks_gets_a_turn_while_there_is_much_to_do() -> None:
    """Between two calls of the simulation, not when all that is due is done; so it also stops."""
    going, again = threading.Event(), threading.Event()
    with running(speed=1.0) as live:

        def busy() -> None:
            going.set()
            time.sleep(0.01)
            if not again.is_set():
                live.cluster.clock.soon(busy)  # there is always more that is due

        live.do(lambda: live.cluster.clock.soon(busy))
        assert going.wait(30)
        asked: list[float] = []
        asker = threading.Thread(target=lambda: asked.append(live.do(lambda: live.cluster.elapsed_s)))
        asker.start()
        asker.join(30)
        assert asked
        live.close()  # although it goes on
        again.set()


def test_time_that_stands_still_is_advanced() -> None:
    notes: list[str] = []
    with running("partition", speed=0, notes=notes) as live:
        assert live.cluster.elapsed_s == 0
        live.advance(330)
        assert live.cluster.elapsed_s == 330
        assert live.cluster.sample().down == 12
        live.advance(600)
        assert live.cluster.sample().is_full_mesh
    assert notes == ["cut: 3 nodes from the 2 others", "the cut is healed"]


def test_what_is_refused_leaves_it_running() -> None:
    with running(speed=100.0) as live:
        with pytest.raises(ConfigError):
            live.do(lambda: live.faults.inject("fire"))
        before = live.cluster.elapsed_s
        until(lambda: live.cluster.elapsed_s > before)


def test_who_watches_a_node_that_is_switched_off_loses_it() -> None:
    with running(speed=0) as live:
        live.advance(60)
        node = live.cluster.nodes["worker-1"]
        watch = node.state.watch_kind(KubeSpanPeerStatus)
        live.do(lambda: live.faults.inject("off", "worker-1", for_s=60))
        with pytest.raises(StopIteration):
            while True:
                watch.next(timeout=30)
        old = node.state
        live.advance(90)
        assert node.state is not old
        assert len(node.state.list(KubeSpanPeerStatus)) == 4


def test_clients_may_watch_while_it_runs() -> None:
    """Every version of every peer comes to a watch in another thread, in order."""
    with running(speed=200.0) as live:
        seen: dict[str, list[int]] = {}
        state = live.cluster.nodes["controlplane-1"].state
        done = threading.Event()

        def follow() -> None:
            with state.watch_kind(KubeSpanPeerStatus) as watch:
                for event in watch:
                    resource: Any = getattr(event, "resource", None)
                    if resource is not None:
                        seen.setdefault(resource.id, []).append(resource.version)
                        assert not isinstance(event, Updated) or event.old is None or event.old.version == resource.version - 1
                    if done.is_set():
                        return

        follower = threading.Thread(target=follow, daemon=True)
        follower.start()
        until(lambda: len(seen) == 4 and all(len(versions) > 5 for versions in list(seen.values())))
        done.set()
        follower.join(30)
    for versions in seen.values():
        assert versions == list(range(versions[0], versions[0] + len(versions)))


def test_the_course_has_every_version_at_its_time(tmp_path: Path) -> None:
    """What the nodes are like at any moment is what another run of the same seed is like then."""
    with SqliteState(tmp_path / "course.db") as target:
        recorder = CourseRecorder(target)
        cluster, _ = run(scenario("restart"), nodes=5, seed=4, duration_s=420, witness=recorder)
        assert recorder.written > 500
        for at_s in (31, 90, 121, 200, 241, 300, 420):
            again = SimulatedCluster(seed=4)
            events = scenario("restart").build(again, 5)
            again.start()
            for event in events:
                if event.at_s <= at_s:
                    again.run_until(event.at_s)
                    event.act()
            again.run_until(at_s)
            for name, node in again.nodes.items():
                then = target.of_node(name).at(again.moment(at_s))
                for kind in (KubeSpanPeerStatus, Member):
                    assert [(peer.id, peer.version, peer.spec) for peer in then.list(kind)] == [
                        (peer.id, peer.version, peer.spec) for peer in node.state.list(kind)
                    ], (name, at_s)
        [peer, *_] = cluster.nodes["controlplane-1"].state.list(KubeSpanPeerStatus)
        history = target.of_node("controlplane-1").history(KubeSpanPeerStatus, peer.id)
        assert [version.resource.version for version in history] == list(range(1, peer.version + 1))
        assert [version.at for version in history] == [version.resource.metadata.updated for version in history]


def test_the_course_says_when_a_node_was_off(tmp_path: Path) -> None:
    with SqliteState(tmp_path / "course.db") as target:
        cluster, _ = run(scenario("restart"), nodes=3, duration_s=420, witness=CourseRecorder(target))
        start = cluster.moment(0)
        now = Timestamp(start + 10_000 * S)
        spans = {
            name: [((period.began - start) / S, (period.ended - start) / S) for period in target.of_node(name).periods(now=now)]
            for name in cluster.nodes
        }
        assert spans == {"controlplane-1": [(0, 420)], "controlplane-2": [(0, 420)], "controlplane-3": [(0, 120), (240, 420)]}


def test_the_course_keeps_secrets_to_itself(tmp_path: Path) -> None:
    for shown in (False, True):
        with SqliteState(tmp_path / f"{shown}.db") as target:
            cluster, _ = run(scenario("mesh"), nodes=2, witness=CourseRecorder(target, show_secrets=shown))
            private = cluster.nodes["controlplane-1"].state.get(KubeSpanIdentity, "local").spec.private_key
        assert (private.encode() in b"".join(file.read_bytes() for file in tmp_path.glob(f"{shown}.db*"))) is shown


def test_scenarios_say_when_their_faults_are_there() -> None:
    rows = {row[0]: row[1:3] for row in scenario_rows()}
    assert len(rows) == len(SCENARIOS) + 1
    assert rows["partition"] == ("0:16:00", "0:02:00 to 0:12:00")
    assert rows["restart"] == ("0:12:00", "0:02:00 to 0:04:00")
    assert rows["leave"] == ("0:40:00", "from 0:02:00")
    assert rows["skew"] == ("0:02:00", "from the start")
    assert rows["mesh"] == ("0:02:00", "-")


@pytest.mark.parametrize(("duration_s", "told"), [(300, True), (719, True), (720, False), (960, False), (60, False)])
def test_a_run_that_ends_before_its_fault_heals_says_so(duration_s: float, told: bool) -> None:
    _, summary = run(scenario("partition"), nodes=4, duration_s=duration_s)
    line = "still so at the end: cut: 2 nodes from the 2 others; it heals at 0:12:00"
    assert (line in conclusion(summary).splitlines()) is told


def test_what_several_threads_write_is_told_in_its_order() -> None:
    """The last that is told is what a recording ends with."""
    told: list[Any] = []

    def tell(what: Any) -> None:
        time.sleep(0)  # others may go on
        told.append(what)

    state = ToldState(tell, clock=lambda: Timestamp.ZERO)
    state.create(Resource.new(Member(hostname="a"), id="a"))

    def write() -> None:
        for _ in range(300):
            update_with_conflicts(state, Member, "a", lambda member: member.with_labels(n=str(member.version)))

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [member.version for member in told] == list(range(1, 1202))
