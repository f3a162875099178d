"""Recording nodes and looking into recordings: `record`, `history`, `diff`, `events`, `--at`."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from talos_resources.backends.memory import MemoryState
from talos_resources.backends.sqlite.periods import Period
from talos_resources.backends.sqlite.state import SqliteState
from talos_resources.cli.main import main
from talos_resources.model.errors import ConnectError, UnknownKindError
from talos_resources.model.net import AddrPort
from talos_resources.model.resource import Resource
from talos_resources.model.timestamp import Timestamp
from talos_resources.resources import ClusterInfo, KubeSpanIdentity, KubeSpanPeerStatus, PeerState
from talos_resources.rpc.server.server import BackgroundServer
from talos_resources.sources.cluster import Cluster
from talos_resources.sources.following import Note
from talos_resources.sources.recording import Recorder
from talos_resources.testing.conformance.parts import PATIENCE

SECRET = "gNoasoKOJzl+/B+uXhvsBVxv81OcVLrlcmQ5jQwZO08="


def peer(id: str, **fields: Any) -> Resource[KubeSpanPeerStatus]:
    return Resource.new(KubeSpanPeerStatus(label=f"node-{id}", **fields), id=id)


@contextmanager
def recording(nodes: dict[str, MemoryState], target: SqliteState, **options: Any) -> Iterator[Recorder]:
    """A recorder at work; what the nodes hold at the end is written when this is left."""
    cluster = Cluster({name: lambda state=state: state for name, state in nodes.items()}, source="a test")  # type: ignore[misc]
    recorder = Recorder(cluster, tuple(nodes), target, **options)
    thread = threading.Thread(target=recorder.run)
    thread.start()
    try:
        yield recorder
    finally:
        recorder.stop()
        thread.join(PATIENCE)
        assert not thread.is_alive()


def wait_for(target: SqliteState, node: str, id: str, version: int) -> None:
    """Waits until the recording has a version of a peer."""
    with target.of_node(node).watch(KubeSpanPeerStatus, id) as events:
        while True:
            resource = getattr(events.next(PATIENCE), "resource", None)
            if resource is not None and resource.version >= version:
                return


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "mesh.db"


@pytest.fixture
def target(file: Path) -> Iterator[SqliteState]:
    with SqliteState(file) as state:
        yield state


def test_what_nodes_tell_is_kept_across_restarts_of_the_recorder(target: SqliteState) -> None:
    one, two = MemoryState(), MemoryState()
    stored = one.create(peer("a", state=PeerState.UP))
    one.create(peer("gone"))
    two.create(peer("a"))
    with recording({"one": one, "two": two}, target):
        wait_for(target, "one", "gone", 1)
        wait_for(target, "two", "a", 1)
        stored = one.update(stored.with_spec(state=PeerState.DOWN))
        wait_for(target, "one", "a", 2)
    # While nobody records, one peer changes and another goes.
    one.update(stored.with_spec(state=PeerState.UP))
    one.destroy(KubeSpanPeerStatus, "gone")
    with recording({"one": one, "two": two}, target):
        wait_for(target, "one", "a", 3)
    of_one = target.of_node("one")
    assert of_one.list(KubeSpanPeerStatus) == one.list(KubeSpanPeerStatus)
    assert [(version.change, version.resource.version) for version in of_one.history(KubeSpanPeerStatus, "a")] == [
        ("created", 1),
        ("updated", 2),
        ("updated", 3),
    ]
    assert [version.change for version in of_one.history(KubeSpanPeerStatus, "gone")] == ["created", "destroyed"]
    assert len(target.of_node("two").history(KubeSpanPeerStatus, "a")) == 1
    assert target.nodes() == ["one", "two"]


@pytest.mark.parametrize("show", [False, True])
def test_secrets_are_kept_only_when_asked_for(target: SqliteState, file: Path, show: bool) -> None:
    node = MemoryState()
    node.create(Resource.new(KubeSpanIdentity(private_key=SECRET, public_key="public"), id="local"))
    node.create(peer("a"))
    with recording({"one": node}, target, show_secrets=show):
        wait_for(target, "one", "a", 1)
        with target.of_node("one").watch(KubeSpanIdentity, "local") as events:
            while getattr(events.next(PATIENCE), "resource", None) is None:
                pass
    held = target.of_node("one").get(KubeSpanIdentity, "local").spec
    assert (held.private_key == SECRET) is show
    assert held.public_key == "public"
    everything = b"".join(path.read_bytes() for path in file.parent.iterdir())
    assert (SECRET.encode() in everything) is show


def test_a_node_that_cannot_be_recorded_is_told_and_the_others_are(target: SqliteState) -> None:
    told: list[Note] = []
    heard = threading.Event()

    def note(note: Note) -> None:
        told.append(note)
        heard.set()

    node = MemoryState()
    node.create(peer("a"))

    class Closed(MemoryState):
        def kind(self, name: str) -> Any:
            raise UnknownKindError(name)

    with recording({"bad": Closed(), "good": node}, target, types=["kubespanpeerstatuses"], on_note=note):
        wait_for(target, "good", "a", 1)
        assert heard.wait(PATIENCE)
    assert told[0].node == "bad"
    assert told[0].is_error
    assert "cannot be followed" in told[0].text


def ago(minutes: float) -> Timestamp:
    return Timestamp(time.time_ns() - int(minutes * 60e9))


@pytest.fixture
def story(file: Path) -> str:
    """An hour of a mesh: one link goes down and moves, counters count, a resource comes."""
    home, roaming = AddrPort.parse("192.168.7.9:51820"), AddrPort.parse("203.0.113.7:40112")
    with SqliteState(file) as state:
        one, two = state.of_node("cp-1"), state.of_node("cp-2")
        up = peer("w=", endpoint=roaming, state=PeerState.UP, receive_bytes=100, transmit_bytes=10).stamped(1, "", ago(60), ago(60))
        down = up.with_spec(endpoint=home, state=PeerState.DOWN).with_metadata(version=3)
        one.put(up, at=ago(60))
        two.put(up, at=ago(60))
        one.put(up.with_spec(receive_bytes=5000).with_metadata(version=2), at=ago(40))
        one.put(down.with_spec(receive_bytes=5000), at=ago(30))
        one.put(Resource.new(ClusterInfo(cluster_name="x"), id="current").stamped(1, "", ago(20), ago(20)), at=ago(20))
    return f"sqlite:{file}"


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


def test_history(story: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["history", "kubespanpeerstatus", "node-w=", "--from", story, "-n", "cp-1"]) == 0
    heading, created, changed = lines(capsys)
    assert heading == "TIME VERSION CHANGE"
    assert created.endswith("Z 1 created")
    assert changed.endswith("Z 3 endpoint: 203.0.113.7:40112 → 192.168.7.9:51820, state: up → down")
    assert main(["history", "kubespanpeerstatus", "w=", "--from", story, "--all", "-o", "json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["node"], row["version"]) for row in rows] == [("cp-1", 1), ("cp-2", 1), ("cp-1", 2), ("cp-1", 3)]  # the oldest first
    assert rows[2]["fields"] == [{"path": "receiveBytes", "old": 100, "new": 5000}]
    assert main(["history", "kubespanpeerstatus", "w=", "--from", story, "-n", "cp-1", "--since", "35m"]) == 0
    assert len(lines(capsys)) == 2


def test_diff(story: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", "-50m", "--from", story]) == 0
    summary, _, heading, *rows = lines(capsys)
    assert summary.endswith("2 nodes: 1 link went down, 1 endpoint moved, 1 resource came, 1 resource changed, 4.9 kB received, 0 B sent")
    assert heading == "NODE TYPE ID CHANGE"
    assert rows == [
        "cp-1 Info current created",
        "cp-1 KubeSpanPeerStatus node-w= endpoint: 203.0.113.7:40112 → 192.168.7.9:51820, state: up → down",
    ]
    assert main(["diff", "-50m", "-35m", "--from", story]) == 0
    assert lines(capsys)[1:] == ["1 more changed nothing but counters; --all shows them"]
    assert main(["diff", "-50m", "now", "members", "kubespanpeerstatuses", "-o", "json", "--from", story]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["summary"]["went_down"] == 1
    assert [change["id"] for change in found["changes"]] == ["w="]


def test_a_part_of_the_time_is_answered_for(story: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", "-2h", "--from", story]) == 0
    captured = capsys.readouterr()
    assert "1 link went down" in captured.out
    assert re.fullmatch(rf"note: what {story} has: it begins at 20\S+:\d\dZ\n", captured.err)


@pytest.fixture
def torn(file: Path) -> str:
    """A recording with a gap: from 60 to 50 minutes ago, and from 40 to 30; of one node only the first."""
    with SqliteState(file) as state:
        for name, periods in {"cp-1": [(60, 50), (40, 30)], "cp-2": [(60, 50)]}.items():
            node = state.of_node(name)
            node.put(peer("w=", state=PeerState.UP).stamped(1, "", ago(60), ago(60)), at=ago(60.5))
            for began, ended in periods:
                node.keep_period(Period(ago(began), ago(ended)))
        changed = peer("w=", state=PeerState.DOWN).stamped(2, "", ago(60), ago(35))
        state.of_node("cp-1").put(changed, at=ago(35))
    return f"sqlite:{file}"


@pytest.mark.parametrize(
    ("arguments", "code", "out", "err"),
    [
        (
            ["diff", "-10s"],
            1,
            "",
            r"error: SOURCE has no data of that time; it has data from CLOCK to CLOCK \(30 m ago\) with 1 gap; .* \(50 m ago\)",
        ),
        (["diff", "-58m", "-52m"], 0, "2 nodes: nothing changed", ""),
        (["diff", "-48m", "-42m"], 1, "", "error: SOURCE has no data of that time; .*"),
        (
            ["diff", "-55m", "-32m", "-n", "cp-1"],
            0,
            "1 link went down",
            "note: what SOURCE has: nobody recorded from CLOCK to CLOCK",
        ),
        (
            ["diff", "-55m"],
            0,
            "1 link went down",
            r"note: .* has of cp-1: nobody recorded from CLOCK to CLOCK, it ends at CLOCK \(30 m ago\)\nnote: .* of cp-2: it ends at CLOCK .*",
        ),
        (["events", "--since", "20m"], 1, "", "error: SOURCE has no data of that time; .*"),
        (["events", "--since", "36m", "-n", "cp-1"], 0, "up → down", r"note: what SOURCE has: it ends at CLOCK \(30 m ago\)"),
        (["history", "kubespanpeerstatus", "w=", "--since", "36m", "-n", "cp-1"], 0, "up → down", r"note: .*"),
        (["mesh", "--at", "-55m"], 0, "2 up", ""),
        (["mesh", "--at", "-45m"], 0, "", "note: nobody recorded of cp-1 at that time, .*\nnote: .*"),
        (["mesh", "--at", "now", "-n", "cp-2"], 0, "", r"note: nobody recorded at that time, this is what was known last: .* \(50 m ago\)"),
    ],
)
def test_no_data_and_no_change_are_two_things(
    torn: str, arguments: list[str], code: int, out: str, err: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--from", torn]) == code
    captured = capsys.readouterr()
    assert out in captured.out
    told = err.replace("SOURCE", re.escape(torn)).replace("CLOCK", r"20\S{8}T\S{8}Z")
    assert re.fullmatch(told, captured.err.strip()), captured.err


def test_a_recorder_says_when_it_heard_a_node(target: SqliteState, capsys: pytest.CaptureFixture[str]) -> None:
    node = MemoryState()
    node.create(peer("a", state=PeerState.UP))
    began = Timestamp(time.time_ns())
    with recording({"one": node}, target) as recorder:
        wait_for(target, "one", "a", 1)
        until = time.monotonic() + PATIENCE
        while not (found := target.of_node("one").periods(now=Timestamp(time.time_ns()))) or not found[0].is_open:
            assert time.monotonic() < until
        recorder._noted(Note("one", None, "is not followed for now: gone", is_error=True))
        recorder._noted(Note("one", None, "is followed again", is_error=False))
    ended = Timestamp(time.time_ns())
    first, second = target.of_node("one").periods(now=Timestamp(ended + 10**12))
    assert began < first.began < first.ended < second.began < second.ended < ended
    assert not second.is_open
    # Killed while it was at work: it counts until it wrote last, and a little later as at work still.
    target.of_node("two").keep_period(Period(began, ended, is_open=True))
    assert target.of_node("two").periods(now=Timestamp(ended + 10**9)) == [Period(began, Timestamp(ended + 10**9), is_open=True)]
    assert target.of_node("two").periods(now=Timestamp(ended + 10**11)) == [Period(began, ended)]
    target.prune(before=ended)
    assert target.of_node("one").periods(now=ended) == [second]


def test_a_node_that_was_away_at_first_is_heard_when_it_has_told_all(target: SqliteState, capsys: pytest.CaptureFixture[str]) -> None:
    """The first moment that a recording has data of is one that commands can show, and nothing came about since."""
    node, tries = MemoryState(), iter([True])
    for name in "abc":
        node.create(peer(name, state=PeerState.UP))

    def opened() -> MemoryState:
        if next(tries, False):
            raise ConnectError("nothing listens there")
        return node

    notes: list[str] = []
    recorder = Recorder(Cluster({"one": opened}, source="a test"), ("one",), target, on_note=lambda note: notes.append(note.text))
    thread = threading.Thread(target=recorder.run)
    thread.start()
    wait_for(target, "one", "c", 1)
    until = time.monotonic() + PATIENCE
    while not (periods := target.of_node("one").periods(now=Timestamp(time.time_ns()))) or not periods[0].is_open:
        assert time.monotonic() < until
    recorder.stop()
    thread.join(PATIENCE)
    assert [note.partition(":")[0] for note in notes] == ["cannot be followed", "is followed now"]
    assert len(target.of_node("one").at(periods[0].began).list(KubeSpanPeerStatus)) == 3
    assert main(["diff", "-1h", "--from", f"sqlite:{target.path}"]) == 0
    captured = capsys.readouterr()
    assert "1 node: nothing changed" in captured.out
    assert "it begins at " in captured.err


def test_a_dump_is_of_one_moment(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = f"sqlite:{tmp_path}/demo.db"
    assert main(["dump", "--from", "demo", "--to", target]) == 0
    with SqliteState(tmp_path / "demo.db") as state:
        [period] = state.of_node("172.20.0.2").periods(now=Timestamp(time.time_ns()))
    assert period.began == period.ended
    assert main(["diff", "-0s", "--from", target]) == 1
    assert "has no data of that time" in capsys.readouterr().err


def test_events_stand_in_straight_columns(story: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["events", "--from", story]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert len({row.index(word) for row, word in zip(rows, ("ID", "node-w=", "node-w=", "node-w=", "current"), strict=True)}) == 1


def test_events(story: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["events", "--from", story]) == 0
    heading, *rows = lines(capsys)
    assert heading == "TIME NODE TYPE ID CHANGE"
    assert [row.split(" ", 1)[1] for row in rows] == [
        "cp-1 KubeSpanPeerStatus node-w= created",
        "cp-2 KubeSpanPeerStatus node-w= created",
        "cp-1 KubeSpanPeerStatus node-w= endpoint: 203.0.113.7:40112 → 192.168.7.9:51820, state: up → down",
        "cp-1 Info current created",
    ]
    assert main(["events", "kubespanpeerstatuses", "--since", "45m", "--all", "-o", "json", "--from", story]) == 0
    assert [json.loads(line)["version"] for line in capsys.readouterr().out.splitlines()] == [2, 3]


def test_get_and_mesh_at_a_moment(story: str, capsys: pytest.CaptureFixture[str]) -> None:
    for moment, state in (("-50m", "up"), ("-10m", "down")):
        assert main(["get", "kubespanpeerstatuses", "-o", "jsonpath={.spec.state}", "-n", "cp-1", "--from", story, "--at", moment]) == 0
        assert lines(capsys) == [state]
    assert main(["mesh", "--from", story, "--at", "-50m"]) == 0
    assert "1 down" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["history", "members", "x", "--from", "demo"], 1, "keeps no past; `record --to sqlite:FILE` keeps it"),
        (["history", "members", "x"], 1, r"resource Members\.cluster\.talos\.dev\(cluster/x@undefined\) doesn't exist"),
        (["history", "nosuch", "x"], 1, 'no resource type or alias "nosuch"'),
        (["history", "members", "x", "--since", "soon"], 1, "'soon' is no moment"),
        (["events", "--from", "demo"], 2, "follow it with --watch"),
        (["diff", "-3h", "-2h"], 1, r"has no data of that time; it has data from 20\S+:\d\dZ to now$"),
        (["get", "members", "--at", "-2h"], 1, r"has no data before 20\S+:\d\dZ; name that moment or a later one"),
        (["diff", "now", "-1m"], 2, "write the earlier moment first"),
        (["get", "members", "--at", "-1m", "--from", "demo"], 1, "knows the present only"),
        (["get", "members", "--at", "-1m", "-w"], 2, "leave one out"),
        (["record", "--to", "mesh.db", "--from", "demo"], 2, "--to takes sqlite:PATH"),
        (["record", "--to", "sqlite:x.db", "--keep", "soon", "--from", "demo"], 2, "--keep takes a time"),
    ],
)
def test_mistakes(story: str, arguments: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    source = [] if "--from" in arguments else ["--from", story]
    assert main([*arguments, *source]) == code
    error = capsys.readouterr().err.strip().splitlines()
    assert len(error) == 1
    assert re.search(message, error[0])


def test_the_commands_as_processes(tmp_path: Path, file: Path) -> None:
    """`record` from a live node over a unix socket until SIGTERM; `events -w` of the file meanwhile."""
    node = MemoryState()
    stored = node.create(peer("a", state=PeerState.UP))
    program = [sys.executable, "-m", "talos_resources"]
    with BackgroundServer(node, f"unix:{tmp_path}/node.sock") as server:
        source = f"cosi+{server.address}"
        with subprocess.Popen(
            [*program, "record", "--from", source, "--to", f"sqlite:{file}", "-n", "cp-1"], stderr=subprocess.PIPE, text=True
        ) as recorder:
            assert recorder.stderr is not None
            assert "recording 1 node to" in recorder.stderr.readline()
            with SqliteState(file) as state:
                wait_for(state, "cp-1", "a", 1)
            command = [*program, "events", "-w", "kubespanpeerstatuses", "--from", f"sqlite:{file}"]
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as events:
                assert events.stdout is not None
                assert "created" in [events.stdout.readline(), events.stdout.readline()][1]
                node.update(stored.with_spec(state=PeerState.DOWN))
                assert "state: up → down" in events.stdout.readline()
                events.send_signal(signal.SIGINT)
                assert events.wait(PATIENCE) == 130
            recorder.terminate()
            assert recorder.stderr.readline() == "2 changes recorded\n"
            assert recorder.wait(PATIENCE) == 0
