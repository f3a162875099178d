"""Connections, descriptors, sockets and first starts: nobody keeps the others out."""

from __future__ import annotations

import os
import re
import socket
import ssl
import subprocess
import sys
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from talos_resources.resources import KubeSpanPeerStatus, Member
from talos_resources.rpc.client.connect import connect, connect_plain
from talos_resources.rpc.client.state import RemoteState
from talos_resources.rpc.server.acceptor import HANDSHAKES
from talos_resources.rpc.server.server import BackgroundServer, _private_socket
from talos_resources.testing.node import TalosNode
from tests.rpc.server.attacking import EVERYTHING, LIMITS, STATUSES, STRANGER, Attack, settled
from tests.rpc.server.raw import LIST


def test_idle_connections_make_room(client: RemoteState, attack: Attack, server: BackgroundServer) -> None:
    raws = [attack() for _ in range(LIMITS.connections_each + 10)]
    assert raws[0].hung_up()
    with connect_plain(server.address, timeout=30) as another:
        assert len(another.list(KubeSpanPeerStatus)) == 3000


def test_one_client_does_not_get_all_connections(client: RemoteState, attack: Attack, server: BackgroundServer) -> None:
    raws = [attack() for _ in range(LIMITS.connections_each)]
    for raw in raws:
        raw.watch(STATUSES)
    assert attack().hung_up()  # all of its connections are at work
    with connect_plain(server.address, timeout=30) as another:
        assert len(another.list(KubeSpanPeerStatus)) == 3000


def test_one_client_does_not_get_all_calls(server: BackgroundServer, client: RemoteState, attack: Attack) -> None:
    raws = [attack() for _ in range(5)]
    for raw in raws:
        for _ in range(100):
            raw.request(LIST, b"", end=False)
    connections = server._server._connections
    assert settled(lambda: sum(one.calls for one in connections) == LIMITS.calls_each)
    raws[-1].request(LIST, b"", end=False)
    assert len(client.list(KubeSpanPeerStatus)) == 3000
    assert sum(one.calls for one in connections) <= LIMITS.calls_each
    for raw in raws:
        raw.socket.close()
    assert settled(lambda: sum(one.calls for one in connections) == 0)


@pytest.mark.parametrize("goodbye", ["garbage", "half closed"])
def test_a_connection_that_is_closed_does_not_wait_for_good_for_who_takes_nothing(
    server: BackgroundServer, attack: Attack, goodbye: str
) -> None:
    """It had a descriptor and was counted no longer once it had made room for another one."""
    connections: Any = server._server._connections
    raw = attack(INITIAL_WINDOW_SIZE=2**31 - 1)
    raw.h2.increment_flow_control_window(1 << 30)
    for _ in range(90):
        raw.request(LIST, EVERYTHING)
    assert settled(lambda: any(one._transport.get_write_buffer_size() for one in connections))
    if goodbye == "garbage":
        raw.socket.sendall(b"garbage" * 100)
    else:
        raw.socket.shutdown(socket.SHUT_WR)
    assert settled(lambda: len(connections) == 0)


def test_handshakes_of_one_client_do_not_end_those_of_others(talos_node: TalosNode) -> None:
    """Who is far away needs longer for one than somebody else for a hundred connections."""
    host, _, port = talos_node.address.rpartition(":")
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with ExitStack() as stack:
        honest = stack.enter_context(socket.create_connection((host, int(port)), timeout=30))
        silent = []
        for _ in range(HANDSHAKES + 20):
            silent.append(socket.create_connection((host, int(port)), timeout=30, source_address=(STRANGER, 0)))
            stack.callback(silent[-1].close)
        with suppress(ConnectionResetError):
            assert silent[0].recv(1) == b""
        with connect(talosconfig=talos_node.talosconfig, timeout=30) as another:  # whose turn comes when all have come in
            assert isinstance(another.list(Member), tuple)
        context.wrap_socket(honest).close()


SERVE = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (120, 120))
from talos_resources.cli.main import main
raise SystemExit(main(["serve", "--listen", "127.0.0.1:0", "--insecure", "--empty"]))
"""


def test_descriptors_that_are_short_keep_nobody_out(tmp_path: Path) -> None:
    """As the plaintext listener of asyncio did, with a traceback for each place in the queue."""
    log = tmp_path / "log"
    with log.open("wb") as errors, subprocess.Popen([sys.executable, "-c", SERVE], stdout=subprocess.PIPE, stderr=errors) as server:
        try:
            assert server.stdout is not None
            address = server.stdout.readline().decode().split()[-1]
            host, _, port = address.rpartition(":")
            with ExitStack() as stack:
                for _ in range(400):
                    stranger = socket.create_connection((host, int(port)), timeout=30, source_address=(STRANGER, 0))
                    stack.callback(stranger.close)
                with connect_plain(address, timeout=30) as honest:
                    assert honest.list(Member) == ()
        finally:
            server.terminate()
            assert server.wait(30) == 0
    assert log.read_text().count("\n") <= 3


def test_a_unix_socket_is_its_owners_from_the_first_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "chmod", lambda *_arguments: None)  # as if it came too late
    before = os.umask(0)
    try:
        with _private_socket(tmp_path / "socket"):
            assert (tmp_path / "socket").stat().st_mode & 0o777 == 0o600
    finally:
        os.umask(before)


FIRST_START = """
import sys
from pathlib import Path
from talos_resources.rpc.server.pki_folder import authority_in
sys.stdin.readline()
made = authority_in(Path(sys.argv[1]))
print((made.crt + made.key).hex())
"""


def test_first_starts_at_the_same_time_make_one_authority(tmp_path: Path) -> None:
    for n in range(3):
        folder = str(tmp_path / f"pki{n}")
        starts = [
            subprocess.Popen([sys.executable, "-c", FIRST_START, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for _ in range(4)
        ]
        for start in starts:
            assert start.stdin is not None
            start.stdin.write("\n")
            start.stdin.flush()
        made = {start.communicate(timeout=60)[0] for start in starts}
        assert len(made) == 1
        assert re.match("[0-9a-f]{100}", made.pop())
