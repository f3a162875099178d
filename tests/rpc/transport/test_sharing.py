"""Calls and watches that share a connection, and connections that end under them."""

from __future__ import annotations

import os
import signal
import socket
import struct
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from talos_resources.rpc.client.call import Channel, unary
from talos_resources.rpc.status import RpcError
from talos_resources.rpc.transport import frames as h2
from talos_resources.rpc.transport.contract import TransportError
from talos_resources.rpc.transport.http2 import Http2Transport
from tests.rpc.transport.scripted import Conversation, ScriptedServer

METHOD = "/a.B/C"
PATIENCE_S = 20


def ask(transport: Http2Transport, message: bytes = b"question", timeout: float = PATIENCE_S) -> bytes:
    return unary(transport, METHOD, message, headers=[("te", "trailers")], timeout=timeout)


def echo(conversation: Conversation) -> None:
    while (stream := conversation.next_request()) is not None:
        conversation.answer(stream, b"answer")


def test_a_stream_that_nobody_reads_holds_up_no_other() -> None:
    """It may bring as much as its window allows; calls beside it go on."""
    full = threading.Event()

    def script(conversation: Conversation) -> None:
        watch = conversation.next_request()
        assert watch is not None
        conversation.head(watch)
        for _ in range(4):
            conversation.data(watch, b"\0" * (1 << 20))
        full.set()
        echo(conversation)

    with ScriptedServer(script) as server:
        transport = Http2Transport(server.address)
        stream = transport.request(METHOD, [], b"", timeout=None)
        for _ in range(5):
            assert ask(transport) == b"answer"
        assert full.is_set()
        assert len(server.conversations) == 1
        assert stream.read()
        transport.close()


def test_more_than_was_allowed_ends_the_connection() -> None:
    def script(conversation: Conversation) -> None:
        stream = conversation.next_request()
        assert stream is not None
        conversation.head(stream)
        for _ in range(5):
            conversation.data(stream, b"\0" * (1 << 20))

    with ScriptedServer(script) as server:
        transport = Http2Transport(server.address)
        stream = transport.request(METHOD, [], b"", timeout=None)
        with pytest.raises(TransportError, match="more of an answer than was asked for"):
            ask(transport)
        with pytest.raises(TransportError):
            while stream.read():
                pass
        transport.close()


def test_a_slow_reader_gets_all() -> None:
    def script(conversation: Conversation) -> None:
        stream = conversation.next_request()
        assert stream is not None
        conversation.head(stream)
        window = 4 << 20
        for number in range(12):
            while window < 1 << 20:
                found = conversation.next_frame()
                assert found is not None
                if found[0] == h2.WINDOW_UPDATE and found[2] == stream:
                    window += h2.number(found[3])
            conversation.data(stream, bytes([number]) * (1 << 20))
            window -= 1 << 20
        conversation.trailers(stream)
        conversation.next_request()

    with ScriptedServer(script) as server:
        transport = Http2Transport(server.address)
        stream = transport.request(METHOD, [], b"", timeout=None)
        whole = b""
        while (piece := stream.read()) is not None:
            whole += piece
        assert whole == b"".join(bytes([number]) * (1 << 20) for number in range(12))
        transport.close()


def test_closing_a_stream_ends_the_wait_of_its_reader_and_of_no_other() -> None:
    def script(conversation: Conversation) -> None:
        for _ in range(3):
            conversation.head(conversation.next_request() or 0)
        echo(conversation)

    with ScriptedServer(script) as server:
        transport = Http2Transport(server.address)
        streams = [transport.request(METHOD, [], b"", timeout=None) for _ in range(3)]
        ended: list[int] = []
        changed = threading.Condition()

        def read(number: int) -> None:
            with pytest.raises(TransportError, match="closed by this side"):
                streams[number].read()
            with changed:
                ended.append(number)
                changed.notify_all()

        threads = [threading.Thread(target=read, args=(number,)) for number in range(3)]
        for thread in threads:
            thread.start()
        time.sleep(0.1)  # one of them reads now, whichever it is
        for number in (1, 0, 2):
            streams[number].close()
            with changed:
                assert changed.wait_for(lambda: number in ended, PATIENCE_S)  # noqa: B023
        for thread in threads:
            thread.join(PATIENCE_S)
        assert ended == [1, 0, 2]
        assert ask(transport) == b"answer"
        transport.close()


def test_going_away_in_the_middle_of_a_call() -> None:
    """What it has seen is answered, what it has not goes to a new connection, and nothing is asked twice."""
    asked: list[int] = []
    both = threading.Barrier(2, timeout=PATIENCE_S)

    def script(conversation: Conversation) -> None:
        first = conversation.next_request()
        if first is None:
            return
        asked.append(first)
        if len(asked) == 1:
            both.wait()
            second = conversation.next_request()
            assert second == 3
            conversation.go_away(first)
            conversation.answer(first, b"first")
            conversation.next_request()
        else:
            conversation.answer(first, b"second")
            echo(conversation)

    with ScriptedServer(script) as server:
        transport = Http2Transport(server.address)
        answers: dict[str, bytes] = {}
        thread = threading.Thread(target=lambda: answers.setdefault("one", ask(transport)))
        thread.start()
        both.wait()
        answers["two"] = ask(transport)
        thread.join(PATIENCE_S)
        assert answers == {"one": b"first", "two": b"second"}
        assert asked == [1, 1]
        transport.close()


def test_a_refused_stream_is_asked_again_once_more() -> None:
    def script(conversation: Conversation) -> None:
        first = conversation.next_request()
        assert first is not None
        conversation.answer(first, b"warm")
        second = conversation.next_request()
        if second is not None:
            conversation.frame(h2.RST_STREAM, 0, second, struct.pack(">I", 7))
            conversation.go_away(second)
            conversation.next_request()

    with ScriptedServer(script) as server:
        transport = Http2Transport(server.address)
        assert ask(transport) == b"warm"
        assert ask(transport) == b"warm"
        assert len(server.conversations) == 2
        transport.close()


def reset(conversation: Conversation) -> None:
    """RST instead of FIN."""
    conversation.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    conversation.socket.close()


def half_an_answer(conversation: Conversation) -> None:
    stream = conversation.next_request()
    assert stream is not None
    conversation.head(stream)
    conversation.data(stream, b"\0\0\0\0\x09abc")


def cut(conversation: Conversation) -> None:
    half_an_answer(conversation)
    conversation.socket.shutdown(socket.SHUT_RDWR)


def reset_in_the_middle(conversation: Conversation) -> None:
    half_an_answer(conversation)
    reset(conversation)


def reset_before_it(conversation: Conversation) -> None:
    conversation.next_request()
    reset(conversation)


def no_trailer(conversation: Conversation) -> None:
    half_an_answer(conversation)
    conversation.next_request()


def ends_without_status(conversation: Conversation) -> None:
    stream = conversation.next_request()
    assert stream is not None
    conversation.head(stream)
    conversation.message(stream, b"answer")
    conversation.frame(h2.DATA, h2.END_STREAM, stream)


def ends_in_a_message(conversation: Conversation) -> None:
    half_an_answer(conversation)
    conversation.trailers(1)


def bad_gzip(conversation: Conversation) -> None:
    stream = conversation.next_request()
    assert stream is not None
    conversation.head(stream, grpc_encoding="gzip")
    conversation.data(stream, b"\1\0\0\0\x03abc")
    conversation.trailers(stream)


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (cut, "broke"),
        (reset_in_the_middle, "broke"),
        (reset_before_it, "broke"),
        (no_trailer, "timed out while it answered"),
        (ends_without_status, "without a status"),
        (ends_in_a_message, "within a message"),
        (bad_gzip, "says it is gzip and is not"),
    ],
)
def test_answers_that_break_off(script: Callable[[Conversation], None], reason: str) -> None:
    with ScriptedServer(script) as server:
        transport = Http2Transport(server.address)
        with pytest.raises((TransportError, RpcError), match=reason):
            ask(transport, timeout=2)
        transport.close()


def test_a_connection_that_went_silent_is_not_used_again() -> None:
    """Half open: the other side is gone and nobody said so."""
    silent = threading.Event()

    def script(conversation: Conversation) -> None:
        stream = conversation.next_request()
        if stream is None:
            return
        conversation.answer(stream, b"answer")
        if not silent.is_set():
            silent.set()
            while conversation.next_frame() is not None:
                pass

    with ScriptedServer(script) as server:
        transport = Http2Transport(server.address)
        assert ask(transport) == b"answer"
        with pytest.raises(TransportError, match="timed out"):
            ask(transport, timeout=0.3)
        assert ask(transport) == b"answer"
        assert len(server.conversations) == 2
        transport.close()


def test_more_streams_than_a_connection_takes() -> None:
    def script(conversation: Conversation) -> None:
        while (stream := conversation.next_request()) is not None:
            conversation.head(stream)

    def serve(conversation: Conversation) -> None:
        conversation.begin({h2.MAX_CONCURRENT_STREAMS: 2})
        script(conversation)

    with ScriptedServer(serve, greets=False) as server:
        transport = Http2Transport(server.address)
        streams = [transport.request(METHOD, [], b"", timeout=None) for _ in range(5)]
        assert len(server.conversations) == 3
        for stream in streams:
            stream.close()
        transport.close()


def test_ctrl_c_ends_one_call_and_leaves_the_connection_to_the_others() -> None:
    def script(conversation: Conversation) -> None:
        watch, call = conversation.next_request(), conversation.next_request()
        assert watch is not None
        assert call is not None
        conversation.head(watch)
        time.sleep(0.2)  # both wait now; an interrupt while one takes something in costs the connection
        os.kill(os.getpid(), signal.SIGINT)
        while (found := conversation.next_frame()) is not None and found[0] != h2.RST_STREAM:
            pass
        conversation.message(watch, b"event")
        echo(conversation)

    with ScriptedServer(script) as server:
        transport = Http2Transport(server.address)
        got: list[list[bytes]] = []

        def watch() -> None:
            got.append(next(iter(Channel([transport]).stream(METHOD, b""))))

        thread = threading.Thread(target=watch)
        thread.start()
        while not server.conversations or not any(frame[1] & h2.END_STREAM for frame in server.conversations[0].heard):
            time.sleep(0.01)
        with pytest.raises(KeyboardInterrupt):
            ask(transport, timeout=60)
        thread.join(PATIENCE_S)
        assert got == [[b"event"]]
        assert ask(transport) == b"answer"
        assert len(server.conversations) == 1
        transport.close()


def test_many_threads_and_sizes_on_one_connection() -> None:
    """Requests and answers beyond all windows, from threads that take turns in reading."""

    def script(conversation: Conversation) -> None:
        bodies: dict[int, bytes] = {}
        while (found := conversation.next_frame()) is not None:
            kind, flags, stream, payload = found
            conversation.heard.clear()
            if kind != h2.DATA:
                continue
            bodies[stream] = bodies.get(stream, b"") + payload
            conversation.say(h2.window_update(0, len(payload)) + h2.window_update(stream, len(payload)) if payload else b"")
            if flags & h2.END_STREAM:
                conversation.answer(stream, bodies.pop(stream)[5:])

    with ScriptedServer(script) as server:
        transport = Http2Transport(server.address)
        wrong: list[Any] = []

        def work(number: int) -> None:
            for size in (0, 1, 70_000, 300_000):
                message = bytes([number]) * size
                if ask(transport, message) != message:
                    wrong.append((number, size))

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert wrong == []
        assert len(server.conversations) == 1
        transport.close()


def test_a_forked_child_makes_connections_of_its_own() -> None:
    with ScriptedServer(echo) as server:
        transport = Http2Transport(server.address)
        assert ask(transport) == b"answer"
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.write(write, ask(transport))
            finally:
                os._exit(0)
        assert os.read(read, 100) == b"answer"
        os.waitpid(child, 0)
        os.close(read)
        os.close(write)
        assert ask(transport) == b"answer"
        assert len(server.conversations) == 2
        transport.close()
