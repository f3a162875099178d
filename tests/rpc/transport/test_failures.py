"""Peers that cannot be used, each with the reason in words."""

from __future__ import annotations

import datetime as dt
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from talos_resources.backends.memory import MemoryState
from talos_resources.cli.main import main
from talos_resources.model.errors import ConfigError, ConnectError, RemoteError
from talos_resources.model.resource import Resource
from talos_resources.resources import KubeSpanPeerStatus, Member
from talos_resources.rpc import pki
from talos_resources.rpc.client.connect import Endpoints, connect_plain
from talos_resources.rpc.server.server import BackgroundServer
from talos_resources.rpc.transport.contract import Credentials
from talos_resources.rpc.transport.failures import end_of_connection
from talos_resources.rpc.transport.link import SilenceError
from talos_resources.testing.node import TalosNode

NOW = dt.datetime.now(dt.UTC)
YEAR = dt.timedelta(days=365)
CA = pki.new_authority("talos", now=NOW - YEAR)
FOREIGN = pki.new_authority("talos", now=NOW - YEAR)


def server_side(*, hosts: tuple[str, ...] = ("127.0.0.1",), now: dt.datetime = NOW, ca: pki.CertificateAndKey = CA) -> Credentials:
    pair = pki.issue_server(ca, hosts=hosts, now=now)
    return Credentials(ca=CA.crt, crt=pair.crt, key=pki.standard_key_pem(pair.key))


def client_side(*, now: dt.datetime = NOW, ca: pki.CertificateAndKey = CA, roles: tuple[str, ...] = ("os:admin",)) -> Credentials:
    pair = pki.issue_client(ca, roles=roles, now=now)
    return Credentials(ca=CA.crt, crt=pair.crt, key=pki.standard_key_pem(pair.key))


@pytest.mark.parametrize(
    ("server", "client", "reason"),
    [
        (server_side(), client_side(roles=("os:nobody",)), "not authorised: your certificate has none of the roles"),
        (server_side(ca=FOREIGN), client_side(), "its certificate is unknown"),
        (server_side(now=NOW - 2 * YEAR), client_side(), "its certificate has expired"),
        (server_side(now=NOW + YEAR), client_side(), "not valid yet"),
        (server_side(hosts=("10.0.0.9",)), client_side(), "for another name"),
        (server_side(), client_side(ca=FOREIGN), "not authorised: it does not accept the certificate"),
        (server_side(), client_side(now=NOW - 2 * YEAR), "not authorised: the certificate of the talosconfig has expired"),
        (server_side(), Credentials(ca=CA.crt), "not authorised: it wants a client certificate"),
        (
            server_side(),
            Credentials(fingerprints=()),
            "it wants a client certificate, so it is not in maintenance mode: leave out --insecure",
        ),
        (server_side(), None, "not a Talos API without TLS: it speaks TLS"),
        (None, client_side(), "not a Talos API: it does not speak TLS"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_certificates_that_do_not_fit(server: Credentials | None, client: Credentials | None, reason: str) -> None:
    with BackgroundServer(MemoryState(), "127.0.0.1:0", credentials=server) as background:
        state = Endpoints([background.address], credentials=client, timeout=30).node("n1")
        try:
            with pytest.raises(Exception, match=reason):
                state.list(Member)
            with pytest.raises(Exception, match=reason):
                state.watch_kind(Member)
        finally:
            state.close()


def test_rsa_and_ecdsa_keys_are_as_good() -> None:
    for algorithm in (pki.KeyAlgorithm.ECDSA_P256, pki.KeyAlgorithm.RSA_4096):
        ca = pki.new_authority("talos", now=NOW - YEAR, algorithm=algorithm)
        pair = pki.issue_server(ca, hosts=["127.0.0.1"], now=NOW)
        server = Credentials(ca=ca.crt, crt=pair.crt, key=pki.standard_key_pem(pair.key))
        # The authority's own pair has a key of the algorithm, and may be used as a client's.
        client = Credentials(ca=ca.crt, crt=ca.crt, key=pki.standard_key_pem(ca.key))
        with BackgroundServer(MemoryState(), "127.0.0.1:0", credentials=server) as background:
            state = Endpoints([background.address], credentials=client, timeout=30).node()
            with pytest.raises(Exception, match="none of the roles"):
                state.list(Member)
            state.close()


def test_certificates_that_are_none() -> None:
    for credentials in (Credentials(ca=b"nonsense"), Credentials(ca=CA.crt, crt=CA.crt, key=b"nonsense")):
        with pytest.raises(ConfigError, match="cannot be used") as error:
            Endpoints(["127.0.0.1:1"], credentials=credentials)
        assert "PRIVATE" not in str(error.value)
    with pytest.raises(ConfigError, match="cannot be used"):
        BackgroundServer(MemoryState(), "127.0.0.1:0", credentials=Credentials(ca=CA.crt, crt=b"x", key=b"y"))


Peer = Callable[[socket.socket], None]


@pytest.fixture
def peer() -> Iterator[Callable[[Peer], str]]:
    """Starts a peer that does what it is told with every connection; gives its address."""
    servers: list[socketserver.ThreadingTCPServer] = []

    def start(behave: Peer) -> str:
        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                behave(self.request)

        server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return f"127.0.0.1:{server.server_address[1]}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def http1(connection: socket.socket) -> None:
    connection.recv(1000)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")


def silent(connection: socket.socket) -> None:
    while connection.recv(1000):
        pass


def hangs_up(connection: socket.socket) -> None:
    connection.recv(10)


def babbles(connection: socket.socket) -> None:
    connection.sendall(bytes(range(256)) * 10)
    while connection.recv(1000):
        pass


@pytest.mark.parametrize(
    ("behave", "reason"),
    [(http1, "it speaks HTTP/1"), (silent, "timed out"), (hangs_up, "HTTP/2|broke|ended"), (babbles, "does not speak HTTP/2")],
)
def test_peers_that_are_no_talos_api(peer: Callable[[Peer], str], behave: Peer, reason: str) -> None:
    state = connect_plain(peer(behave), timeout=1 if behave is silent else 60)
    with pytest.raises(ConnectError, match=reason):
        state.list(Member)
    state.close()


def test_a_time_limit_on_the_command_line(peer: Callable[[Peer], str], talos_node: TalosNode, capsys: pytest.CaptureFixture[str]) -> None:
    address = peer(silent)
    assert main(["get", "members", "--timeout", "1s", "--from", f"cosi://{address}"]) == 1
    assert capsys.readouterr() == ("", f"error: no answer through {address}: timed out\n")
    assert main(["--timeout", "1s", "get", "members", "--talosconfig", str(talos_node.talosconfig), "-e", address]) == 1
    assert "timed out" in capsys.readouterr().err
    assert main(["get", "members", "--timeout", "0"]) == 2
    assert "more than 0 seconds" in capsys.readouterr().err


def test_a_silent_peer_does_not_hold_a_watch(peer: Callable[[Peer], str]) -> None:
    state = connect_plain(peer(silent), timeout=0.5)
    with pytest.raises(ConnectError, match="not confirmed within 0.5 s"):
        state.watch_kind(Member)
    state.close()


def test_a_peer_that_falls_silent_before_its_first_byte_has_not_refused_our_certificate() -> None:
    told = end_of_connection(SilenceError("no answer"), first_bytes=b"", address="a:1", credentials=client_side(), service="a Talos API")
    assert str(told) == "the connection broke (no answer)"
    assert told.silent
    assert not told.refused


def test_nobody_there(tmp_path: Path) -> None:
    for address, reason in (
        ("127.0.0.1:1", "connection refused"),
        (f"unix:{tmp_path}/none", "no such socket"),
    ):
        state = connect_plain(address, timeout=60)
        with pytest.raises(ConnectError, match=reason) as error:
            state.list(Member)
        assert address in str(error.value)
        state.close()


def test_a_message_that_is_too_large_is_refused() -> None:
    state = MemoryState()
    state.create(Resource.new(KubeSpanPeerStatus(label="x" * (33 << 20)), id="a"))
    with BackgroundServer(state, "127.0.0.1:0") as server:
        client = connect_plain(server.address)
        with pytest.raises(RemoteError, match="larger than the limit"):
            client.get(KubeSpanPeerStatus, "a")
        client.close()


def test_a_large_message_passes() -> None:
    state = MemoryState()
    with BackgroundServer(state, "127.0.0.1:0") as server:
        client = connect_plain(server.address)
        stored = client.create(Resource.new(KubeSpanPeerStatus(label="x" * (15 << 20)), id="a"))
        assert client.get(KubeSpanPeerStatus, "a") == stored
        client.close()


def test_one_node_that_fails_does_not_hide_the_other(talos_node: TalosNode, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    talos_node.state.create(Resource.new(KubeSpanPeerStatus(label="cp-1"), id="06="))
    assert main(["get", "kubespanpeerstatuses", "--talosconfig", str(talos_node.talosconfig), "-e", "127.0.0.1:1"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "error: no answer through 127.0.0.1:1: connection refused: nothing listens there\n"
