"""Threads that take turns in reading a connection: whoever leaves, closes or comes late holds up nobody."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from talos_resources.rpc.transport import frames as h2
from talos_resources.rpc.transport.contract import TransportError
from talos_resources.rpc.transport.http2 import Http2Transport
from talos_resources.rpc.transport.stream import Stream
from tests.rpc.transport.asking import METHOD, PATIENCE_S, ask, echo, until
from tests.rpc.transport.scripted import Conversation, ScriptedServer


def started(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def reading(stream: Stream) -> threading.Thread:
    """Reads a stream until this side closes it."""

    def read() -> None:
        with pytest.raises(TransportError, match="closed by this side"):
            stream.read()

    return started(read)


def ends(thread: threading.Thread) -> bool:
    thread.join(PATIENCE_S)
    return not thread.is_alive()


def watch(transport: Http2Transport) -> Stream:
    return transport.request(METHOD, [], b"", timeout=None)


def test_a_turn_that_is_not_needed_is_passed_on() -> None:
    """One reads and two wait; the turn goes to one whose watch has just been closed, and who has no use for it."""
    closed = threading.Event()

    def script(conversation: Conversation) -> None:
        for _ in range(2):
            conversation.head(conversation.next_request() or 0)
        call = conversation.next_request()
        assert call is not None
        assert closed.wait(PATIENCE_S)
        conversation.answer(call, b"answer")

    with ScriptedServer(script) as server:
        transport = Http2Transport(server.address)
        first, second = watch(transport), watch(transport)
        connection = transport._connections[0]
        reader = reading(first)
        until(lambda: connection._link.waiting)
        waiters = connection._turns._waiters
        waiter = reading(second)
        until(lambda: len(waiters) == 1)
        answers: list[bytes] = []
        caller = started(lambda: answers.append(ask(transport)))
        until(lambda: len(waiters) == 2)

        second.drop(TransportError("closed by this side"))  # what `close` does before it wakes the one who waits
        first.close()
        closed.set()
        assert ends(reader)
        assert ends(waiter)
        assert ends(caller)
        assert answers == [b"answer"]
        transport.close()


def test_a_watch_that_is_closed_while_its_reader_begins_ends() -> None:
    def script(conversation: Conversation) -> None:
        conversation.head(conversation.next_request() or 0)
        echo(conversation)

    with ScriptedServer(script) as server:
        transport = Http2Transport(server.address)
        stream = watch(transport)
        readers: list[threading.Thread] = []
        drop = stream.drop

        def drop_late(failure: TransportError) -> None:
            readers.append(reading(stream))
            until(lambda: transport._connections[0]._link.waiting)
            drop(failure)

        stream.drop = drop_late  # type: ignore[method-assign]
        stream.close()
        assert ends(readers[0])
        assert ask(transport) == b"answer"
        transport.close()


def test_a_wake_that_comes_late_disturbs_nobody() -> None:
    """It was for a reader that has left; the next one who looks at the connection finds it."""
    left = threading.Event()

    def script(conversation: Conversation) -> None:
        stream = conversation.next_request()
        assert stream is not None
        conversation.head(stream)
        conversation.trailers(stream)
        assert left.wait(PATIENCE_S)
        conversation.frame(h2.PING, 0, 0, bytes(8))
        echo(conversation)

    with ScriptedServer(script) as server:
        transport = Http2Transport(server.address)
        stream = watch(transport)
        assert stream.read() is None
        link = transport._connections[0]._link
        link.wake()
        left.set()
        until(link.has_more)
        assert ask(transport) == b"answer"
        assert len(server.conversations) == 1
        transport.close()


def test_watches_that_come_and_go_hold_up_no_call() -> None:
    def script(conversation: Conversation) -> None:
        while (stream := conversation.next_request()) is not None:
            conversation.heard.clear()
            if stream % 10 == 9:  # the fifth of each round
                conversation.answer(stream, b"answer")
            else:
                conversation.head(stream)

    with ScriptedServer(script) as server:
        transport = Http2Transport(server.address)
        for _ in range(200):
            streams = [watch(transport) for _ in range(4)]
            readers = [reading(stream) for stream in streams]
            closers = [started(stream.close) for stream in streams]
            assert ask(transport) == b"answer"
            assert all(map(ends, (*readers, *closers)))
        assert len(server.conversations) == 1
        transport.close()
