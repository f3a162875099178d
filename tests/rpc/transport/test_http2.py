"""The transport against our server, and against servers that do not behave."""

from __future__ import annotations

import os
import signal
import socket
import struct
import threading
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talos_resources.backends.memory import MemoryState
from talos_resources.model.resource import Resource
from talos_resources.model.spec import UntypedSpec
from talos_resources.rpc import messages
from talos_resources.rpc.client.call import unary
from talos_resources.rpc.headers import SERVICE, call_headers
from talos_resources.rpc.server.server import BackgroundServer
from talos_resources.rpc.status import Code, RpcError
from talos_resources.rpc.transport import frames as h2
from talos_resources.rpc.transport.contract import TransportError
from talos_resources.rpc.transport.http2 import Http2Transport
from talos_resources.testing.conformance.parts import PATHS, path
from tests.rpc.client.test_faults import Proxy
from tests.rpc.transport.scripted import Conversation, ScriptedServer

GET = f"{SERVICE}Get"
CREATE = f"{SERVICE}Create"


@pytest.fixture(scope="module")
def state() -> MemoryState:
    return MemoryState()


@pytest.fixture(scope="module")
def server(state: MemoryState) -> Iterator[BackgroundServer]:
    with BackgroundServer(state, "127.0.0.1:0") as running:
        yield running


@pytest.fixture
def endpoint(server: BackgroundServer) -> Iterator[Http2Transport]:
    made = Http2Transport(server.address)
    yield made
    made.close()


def call(endpoint: Http2Transport, method: str, message: bytes, timeout: float = 20) -> Resource[UntypedSpec]:
    return messages.resource_of(unary(endpoint, method, message, headers=call_headers((), None), timeout=timeout))


def get(endpoint: Http2Transport, id: str, timeout: float = 20) -> Resource[UntypedSpec]:
    return call(endpoint, GET, messages.get_request("default", PATHS.type, id), timeout)


def create(endpoint: Http2Transport, resource: Resource[UntypedSpec]) -> Resource[UntypedSpec]:
    return call(endpoint, CREATE, messages.create_request(resource, owner=""))


def test_calls_share_a_connection(endpoint: Http2Transport, state: MemoryState) -> None:
    stored = state.create(path("shared"))
    for _ in range(50):
        assert get(endpoint, "shared") == stored
        with pytest.raises(RpcError, match="doesn't exist") as caught:
            get(endpoint, "none")
        assert caught.value.code is Code.NOT_FOUND
    [connection] = endpoint._connections
    assert connection._session.next > 200


def test_after_close_nothing_is_sent(endpoint: Http2Transport) -> None:
    get_none = pytest.raises(RpcError, match="doesn't exist")
    with get_none:
        get(endpoint, "closed")
    endpoint.close()
    with pytest.raises(TransportError, match="closed by this side"):
        get(endpoint, "closed")


@pytest.mark.parametrize("size", [0, 16_384, 65_535, 65_536, 1_000_000, 5_000_000])
def test_large_messages_both_ways(endpoint: Http2Transport, size: int) -> None:
    """Beyond the windows that both sides begin with."""
    stored = create(endpoint, path(f"size {size}", annotations={"blob": "x" * size}))
    assert get(endpoint, stored.id) == stored


@pytest.mark.parametrize("piece", [1, 7])
def test_frames_in_small_pieces(server: BackgroundServer, state: MemoryState, piece: int) -> None:
    proxy = Proxy(server.address, piece=piece)
    endpoint = Http2Transport(proxy.address)
    stored = state.create(path(f"pieces {piece}", annotations={"blob": "x" * 3000}))
    assert get(endpoint, stored.id) == stored
    endpoint.close()
    proxy.close()


def test_threads_share_a_connection(endpoint: Http2Transport, state: MemoryState) -> None:
    for n in range(8):
        state.create(path(f"thread {n}"))
    wrong: list[str] = []

    def work(n: int) -> None:
        wrong.extend(found for _ in range(50) if (found := get(endpoint, f"thread {n}").id) != f"thread {n}")

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(endpoint._connections) == 1


def test_a_server_that_comes_back(state: MemoryState) -> None:
    """A connection that broke while it was idle is not used again."""
    with BackgroundServer(state, "127.0.0.1:0") as first:
        address = first.address
        endpoint = Http2Transport(address)
        state.create(path("back"))
        get(endpoint, "back")
    with pytest.raises(TransportError, match="connection refused: nothing listens there") as caught:
        get(endpoint, "back")
    assert caught.value.refused
    with BackgroundServer(state, address):
        assert get(endpoint, "back").id == "back"
    endpoint.close()


def test_ctrl_c_ends_a_call() -> None:
    def strike(conversation: Conversation) -> None:
        conversation.next_request()
        os.kill(os.getpid(), signal.SIGINT)
        conversation.next_frame()

    with ScriptedServer(strike) as server:
        endpoint = Http2Transport(server.address)
        with pytest.raises(KeyboardInterrupt):
            get(endpoint, "a", timeout=60)
        endpoint.close()


@pytest.fixture
def quiet() -> Iterator[Callable[[bytes], str]]:
    """A server that says some bytes to whoever comes, and no more; it hangs up when they end in a full stop."""
    listeners: list[socket.socket] = []
    held: list[socket.socket] = []

    def start(words: bytes) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def serve() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                    held.append(client)
                    client.recv(65536)
                    client.sendall(words.removesuffix(b"."))
                    if words.endswith(b"."):
                        client.shutdown(socket.SHUT_RDWR)
                except OSError:
                    return

        threading.Thread(target=serve, daemon=True).start()
        return f"127.0.0.1:{listener.getsockname()[1]}"

    yield start
    for each in (*listeners, *held):
        try:
            each.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        each.close()


def said(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return h2.frame_head(kind, flags, stream, len(payload)) + payload


HELLO = h2.settings({})
HEAD = said(h2.HEADERS, h2.END_HEADERS, 1, b"\x88\x10\x0ccontent-type\x10application/grpc")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (b".", "the connection broke"),
        (HELLO + b".", "the connection broke"),
        (b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n.", "it speaks HTTP/1"),
        (b"\xff" * 100, "does not speak HTTP/2"),
        (HELLO + said(h2.GOAWAY, 0, 0, struct.pack(">II", 0, 0)), "shutting down"),
        (HELLO + said(h2.GOAWAY, 0, 0, b""), "cut short"),
        (HELLO + said(h2.RST_STREAM, 0, 1, struct.pack(">I", 7)), "refused the request"),
        (HELLO + said(h2.RST_STREAM, 0, 1, struct.pack(">I", 2)), "ended the request"),
        (HELLO + said(h2.HEADERS, h2.END_HEADERS | h2.END_STREAM, 1, b"\x8d"), "HTTP 404"),
        (HELLO + said(h2.HEADERS, h2.END_HEADERS | h2.END_STREAM, 1, b"\xff\xff\xff\xff\xff"), "broke"),
        (HELLO + said(h2.HEADERS, h2.END_HEADERS | h2.PADDED, 1, b"\x09\x88"), "more padding"),
        (HELLO + said(h2.HEADERS, h2.END_HEADERS, 3, b"\x88"), "nobody asked for"),
        (HELLO + said(h2.HEADERS, 0, 1, b"\x88") + said(h2.CONTINUATION, 0, 1, b"\x00" * 16_000) * 5, "headers without end"),
        (HELLO + said(h2.DATA, h2.END_STREAM, 1, b""), "without headers"),
        (said(h2.SETTINGS, 0, 0, b"\x00"), "cut short"),
        (HELLO + h2.frame_head(h2.DATA, 0, 1, 1 << 20), "longer than we allow"),
        (h2.settings({h2.INITIAL_WINDOW_SIZE: 1 << 31}), "a window that cannot be"),
        (h2.settings({h2.MAX_FRAME_SIZE: 5}), "settings that cannot be"),
        (HELLO + h2.window_update(0, h2.LARGEST_WINDOW) * 2, "a window that cannot be"),
        (HELLO + HEAD + said(h2.PING, 0, 0, b"12345678"), "timed out while it answered"),
        (HELLO + said(h2.HEADERS, 0, 1, b"\x88") + said(h2.PING, 0, 0, b"12345678"), "headers that are cut short"),
        (HELLO + said(h2.CONTINUATION, h2.END_HEADERS, 1, b"\x88"), "without a beginning"),
        (HELLO + HEAD * 2, "in the middle"),
        (HELLO + said(h2.HEADERS, h2.END_HEADERS, 1, b"\x10\x01a\x01b"), "without a status"),
        (HELLO + said(h2.PUSH_PROMISE, h2.END_HEADERS, 2, b"\x88"), "nobody asked for"),
        (HELLO + said(h2.DATA, 0, 0, b"x"), "an answer to no request"),
        (HELLO + h2.settings({}) * 30_000, "floods"),
        (HELLO + said(h2.PING, 0, 0, b"12345678") * 30_000, "floods"),
        (HELLO + HEAD + said(h2.DATA, 0, 1, b"") * 30_000, "floods"),
        (HELLO + said(h2.RST_STREAM, 0, 7, struct.pack(">I", 2)) + b".", "broke"),
    ],
    ids=range(30),
)
def test_servers_that_do_not_behave(quiet: Callable[[bytes], str], words: bytes, reason: str) -> None:
    endpoint = Http2Transport(quiet(words))
    with pytest.raises(TransportError, match=reason):
        get(endpoint, "a", timeout=2 if "timed out" in reason else 60)
    endpoint.close()
    assert endpoint._connections == []


def test_a_server_that_says_nothing(quiet: Callable[[bytes], str]) -> None:
    endpoint = Http2Transport(quiet(HELLO))
    with pytest.raises(TransportError, match="timed out") as caught:
        get(endpoint, "a", timeout=0.2)
    assert caught.value.timed_out
    endpoint.close()


@given(st.binary(max_size=200))
@settings(max_examples=200)
def test_frames_of_any_bytes(data: bytes) -> None:
    """Parsing refuses or returns; it raises nothing else."""
    for parse in (lambda: h2.parse_settings(data), lambda: h2.number(data), lambda: h2.unpadded(data, 0x28, priority=True)):
        try:
            parse()
        except h2.ProtocolError:
            pass
    if len(data) >= h2.HEAD_BYTES:
        kind, flags, stream, length = h2.parse_head(data)
        assert h2.frame_head(kind, flags, stream, length)[:5] == data[:5]
