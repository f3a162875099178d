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
from talos_resources.backends.sqlite.state import SqliteState
from talos_resources.cli.main import main
from talos_resources.model.errors import UnknownKindError
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
    assert [(row["node"], row["version"]) for row in rows] == [("cp-1", 1), ("cp-1", 2), ("cp-1", 3), ("cp-2", 1)]
    assert rows[1]["fields"] == [{"path": "receiveBytes", "old": 100, "new": 5000}]
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
        (["diff", "-2h"], 1, "has no history before"),
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
