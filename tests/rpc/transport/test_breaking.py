"""Connections that end under their calls: going away, resets, answers that break off, silence."""

from __future__ import annotations

import errno
import os
import socket
import struct
import threading
from collections.abc import Callable

import pytest

from talos_resources.rpc.status import RpcError
from talos_resources.rpc.transport import frames as h2
from talos_resources.rpc.transport.connection import Connection
from talos_resources.rpc.transport.contract import TransportError
from talos_resources.rpc.transport.failures import end_of_connection
from talos_resources.rpc.transport.http2 import Http2Transport
from talos_resources.rpc.transport.link import SocketLink
from talos_resources.state.timeout import Deadline
from tests.rpc.transport.asking import PATIENCE_S, ask, echo
from tests.rpc.transport.scripted import Conversation, ScriptedServer


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
            ask(transport, timeout=2 if "timed out" in reason else 60)
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


class Silent(socket.socket):
    """A socket whose other side answers no probe any more, as the system tells it once."""

    told = False

    def recv(self, *arguments: int) -> bytes:
        if self.told:
            return b""
        self.told = True
        raise OSError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))


def test_a_connection_that_falls_silent_is_broken_and_no_call_has_run_out_of_time() -> None:
    ours, theirs = socket.socketpair()
    link = SocketLink(Silent(fileno=ours.detach()))
    with theirs:
        connection = Connection(
            link, lambda error, first: end_of_connection(error, first_bytes=first, address="unix:x", credentials=None, service="a service")
        )
        stream = connection.request(b"", b"", Deadline(None), endless=True)
        other = connection.request(b"", b"", Deadline(None), endless=True)
        theirs.sendall(h2.settings({}))
        for each in (stream, other):
            with pytest.raises(TransportError, match=r"^the connection broke \(it fell silent\)$") as caught:
                each.wait_for_head()
            assert (caught.value.timed_out, caught.value.refused, caught.value.silent) == (False, False, True)
        assert connection.retired
