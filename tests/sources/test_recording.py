"""Recording nodes: `record`, what it keeps, and the commands as processes."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from talos_resources.backends.memory import MemoryState
from talos_resources.backends.sqlite.periods import Period
from talos_resources.backends.sqlite.state import SqliteState
from talos_resources.cli.main import main
from talos_resources.model.errors import ConfigError, ConnectError, UnknownKindError
from talos_resources.model.metadata import Reference
from talos_resources.model.resource import Resource
from talos_resources.model.timestamp import Timestamp
from talos_resources.resources import KubeSpanIdentity, KubeSpanPeerStatus, PeerState
from talos_resources.rpc.server.server import BackgroundServer
from talos_resources.sources.cluster import Cluster
from talos_resources.sources.following import Note
from talos_resources.sources.recording import Recorder
from talos_resources.state.contract import State
from talos_resources.testing.conformance.parts import PATIENCE

SECRET = "gNoasoKOJzl+/B+uXhvsBVxv81OcVLrlcmQ5jQwZO08="


def peer(id: str, **fields: Any) -> Resource[KubeSpanPeerStatus]:
    return Resource.new(KubeSpanPeerStatus(label=f"node-{id}", **fields), id=id)


@contextmanager
def recording(nodes: Mapping[str, State], target: SqliteState, **options: Any) -> Iterator[Recorder]:
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


@pytest.mark.parametrize("error", [ConfigError("the disk is full"), KeyboardInterrupt()])
def test_what_could_not_be_written_is_not_said_to_be_known(
    error: BaseException, target: SqliteState, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = MemoryState()
    node.create(peer("a"))
    keep = SqliteState.put

    def put(self: SqliteState, resource: Resource[Any], **how: Any) -> bool:
        kept = keep(self, resource, **how)
        if resource.id == "c":
            raise error
        return kept

    monkeypatch.setattr(SqliteState, "put", put)
    recorder = Recorder(Cluster({"one": lambda: node}, source="a test"), ("one",), target)
    ends: list[BaseException] = []

    def run() -> None:
        try:
            recorder.run()
        except (ConfigError, KeyboardInterrupt) as raised:
            ends.append(raised)

    begun = Timestamp(time.time_ns())
    thread = threading.Thread(target=run)
    thread.start()
    wait_for(target, "one", "a", 1)
    for name in "bc":
        node.create(peer(name))
    thread.join(PATIENCE)
    assert ends == [error]
    assert [held.id for held in target.of_node("one").list(KubeSpanPeerStatus)] in (["a"], ["a", "b"])
    assert recorder.written == len(target.of_node("one").list(KubeSpanPeerStatus))
    assert [period.is_open for period in target.of_node("one").periods(now=begun)] in ([], [True])  # as if it had been killed


def test_a_recorder_that_began_late_does_not_set_the_file_back(target: SqliteState) -> None:
    """What it was told at its beginning is old when another one has written what came after that."""
    held, node = target.of_node("one"), MemoryState()
    listed = node.create(peer("a"))
    began, later = Timestamp(time.time_ns()), Timestamp(time.time_ns() + 10**9)
    assert held.put(node.update(listed.with_spec(receive_bytes=1)), at=later)
    assert held.put(node.create(peer("new")), at=later)
    assert not held.put(listed, at=began)
    assert not held.drop(Reference("kubespan", listed.metadata.type, "new"), at=began)
    assert held.put(listed, at=Timestamp(later + 1)), "the node was set back"
    assert held.drop(Reference("kubespan", listed.metadata.type, "new"), at=Timestamp(later + 1))


def test_several_recorders_write_one_file(target: SqliteState, file: Path) -> None:
    """Of one node or of several: the file goes forward, however far one of them is behind the others."""
    nodes = {name: MemoryState(capacity=10_000, gap=0) for name in ("a", "b")}
    for state in nodes.values():
        state.create(peer("1"))
    with SqliteState(file) as second, recording(nodes, target), recording(nodes, second), recording({"a": nodes["a"]}, target):
        for name in nodes:
            wait_for(target, name, "1", 1)
        for count in range(200):
            for state in nodes.values():
                held = state.get(KubeSpanPeerStatus, "1")
                state.update(held.with_spec(receive_bytes=count))
            time.sleep(0.01)
        nodes["b"].destroy(KubeSpanPeerStatus, "1")
        nodes["b"].create(peer("1"))
    for name, expected in (("a", [*range(1, 202)]), ("b", [*range(1, 202), 201, 1])):
        versions = target.of_node(name).history(KubeSpanPeerStatus, "1")
        assert [version.resource.version for version in versions] == expected, name
    assert [version.change for version in versions][-2:] == ["destroyed", "created"]


def test_a_dump_is_of_one_moment(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = f"sqlite:{tmp_path}/demo.db"
    assert main(["dump", "--from", "demo", "--to", target]) == 0
    with SqliteState(tmp_path / "demo.db") as state:
        [period] = state.of_node("172.20.0.2").periods(now=Timestamp(time.time_ns()))
    assert period.began == period.ended
    assert main(["diff", "-0s", "--from", target]) == 1
    assert "has no data of that time" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_commands_as_processes(number: int, tmp_path: Path, file: Path) -> None:
    """`record` from a live node over a unix socket until a signal; `events -w` of the file meanwhile."""
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
            recorder.send_signal(number)
            assert recorder.stderr.readline() == "2 changes recorded\n"
            assert recorder.wait(PATIENCE) == 0
    with SqliteState(file) as state:
        [period] = state.of_node("cp-1").periods(now=Timestamp(time.time_ns()))
        assert not period.is_open
