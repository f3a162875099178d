"""Calls and watches that share a connection."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import Any

import pytest

from talos_resources.rpc.client.call import Channel
from talos_resources.rpc.transport import frames as h2
from talos_resources.rpc.transport.contract import TransportError
from talos_resources.rpc.transport.http2 import Http2Transport
from tests.rpc.transport.asking import METHOD, PATIENCE_S, ask, echo, until
from tests.rpc.transport.scripted import Conversation, ScriptedServer


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


def test_many_threads_at_once_take_no_more_streams_than_a_connection_has() -> None:
    """Each of them has seen room before any of them has taken it."""
    taken: list[list[int]] = []

    def serve(conversation: Conversation) -> None:
        conversation.begin({h2.MAX_CONCURRENT_STREAMS: 2})
        mine: list[int] = []
        taken.append(mine)
        while (stream := conversation.next_request()) is not None:
            mine.append(stream)
            conversation.head(stream)

    with ScriptedServer(serve, greets=False) as server:
        transport = Http2Transport(server.address)
        streams = [transport.request(METHOD, [], b"", timeout=None)]  # what is allowed is known from here on
        connection = transport._connections[0]
        sending = connection._outgoing._sending
        sending.acquire()
        threads = [threading.Thread(target=lambda: streams.append(transport.request(METHOD, [], b"", timeout=None))) for _ in range(6)]
        for thread in threads:
            thread.start()
        time.sleep(0.2)  # all of them wait to send on the one connection
        sending.release()
        for thread in threads:
            thread.join(PATIENCE_S)
        assert len(streams) == 7
        assert len(taken[0]) == 2, "this one has said what it takes"
        for stream in streams:
            stream.close()
        transport.close()


def test_ctrl_c_ends_one_call_and_leaves_the_connection_to_the_others() -> None:
    def script(conversation: Conversation) -> None:
        watch, call = conversation.next_request(), conversation.next_request()
        assert watch is not None
        assert call is not None
        conversation.head(watch)
        # An interrupt while one takes something in would cost the connection.
        [connection] = transport._connections
        until(lambda: connection._session.streams[watch].status != 0)
        until(lambda: connection._link.waiting and len(connection._turns._waiters) == 1)
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
        until(lambda: any(frame[1] & h2.END_STREAM for each in server.conversations for frame in each.heard))
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
