"""Attacks that once brought a server down, each beside an honest client that must go on being answered."""

from __future__ import annotations

import gc
import logging
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from h2.settings import SettingCodes

from talos_resources._generated import cosi_resource_pb2 as pb
from talos_resources.backends.memory import MemoryState
from talos_resources.backends.sqlite.state import SqliteState
from talos_resources.model.errors import NotFoundError
from talos_resources.model.kind import kind_of
from talos_resources.model.resource import Resource
from talos_resources.resources import KubeSpanPeerStatus, Member
from talos_resources.rpc.client.connect import connect_plain
from talos_resources.rpc.client.state import RemoteState
from talos_resources.rpc.framing import frame
from talos_resources.rpc.server.call import Call
from talos_resources.rpc.server.limits import Limits
from talos_resources.rpc.server.server import BackgroundServer, _private_socket
from talos_resources.rpc.status import MAX_TEXT, decode_text, encode_text
from talos_resources.testing.conformance.parts import told
from tests.rpc.server.raw import LIST, WATCH, Raw

LIMITS = Limits(connections=30, connections_each=20, calls_each=400, request_bytes=4 << 20, requests_bytes=16 << 20, answers_bytes=4 << 20)
STRANGER = "127.0.0.2"
STATUSES = kind_of(KubeSpanPeerStatus).type
EVERYTHING = frame(pb.ListRequest(namespace="kubespan", type=STATUSES).SerializeToString())
Attack = Callable[..., Raw]


@pytest.fixture(scope="module")
def state() -> MemoryState:
    state = MemoryState()
    for n in range(3000):
        state.create(Resource.new(KubeSpanPeerStatus(label="x" * 300), id=f"{n:04}"))
    return state


@pytest.fixture
def server(state: MemoryState) -> Iterator[BackgroundServer]:
    with BackgroundServer(state, "127.0.0.1:0", limits=LIMITS) as running:
        yield running


@pytest.fixture
def client(server: BackgroundServer) -> Iterator[RemoteState]:
    """Somebody honest, who is answered before, during and after."""
    with connect_plain(server.address, timeout=30) as honest:
        assert len(honest.list(KubeSpanPeerStatus)) == 3000
        yield honest
        assert len(honest.list(KubeSpanPeerStatus)) == 3000


@pytest.fixture
def attack(server: BackgroundServer) -> Iterator[Attack]:
    """Opens connections of a stranger."""
    with ExitStack() as stack:

        def start(source: str = STRANGER, **settings: int) -> Raw:
            raw = Raw(server.address, source=source, settings={getattr(SettingCodes, name): value for name, value in settings.items()})
            stack.callback(raw.socket.close)
            return raw

        yield start


def held(server: BackgroundServer) -> tuple[int, int]:
    """What the server holds of requests and answers of all clients, in bytes."""
    dispatch: Any = server._server._dispatch
    return dispatch._requests.held, dispatch._answers.held


def settled(condition: Callable[[], bool]) -> bool:
    """Whether something comes to hold."""
    for _ in range(500):
        if condition():
            return True
        threading.Event().wait(0.02)
    return False


@pytest.mark.parametrize("window", [0, 1])
def test_answers_that_nobody_takes_are_not_made(server: BackgroundServer, client: RemoteState, attack: Attack, window: int) -> None:
    raws = [attack(INITIAL_WINDOW_SIZE=window) for _ in range(3)]
    for raw in raws:
        for _ in range(100):
            raw.request(LIST, EVERYTHING)
    for _ in range(5):
        assert len(client.list(KubeSpanPeerStatus)) == 3000
        assert held(server)[1] <= (0 if window == 0 else LIMITS.answers_bytes // 4)
    for raw in raws:
        raw.socket.close()
    assert settled(lambda: held(server) == (0, 0))


def test_what_a_lost_connection_held_is_freed_at_once(state: MemoryState) -> None:
    def calls() -> int:
        return sum(type(found) is Call for found in gc.get_objects())

    with BackgroundServer(state, "127.0.0.1:0") as server:
        raw = Raw(server.address, settings={SettingCodes.INITIAL_WINDOW_SIZE: 0})
        gc.collect()
        gc.disable()  # nothing may wait for it
        try:
            before = calls()
            for _ in range(90):
                raw.request(LIST, EVERYTHING)
            assert settled(lambda: calls() >= before + 90)
            raw.socket.close()
            assert settled(lambda: calls() <= before)
        finally:
            gc.enable()


def test_what_is_announced_takes_nothing_from_others(server: BackgroundServer, client: RemoteState, attack: Attack) -> None:
    raw = attack()
    for _ in range(90):
        raw.request(LIST, b"\0\0\x40\0\0" + bytes(80), end=False)
    assert settled(lambda: held(server)[0] == 0 or held(server)[0] <= 90 * 80)
    with pytest.raises(NotFoundError):
        client.get(Member, "x" * 100_000)
    with pytest.raises(Exception, match="no member"):  # a request of 2 MB is read to its end
        client.update(Resource.new(Member(hostname="x" * (1 << 20)), id="no member"))


def test_one_client_sends_its_share_at_most(server: BackgroundServer, client: RemoteState, attack: Attack) -> None:
    raw = attack()
    raw.socket.settimeout(2)
    with suppress(OSError, Exception):
        for _ in range(20):
            raw.request(LIST, b"\0\0\x40\0\0" + bytes(60_000), end=False)
    assert held(server)[0] <= LIMITS.requests_bytes // 4
    assert len(client.list(KubeSpanPeerStatus)) == 3000


SETTINGS_FRAME = b"\0\0\6\4\0\0\0\0\0" + b"\0\4\0\0\xff\xff"
PING_FRAME = b"\0\0\x08\6\0\0\0\0\0" + bytes(8)
EMPTY_DATA_FRAME = b"\0\0\0\0\0\0\0\0\1"
PRIORITY_FRAME = b"\0\0\5\2\0\0\0\0\1" + b"\0\0\0\3\0"
UNKNOWN_FRAME = b"\0\0\0\x55\0\0\0\0\0"


@pytest.mark.parametrize(
    ("flood", "honest", "most"),
    [
        (SETTINGS_FRAME, 20, 50),
        (PING_FRAME, 1000, 2000),
        (EMPTY_DATA_FRAME, 50, 1000),
        (PRIORITY_FRAME, 50, 1000),
        (UNKNOWN_FRAME, 50, 1000),
    ],
    ids=["SETTINGS", "PING", "empty DATA", "PRIORITY", "unknown"],
)
def test_floods_of_frames_that_bring_nothing(client: RemoteState, attack: Attack, flood: bytes, honest: int, most: int) -> None:
    fair = attack()
    open_stream = fair.request(LIST, EVERYTHING[:3], end=False)
    fair.socket.sendall(flood * honest)
    fair.h2.send_data(open_stream, EVERYTHING[3:], end_stream=True)
    fair.flush()
    assert fair.answer(open_stream)["grpc-status"] == "0"
    raw = attack()
    raw.request(WATCH, b"", end=False)
    with suppress(ConnectionError):
        for _ in range(100):
            raw.socket.sendall(flood * (most // 10))
    assert raw.hung_up()
    assert len(client.list(KubeSpanPeerStatus)) == 3000


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


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_nothing_that_is_only_named_outlives_its_call(kind: str, tmp_path: Path) -> None:
    with ExitStack() as stack:
        state: Any = stack.enter_context(MemoryState() if kind == "memory" else SqliteState(tmp_path / "state.db"))
        server = stack.enter_context(BackgroundServer(state, "127.0.0.1:0"))
        raw = Raw(server.address, source=STRANGER)
        stack.callback(raw.socket.close)
        for n in range(50):
            request = pb.WatchRequest(namespace=f"made up {n}", type="T", api_version=1)
            stream = raw.request(WATCH, frame(request.SerializeToString()))
            raw.subscribed()
            raw.h2.reset_stream(stream)
            raw.flush()
        request = pb.WatchRequest(namespace="x" * 1001, type="T", api_version=1)
        assert raw.answer(raw.request(WATCH, frame(request.SerializeToString())))["grpc-status"] == "3"
        assert settled(lambda: not (state._awaited or state._namespaces if kind == "memory" else state._tail._rings))
        # And who watches before anything is written is told of it.
        with connect_plain(server.address, timeout=30) as honest, honest.watch_kind(Member, bootstrap=False) as events:
            with honest.watch_kind(Member, bootstrap=False):
                pass
            state.create(Resource.new(Member(), id="a"))
            assert told(events, 1) == ["+a1"]


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
                    stranger = socket.create_connection((host, int(port)), timeout=10, source_address=(STRANGER, 0))
                    stack.callback(stranger.close)
                with connect_plain(address, timeout=30) as honest:
                    assert honest.list(Member) == ()
        finally:
            server.terminate()
            assert server.wait(30) == 0
    assert log.read_text().count("\n") <= 3


def test_a_long_error_breaks_no_connection(client: RemoteState) -> None:
    for name in ("é" * 5000, "字" * 3999, "a" * 3998 + "\u20ac\u20ac", "%" * 5000):
        with pytest.raises(NotFoundError):
            client.get(Member, name)
        header = encode_text(name)
        assert len(header) <= MAX_TEXT
        assert name.startswith(decode_text(header))
    assert encode_text("\ud800") == "?"


def test_where_a_watch_of_one_resource_begins_is_said_once(attack: Attack, client: RemoteState, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    for about in ({}, {"id": "0001"}):
        options = pb.WatchOptions(tail_events=3, start_from_bookmark=b"x" * 16)
        request = pb.WatchRequest(namespace="kubespan", type="T", options=options, api_version=1, **about)
        raw = attack()
        answer = raw.answer(raw.request(WATCH, frame(request.SerializeToString())))
        assert answer["grpc-status"] == "3"
        assert "exclude each other" in answer["grpc-message"]
    assert not caplog.records


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (pb.ListOptions(label_query=[pb.LabelQuery(terms=[pb.LabelTerm(key="a")])] * 100), "0"),
        (pb.ListOptions(label_query=[pb.LabelQuery(terms=[pb.LabelTerm(key="a")])] * 2_000), "3"),
        (pb.ListOptions(label_query=[pb.LabelQuery(terms=[pb.LabelTerm(key="a")] * 2_000)]), "3"),
        (pb.ListOptions(label_query=[pb.LabelQuery(terms=[pb.LabelTerm(key="a", op=pb.LabelTerm.EQUAL, value=["x"] * 2_000)])]), "3"),
        (pb.ListOptions(id_query=pb.IDQuery(regexp="(a|b)" * 200)), "0"),
        (pb.ListOptions(id_query=pb.IDQuery(regexp="(a|b)" * 201)), "3"),
    ],
    ids=["as many queries as may be", "too many queries", "terms", "values", "as long a pattern as may be", "too long a pattern"],
)
def test_questions_that_cost_too_much(client: RemoteState, attack: Attack, options: pb.ListOptions, code: str) -> None:
    raw = attack()
    request = pb.ListRequest(namespace="kubespan", type=STATUSES, options=options)
    answer = raw.answer(raw.request(LIST, frame(request.SerializeToString())))
    assert answer["grpc-status"] == code


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
