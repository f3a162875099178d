"""Clients that are broken or hostile: the server refuses them and serves the others."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from talos_resources._generated import cosi_resource_pb2 as pb
from talos_resources.backends.memory import MemoryState
from talos_resources.model.errors import RemoteError, UnsupportedError
from talos_resources.model.resource import Resource
from talos_resources.resources import KubeSpanPeerStatus, Member
from talos_resources.rpc.client.connect import connect, connect_plain
from talos_resources.rpc.client.state import RemoteState
from talos_resources.rpc.framing import frame
from talos_resources.rpc.server.acceptor import HANDSHAKES
from talos_resources.rpc.server.frame_sizes import FrameSizes
from talos_resources.rpc.server.limits import Limits
from talos_resources.rpc.server.server import BackgroundServer
from talos_resources.testing.node import TalosNode
from tests.rpc.server.raw import LIST, WATCH, Raw

LIMITS = Limits(request_bytes=1 << 20, request_s=0.5, send_s=0.5, watches=5, streams=50, resets=100, connections=20)


@pytest.fixture(scope="module")
def state() -> MemoryState:
    return MemoryState(capacity=1000, gap=0)


@pytest.fixture(scope="module")
def server(state: MemoryState) -> Iterator[BackgroundServer]:
    with BackgroundServer(state, "127.0.0.1:0", limits=LIMITS) as running:
        yield running


@pytest.fixture
def client(server: BackgroundServer) -> Iterator[RemoteState]:
    """Somebody honest, whose calls must go on working."""
    honest = connect_plain(server.address, timeout=30)
    yield honest
    assert isinstance(honest.list(Member), tuple)
    honest.close()


Dial = Callable[[str], Raw]


@pytest.fixture
def dial() -> Iterator[Dial]:
    """Opens connections that are closed after the test."""
    opened: list[Raw] = []

    def start(address: str) -> Raw:
        opened.append(Raw(address))
        return opened[-1]

    yield start
    for raw in opened:
        raw.socket.close()


@pytest.mark.parametrize(
    ("path", "data", "code"),
    [
        ("/nothing", frame(b""), "12"),
        (LIST, b"", "3"),
        (LIST, b"\0\0\0\0\x10short", "3"),
        (LIST, frame(b"\xff\xff\xff"), "3"),
        (LIST, b"\0\xff\xff\xff\xff", "8"),
        (LIST, b"\x01\0\0\0\x03abc", "3"),
        (LIST, b"\x09\0\0\0\x03abc", "3"),
        ("/cosi.resource.State/Create", frame(b""), "3"),
        (
            "/cosi.resource.State/Create",
            frame(pb.CreateRequest(resource=pb.Resource(metadata=pb.Metadata(id="x"))).SerializeToString()),
            "3",
        ),
        (LIST, frame(pb.ListRequest(type="T", options=pb.ListOptions(id_query=pb.IDQuery(regexp="(a"))).SerializeToString()), "3"),
        (WATCH, frame(pb.WatchRequest(type="T", options=pb.WatchOptions(start_from_bookmark=b"x")).SerializeToString()), "9"),
        (WATCH, frame(pb.WatchRequest(type="T", id="a", options=pb.WatchOptions(bootstrap_contents=True)).SerializeToString()), "12"),
    ],
)
def test_bad_requests_get_a_status(server: BackgroundServer, client: RemoteState, path: str, data: bytes, code: str, dial: Dial) -> None:
    raw = dial(server.address)
    answer = raw.answer(raw.request(path, data))
    assert answer["grpc-status"] == code
    assert answer["grpc-message"]


def test_what_is_no_grpc_gets_an_http_status(server: BackgroundServer, client: RemoteState, dial: Dial) -> None:
    raw = dial(server.address)
    assert raw.answer(raw.request(LIST, b"", content_type="text/html"))[":status"] == "415"
    assert raw.answer(raw.request(LIST, frame(b""), grpc_timeout="soon"))["grpc-status"] == "3"


def test_an_unknown_operator_is_told(server: BackgroundServer, client: RemoteState, dial: Dial) -> None:
    query = pb.LabelQuery(terms=[pb.LabelTerm(key="a", op=99)])  # type: ignore[arg-type]
    raw = dial(server.address)
    answer = raw.answer(raw.request(LIST, frame(pb.ListRequest(type="T", options=pb.ListOptions(label_query=[query])).SerializeToString())))
    assert answer["grpc-status"] == "12"


@pytest.mark.parametrize("op", list(range(8)))
def test_terms_without_a_value_do_no_harm(server: BackgroundServer, client: RemoteState, op: Any, dial: Dial) -> None:
    raw = dial(server.address)
    query = pb.LabelQuery(terms=[pb.LabelTerm(key="a", op=op)])
    answer = raw.answer(raw.request(LIST, frame(pb.ListRequest(type="T", options=pb.ListOptions(label_query=[query])).SerializeToString())))
    assert answer["grpc-status"] == "0"


def test_a_request_that_does_not_come_is_given_up(server: BackgroundServer, client: RemoteState, dial: Dial) -> None:
    raw = dial(server.address)
    assert raw.answer(raw.request(LIST, b"\0\0\0\0\x10sho", end=False))["grpc-status"] == "4"


def test_a_regular_expression_that_explodes_elsewhere(server: BackgroundServer, client: RemoteState, state: MemoryState) -> None:
    state.create(Resource.new(KubeSpanPeerStatus(), id="a" * 5000))
    assert client.list(KubeSpanPeerStatus, ids="(a+)+(a+)+(a+)+$!") == ()
    with pytest.raises(Exception, match="a{|too|large|repetition"):
        client.list(KubeSpanPeerStatus, ids="((a{1000}){1000}){1000}")


def test_watches_are_counted(server: BackgroundServer, client: RemoteState) -> None:
    watches = [client.watch_kind(Member) for _ in range(LIMITS.watches)]
    with pytest.raises(RemoteError, match="has its 5 watches"):
        client.watch_kind(Member)
    for watch in watches:
        watch.close()


def test_streams_are_counted(server: BackgroundServer, client: RemoteState, dial: Dial) -> None:
    raw = dial(server.address)
    first = raw.request("/nothing", frame(b""))
    raw.answer(first)  # with it came the limit
    raw.h2.remote_settings.max_concurrent_streams = 1000  # which we choose to believe
    raw.h2.remote_settings.acknowledge()
    for _ in range(LIMITS.streams + 10):
        raw.request(LIST, b"", end=False, now=False)
    raw.flush()  # all at once: those that have waited for too long are no longer counted
    assert raw.hung_up()


def test_resets_are_counted(server: BackgroundServer, client: RemoteState, dial: Dial) -> None:
    raw = dial(server.address)
    try:
        for _ in range(LIMITS.resets * 3):
            stream = raw.request(WATCH, b"", end=False)
            raw.h2.reset_stream(stream)
            raw.flush()
    except ConnectionError:
        return
    assert raw.hung_up()


HEADERS, PING, CONTINUATION = 1, 6, 9


def head(kind: int, length: int, stream: int = 0) -> bytes:
    return struct.pack(">I", length)[1:] + bytes([kind, 0]) + struct.pack(">I", stream)


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(head(0x55, 1 << 24 >> 1), id="the first bytes of a frame of 8 MB"),
        pytest.param(head(HEADERS, 16_384, 1) + bytes(16_384) + (head(CONTINUATION, 16_384, 1) + bytes(16_384)) * 4, id="endless headers"),
    ],
)
def test_what_is_too_large_is_not_waited_for(server: BackgroundServer, client: RemoteState, dial: Dial, sent: bytes) -> None:
    raw = dial(server.address)
    with suppress(ConnectionError):
        raw.socket.sendall(sent)
    assert raw.hung_up()


def fits(sizes: FrameSizes, data: bytes) -> bool:
    """Whether bytes fit, looked at part by part."""
    position = 0
    while sizes.fit and position < len(data):
        position = sizes.part(data, position)
    return sizes.fit


@given(st.data(), st.lists(st.tuples(st.sampled_from([0x55, PING, HEADERS, CONTINUATION]), st.integers(0, 16_500)), max_size=12))
@settings(max_examples=100, deadline=None)
def test_sizes_of_frames_are_the_same_in_any_pieces(data: st.DataObject, frames: list[tuple[int, int]]) -> None:
    whole = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"".join(head(kind, length) + bytes(length) for kind, length in frames)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=20)))
    sizes = FrameSizes()
    in_pieces = all(fits(sizes, whole[start:stop]) for start, stop in zip([0, *cuts], [*cuts, len(whole)], strict=True))
    block, good = 0, True
    for kind, length in frames:
        block = length + (block if kind == CONTINUATION else 0) if kind in (HEADERS, CONTINUATION) else block
        good = good and length <= 16_384 and block <= 65_536
    assert in_pieces == fits(FrameSizes(), whole) == good


def test_handshakes_that_do_not_go_on_make_room(talos_node: TalosNode) -> None:
    host, _, port = talos_node.address.rpartition(":")
    silent = []
    try:
        for _ in range(HANDSHAKES + 20):
            silent.append(socket.create_connection((host, int(port)), timeout=30))
            silent[-1].sendall(b"\x16\x03\x01")
        with connect(talosconfig=talos_node.talosconfig, timeout=30) as honest:
            assert isinstance(honest.list(Member), tuple)
        with suppress(ConnectionResetError):
            assert silent[0].recv(1) == b"", "the oldest have gone, long before their time was up"
    finally:
        for one in silent:
            one.close()


def test_connections_are_counted(server: BackgroundServer, client: RemoteState, dial: Dial) -> None:
    client.list(Member)
    raws = [dial(server.address) for _ in range(LIMITS.connections + 5)]
    assert raws[0].hung_up()  # the one that was idle for longest made room
    assert raws[-1].answer(raws[-1].request(LIST, frame(b"")))["grpc-status"] == "0"


def test_a_reader_that_does_not_read_loses_its_watch(server: BackgroundServer, client: RemoteState, state: MemoryState, dial: Dial) -> None:
    peer = state.create(Resource.new(KubeSpanPeerStatus(), id="slow"))
    raw = dial(server.address)
    stream = raw.watch(peer.type)
    for number in range(200):  # more than the client's window has room for
        peer = state.update(peer.with_spec(label="x" * 10_000 + str(number)))
    assert raw.answer(stream, takes=False).get("grpc-status", "8") == "8"


def test_a_slow_reader_is_told_that_it_was_overrun(state: MemoryState, dial: Dial) -> None:
    small = MemoryState(capacity=20, gap=0)
    with BackgroundServer(small, "127.0.0.1:0") as server:
        raw = dial(server.address)
        peer = small.create(Resource.new(KubeSpanPeerStatus(), id="slow"))
        stream = raw.watch(peer.type)
        for number in range(300):
            peer = small.update(peer.with_spec(label="x" * 10_000 + str(number)))
        answer = raw.answer(stream)
        assert answer["grpc-status"] == "10"
        assert "buffer overrun" in answer["grpc-message"]


@given(st.lists(st.binary(min_size=1, max_size=200), max_size=5), st.booleans())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_garbage_does_no_harm(server: BackgroundServer, pieces: list[bytes], preface: bool) -> None:
    host, _, port = server.address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        try:
            if preface:
                connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + struct.pack(">I", 0)[1:] + b"\x04\0\0\0\0\0")
            for piece in pieces:
                connection.sendall(piece)
        except ConnectionError:
            pass


@given(st.integers(0, 9), st.integers(0, 255), st.integers(0, 7), st.binary(max_size=40))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_frames_of_all_kinds_do_no_harm(server: BackgroundServer, dial: Dial, kind: int, flags: int, stream: int, body: bytes) -> None:
    raw = dial(server.address)
    raw.request(WATCH, frame(b""), end=False)
    try:
        raw.socket.sendall(struct.pack(">I", len(body))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + body)
    except ConnectionError:
        pass
    raw.socket.close()
    fresh = dial(server.address)
    assert fresh.answer(fresh.request(LIST, frame(b"")))["grpc-status"] == "0"
    fresh.socket.close()


def test_the_server_stops_with_a_status(dial: Dial) -> None:
    with BackgroundServer(MemoryState(), "127.0.0.1:0") as server:
        raw = dial(server.address)
        stream = raw.watch("T")
        thread = threading.Thread(target=server.close)
        thread.start()
        answer = raw.answer(stream)
        assert (answer["grpc-status"], answer["grpc-message"]) == ("14", "the server is stopping")
        assert raw.hung_up()
        thread.join(30)
        assert not thread.is_alive()


def test_a_state_that_cannot_is_told_so(client: RemoteState) -> None:
    with pytest.raises(UnsupportedError, match="unknown method"):
        client._unary("/cosi.resource.State/Fly", b"", Resource.new(Member(), id="a").reference)
