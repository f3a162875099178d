"""Our client against our server: plaintext over TCP and unix sockets, mutual TLS through the fixture that we ship."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import deque
from pathlib import Path

import pytest

from talos_resources.backends.memory import MemoryState
from talos_resources.model.errors import (
    AlreadyExistsError,
    ConfigError,
    InvalidBookmarkError,
    NotFoundError,
    OwnerConflictError,
    PendingFinalizersError,
    PermissionDeniedError,
    PhaseConflictError,
    QueryError,
    UnknownKindError,
    VersionConflictError,
    WatchOverrunError,
)
from talos_resources.model.kind import untyped
from talos_resources.model.metadata import Phase
from talos_resources.model.resource import Resource
from talos_resources.model.spec import UntypedSpec
from talos_resources.resources import KubeSpanIdentity, KubeSpanPeerStatus, Member
from talos_resources.rpc.client.answer_stream import AnswerStream
from talos_resources.rpc.client.connect import Endpoints, connect, credentials_of, with_port
from talos_resources.rpc.client.continuity import Start
from talos_resources.state.derived import teardown_and_destroy
from talos_resources.state.events import Bootstrapped, Created, Destroyed, Updated
from talos_resources.state.watch_spec import WatchSpec
from talos_resources.talosconfig.config import TalosConfig
from talos_resources.testing.node import TalosNode
from tests.rpc.conftest import Serve

PEER = Resource.new(KubeSpanPeerStatus(label="cp-1"), id="06=", labels={"zone": "a"})


def test_writes_and_reads(serve: Serve, address: str) -> None:
    state = MemoryState()
    client = serve(state, address)
    stored = client.create(PEER)
    assert stored == state.get(KubeSpanPeerStatus, "06=")
    assert client.get(KubeSpanPeerStatus, "06=") == stored
    changed = client.update(stored.with_spec(label="cp-2"))
    assert changed.version == 2
    assert client.list(KubeSpanPeerStatus, labels="zone=a") == (changed,)
    assert client.list(KubeSpanPeerStatus, labels="zone=b") == ()
    assert client.list(KubeSpanPeerStatus, ids="^0[67]") == (changed,)
    client.destroy(KubeSpanPeerStatus, "06=")
    assert state.list(KubeSpanPeerStatus) == ()


def test_refusals_are_the_errors_of_every_state(serve: Serve, address: str) -> None:
    client = serve(None, address)
    owned = client.create(Resource.new(Member(hostname="a"), id="a", owner="me", finalizers=("f",)))
    with pytest.raises(AlreadyExistsError):
        client.create(owned)
    with pytest.raises(NotFoundError, match="doesn't exist"):
        client.get(Member, "b")
    with pytest.raises(OwnerConflictError) as conflict:
        client.update(owned.with_spec(hostname="b"), owner="you")
    assert conflict.value.owner == "me"
    with pytest.raises(VersionConflictError) as versions:
        client.update(owned.with_metadata(version=7))
    assert (versions.value.expected, versions.value.actual) == (7, 1)
    with pytest.raises(PhaseConflictError):
        client.update(owned.with_spec(hostname="b"), expected_phase=Phase.TEARING_DOWN)
    with pytest.raises(PendingFinalizersError) as pending:
        client.destroy(Member, "a", owner="me")
    assert pending.value.finalizers == ("f",)
    with pytest.raises(OwnerConflictError):
        client.destroy(Member, "a")
    with pytest.raises(QueryError):
        client.list(Member, ids="(unclosed")
    with pytest.raises(InvalidBookmarkError):
        client.watch_kind(Member, start_from_bookmark=b"nonsense")
    with pytest.raises(UnknownKindError, match="membres"):
        client.kind("membres")


def test_types_that_nobody_knows_pass_untouched(serve: Serve, address: str) -> None:
    client = serve(None, address)
    kind = untyped("os/path", "default")
    stored = client.create(Resource.new(UntypedSpec(yaml="a: [1,  2]\n", wire=b"\x08\x96\x01"), id="var/run", kind=kind))
    assert client.get(kind, "var/run") == stored
    assert stored.spec == UntypedSpec(yaml="a: [1,  2]\n", wire=b"\x08\x96\x01")


def test_watches_tell_what_happens(serve: Serve, address: str) -> None:
    state = MemoryState()
    client = serve(state, address)
    first = state.create(PEER)
    with client.watch_kind(KubeSpanPeerStatus) as events:
        assert events.next(30) == Created(first)
        assert isinstance(events.next(30), Bootstrapped)
        second = state.update(first.with_spec(label="x"))
        told = events.next(30)
        assert isinstance(told, Updated)
        assert (told.resource, told.old) == (second, first)
        with pytest.raises(TimeoutError):
            events.next(0)
        state.destroy(KubeSpanPeerStatus, "06=")
        gone = events.next(30)
        assert isinstance(gone, Destroyed)
        assert gone.resource == second
    with pytest.raises(StopIteration):
        events.next(30)
    with client.watch(KubeSpanPeerStatus, "06=", start_from_bookmark=told.bookmark) as events:
        assert events.next(30) == gone


def test_closing_ends_a_watch_that_waits(serve: Serve, address: str) -> None:
    client = serve(None, address)
    watch = client.watch(Member, "a")
    assert isinstance(watch.next(30), Destroyed)
    ended = threading.Event()

    def wait() -> None:
        assert list(watch) == []
        ended.set()

    threading.Thread(target=wait, daemon=True).start()
    client.close()
    assert ended.wait(30)


def test_teardown_waits_at_the_other_side(serve: Serve) -> None:
    state = MemoryState()
    client = serve(state)
    held = client.create(Resource.new(Member(), id="a", finalizers=("f",)))
    with client.watch(Member, "a") as events:
        events.next(30)
        thread = threading.Thread(target=teardown_and_destroy, args=(client, Member, "a"), daemon=True)
        thread.start()
        torn = events.next(30)
        assert isinstance(torn, Updated)
        assert torn.resource.phase is Phase.TEARING_DOWN
        state.update(torn.resource.with_finalizers(), expected_phase=None)
        assert isinstance(events.next(30), Updated)
        assert isinstance(events.next(30), Destroyed)
    thread.join(30)
    assert held.version == 1


def test_a_watch_that_never_saw_the_contents_ends_when_it_is_overrun(serve: Serve) -> None:
    state = MemoryState(capacity=10, gap=0)
    client = serve(state)
    peer = state.create(PEER)
    watch = client.watch_kind(KubeSpanPeerStatus, bootstrap=False)
    # More than what the sockets, the flow control windows and the buffers between the two can hold.
    big = "x" * 100_000
    for number in range(400):
        peer = state.update(peer.with_spec(label=f"{number}{big}"))
    with pytest.raises(WatchOverrunError, match="buffer overrun"):
        deque(watch, maxlen=0)


def test_mutual_tls_and_roles(talos_node: TalosNode) -> None:
    talos_node.state.create(PEER)
    with talos_node.connect() as admin:
        assert admin.version().startswith("v")
        assert admin.kind("KubeSpanPeerStatus").type == PEER.type
        admin.create(Resource.new(KubeSpanIdentity(), id="local"))
        assert len(admin.list(KubeSpanIdentity)) == 1
    for context in ("operator", "reader"):
        with talos_node.connect(context=context) as client:
            assert client.list(KubeSpanPeerStatus)[0].spec.label == "cp-1"
            with pytest.raises(PermissionDeniedError, match="sensitive"):
                client.list(KubeSpanIdentity)
            with pytest.raises(PermissionDeniedError, match="sensitive"):
                client.watch_kind(KubeSpanIdentity)
            with pytest.raises(PermissionDeniedError, match="only os:admin"):
                client.destroy(KubeSpanPeerStatus, "06=")
            with pytest.raises(PermissionDeniedError, match="no definition"):
                client.list(untyped("os/path", "default"))


def test_connect_by_talosconfig(talos_node: TalosNode) -> None:
    talos_node.state.create(PEER)
    with connect(nodes=["10.0.0.1"], endpoints=["127.0.0.1:1", talos_node.address], talosconfig=talos_node.talosconfig) as node:
        assert node.node == "10.0.0.1"
        assert len(node.list(KubeSpanPeerStatus)) == 1
    several = Endpoints([talos_node.address], credentials=credentials_of(TalosConfig.load(talos_node.talosconfig).context()))
    first, second = several.node("a"), several.node("b")
    first.close()
    assert len(second.list(KubeSpanPeerStatus)) == 1
    second.close()
    with pytest.raises(ConfigError, match="connect_cluster"):
        connect(nodes=["a", "b"], talosconfig=talos_node.talosconfig)
    with pytest.raises(ConfigError, match="cannot be sent"):
        connect(nodes=["knöten\n"], talosconfig=talos_node.talosconfig)
    with pytest.raises(ConfigError, match="no endpoint"):
        Endpoints([])


@pytest.mark.parametrize(
    ("endpoint", "address"),
    [
        ("10.0.0.1", "10.0.0.1:50000"),
        ("10.0.0.1:50001", "10.0.0.1:50001"),
        ("fd00::1", "[fd00::1]:50000"),
        ("[fd00::1]:1", "[fd00::1]:1"),
        ("[fd00::1]", "[fd00::1]:50000"),
        ("node.example", "node.example:50000"),
    ],
)
def test_endpoints_have_a_port(endpoint: str, address: str) -> None:
    assert with_port(endpoint) == address


def test_ctrl_c_ends_the_wait_for_a_call() -> None:
    script = """
import os, signal, socket, threading
from talos_resources.rpc.client.connect import connect_plain
silent = socket.create_server(("127.0.0.1", 0))
state = connect_plain("127.0.0.1:%d" % silent.getsockname()[1])
def strike():
    silent.accept()[0].recv(1)
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=strike).start()
try:
    state.kind("members")
except KeyboardInterrupt:
    print("interrupted")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "interrupted\n"


NEEDLESS = {
    "asyncio",
    "google.protobuf",
    "grpclib",
    "json",
    "logging",
    "netaddr",
    "opentelemetry",
    "rich",
    "secrets",
    "talos_resources.resources.cluster.affiliate",
    "talos_resources.resources.kubespan.peer_spec",
}


def test_the_command_line_loads_what_it_needs(talos_node: TalosNode, tmp_path: Path) -> None:
    talos_node.state.create(PEER)
    script = f"""
import sys
from talos_resources.cli.main import main
code = main(["get", "kubespanpeerstatuses", "--talosconfig", {str(talos_node.talosconfig)!r}])
print(code, sorted({NEEDLESS!r} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.splitlines()[-1] == "0 []"


def test_a_watch_that_is_made_while_the_state_is_closed_ends(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    client = serve()
    subscribe = client._open

    def closed_meanwhile(spec: WatchSpec, start: Start) -> AnswerStream:
        stream = subscribe(spec, start)
        client.close()
        return stream

    monkeypatch.setattr(client, "_open", closed_meanwhile)
    with pytest.raises(StopIteration):
        client.watch_kind(KubeSpanPeerStatus).next(20)
