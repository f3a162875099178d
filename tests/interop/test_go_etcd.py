"""One etcd for Go and for us: COSI's marshaler and etcd's own client on one side, EtcdState on the other.

The Go program is ours (`interop/etcd`): the module of state-etcd is not served to our CI. What it brings
of the real thing is COSI's runtime, which encodes the values, and etcd's client; the keys it makes with
Go's own escaping and hashing, by the layout of state-etcd.
"""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from talos_resources.backends.etcd import EtcdState
from talos_resources.model.errors import (
    AlreadyExistsError,
    NotFoundError,
    OwnerConflictError,
    PendingFinalizersError,
    PhaseConflictError,
    VersionConflictError,
)
from talos_resources.model.kind import untyped
from talos_resources.model.metadata import Phase
from talos_resources.model.resource import Resource
from talos_resources.model.spec import UntypedSpec
from talos_resources.resources import KubeSpanPeerStatus, PeerState
from talos_resources.rpc.client.connect import connect_plain
from talos_resources.rpc.client.state import RemoteState
from talos_resources.rpc.server.server import BackgroundServer
from talos_resources.state.contract import State
from talos_resources.state.derived import add_finalizer, remove_finalizer, teardown
from talos_resources.testing.conformance.parts import PATIENCE, brief, take, told
from tests.backends.etcd.cluster import Etcd, need_etcd
from tests.interop.conftest import INTEROP
from tests.interop.test_go_client import conformance

pytestmark = [pytest.mark.go, pytest.mark.etcd]

MODULE = INTEROP / "etcd"
Pair = tuple[EtcdState, RemoteState]


@pytest.fixture(scope="module")
def program(go: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    downloaded = subprocess.run([go, "mod", "download"], cwd=MODULE, capture_output=True, text=True, timeout=300, check=False)
    if downloaded.returncode:
        pytest.skip(f"the Go modules cannot be had: {downloaded.stderr.strip().splitlines()[-1]}")
    built = tmp_path_factory.mktemp("go") / "peer"
    subprocess.run([go, "build", "-o", built, "."], cwd=MODULE, timeout=300, check=True)
    return built


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Etcd]:
    need_etcd()
    with Etcd(tmp_path_factory.mktemp("etcd")) as running:
        yield running


@pytest.fixture
def pair(program: Path, cluster: Etcd, request: pytest.FixtureRequest) -> Iterator[Pair]:
    """Our state and the Go program's, over one prefix."""
    prefix = f"/go/{abs(hash(request.node.name))}"
    command = [str(program), "-etcd", cluster.endpoints, "-prefix", prefix]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            with closing(connect_plain(process.stdout.readline().split()[-1])) as theirs, EtcdState(cluster.url(prefix)) as ours:
                yield ours, theirs
        finally:
            process.terminate()
            process.wait(30)


@pytest.fixture(params=["we write", "Go writes"])
def sides(pair: Pair, request: pytest.FixtureRequest) -> tuple[State, State]:
    """Who writes and who reads."""
    ours, theirs = pair
    return (ours, theirs) if request.param == "we write" else (theirs, ours)


def full(id: str = "a") -> Resource[KubeSpanPeerStatus]:
    spec = KubeSpanPeerStatus(label="cp-1", state=PeerState.UP, receive_bytes=2**40, transmit_bytes=7)
    return Resource.new(spec, id=id, labels={"zone": "a", "k /": ""}, annotations={"n": "ü\n"}, finalizers=("f1", "f2"), owner="controller")


def equal(first: Resource[Any], second: Resource[Any]) -> bool:
    """All of it; Go keeps finalizers in any order."""
    times = [(found.metadata.created, found.metadata.updated) for found in (first, second)]
    return first.same_content(second) and times[0] == times[1]


def test_back_and_forth(sides: tuple[State, State]) -> None:
    writer, reader = sides
    first = writer.create(full(), owner="controller")
    read = reader.get(KubeSpanPeerStatus, "a")
    assert equal(first, read)
    assert (read.version, read.owner, sorted(read.metadata.finalizers)) == (1, "controller", ["f1", "f2"])
    second = reader.update(read.with_spec(state=PeerState.DOWN).with_labels(zone="b"))
    assert second.version == 2
    again = writer.get(KubeSpanPeerStatus, "a")
    assert equal(again, second)
    third = writer.update(again.with_annotations(more="1"))
    assert equal(reader.get(KubeSpanPeerStatus, "a"), third)
    assert (third.version, third.metadata.created) == (3, first.metadata.created)
    assert [found.version for found in reader.list(KubeSpanPeerStatus)] == [3]


def test_refusals(sides: tuple[State, State]) -> None:
    one, other = sides
    held = one.create(full(), owner="controller")
    with pytest.raises(AlreadyExistsError):
        other.create(full(), owner="controller")
    with pytest.raises(OwnerConflictError):
        other.update(held, owner="somebody")
    with pytest.raises(PendingFinalizersError):
        other.destroy(KubeSpanPeerStatus, "a", owner="controller")
    one.update(held.with_labels(l="1"))
    with pytest.raises(VersionConflictError):
        other.update(held.with_labels(l="2"))
    with pytest.raises(NotFoundError):
        other.get(KubeSpanPeerStatus, "b")


def test_finalizers_and_phases(sides: tuple[State, State]) -> None:
    one, other = sides
    one.create(Resource.new(KubeSpanPeerStatus(), id="a"))
    add_finalizer(other, KubeSpanPeerStatus, "a", "mine")
    assert not teardown(one, KubeSpanPeerStatus, "a")
    torn = other.get(KubeSpanPeerStatus, "a")
    assert (torn.phase, torn.metadata.finalizers) == (Phase.TEARING_DOWN, ("mine",))
    with pytest.raises(PhaseConflictError):
        other.update(torn.with_labels(l="1"))
    remove_finalizer(other, KubeSpanPeerStatus, "a", "mine")
    one.destroy(KubeSpanPeerStatus, "a")
    assert other.list(KubeSpanPeerStatus) == ()


def test_watches(sides: tuple[State, State]) -> None:
    """What one writes the other is told, with what was there before."""
    writer, watcher = sides
    writer.create(Resource.new(KubeSpanPeerStatus(label="0"), id="old"))
    with watcher.watch_kind(KubeSpanPeerStatus) as every, watcher.watch(KubeSpanPeerStatus, "a") as one:
        assert told(every, 2) == ["+old1", "Bootstrapped"]
        assert told(one, 1) == ["-a"]
        first = writer.create(Resource.new(KubeSpanPeerStatus(label="1"), id="a"))
        second = writer.update(first.with_spec(label="2"))
        writer.destroy(KubeSpanPeerStatus, "old")
        writer.destroy(KubeSpanPeerStatus, "a")
        events = take(every, 4)
        assert [brief(event) for event in events] == ["+a1", "~a2", "-old1", "-a2"]
        assert equal(events[1].old, first)
        assert equal(events[1].resource, second)
        assert told(one, 3) == ["+a1", "~a2", "-a2"]
    # A bookmark of one is good with the other.
    for state in sides:
        with state.watch_kind(KubeSpanPeerStatus, start_from_bookmark=events[1].bookmark) as rest:
            assert told(rest, 2) == ["-old1", "-a2"]


@pytest.mark.parametrize("name", ["a/b", "a b", "a+b", "ü€", "a%2Fb", "$&+=:@,;!*'()~", "..", "#?[]"])
def test_both_make_the_same_keys(pair: Pair, name: str) -> None:
    ours, theirs = pair
    kind = untyped(f"T/{name}", f"n{name}")
    stored = ours.create(Resource.new(UntypedSpec(wire=b"\x08\x01", yaml="x: 1\n"), id=name, kind=kind))
    assert equal(theirs.get(kind, name), stored)
    with pytest.raises(AlreadyExistsError):
        theirs.create(stored)
    second = theirs.update(stored.with_labels(l="1"))
    assert ours.list(kind) == (second,)


def test_many(pair: Pair) -> None:
    ours, theirs = pair
    for n in range(300):
        (ours, theirs)[n % 2].create(Resource.new(KubeSpanPeerStatus(receive_bytes=n), id=f"{n:03}"))
    lists = [state.list(KubeSpanPeerStatus) for state in pair]
    assert [resource.id for resource in lists[0]] == [f"{n:03}" for n in range(300)]
    assert lists[0] == lists[1]


def test_the_go_suite_through_our_server_over_etcd(go: str, cluster: Etcd, tmp_path: Path) -> None:
    """All but tail events, which etcd cannot have: the suite passes them over, but its gRPC client does not tell it when to."""
    tries = itertools.count()

    @contextmanager
    def serve() -> Iterator[str]:
        state = EtcdState(cluster.url(f"/suite{next(tries)}"))
        with state, BackgroundServer(state, f"unix:{tmp_path}/state.sock") as server:
            yield server.address

    conformance(go, serve, without="TailEvents", tests=21)


def test_a_watch_of_ours_and_a_go_writer_that_ends(pair: Pair) -> None:
    ours, theirs = pair
    with ours.watch_kind(KubeSpanPeerStatus, bootstrap=False) as events:
        theirs.create(Resource.new(KubeSpanPeerStatus(), id="a"))
        theirs.close()
        ours.create(Resource.new(KubeSpanPeerStatus(), id="b"))
        assert [brief(events.next(PATIENCE)) for _ in range(2)] == ["+a1", "+b1"]
