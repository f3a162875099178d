"""Connections that end at the very moment when somebody uses them."""

from __future__ import annotations

import socket
import ssl
import threading
from typing import Any

import pytest

from talos_resources.rpc.transport.contract import TransportError
from talos_resources.rpc.transport.http2 import Http2Transport
from talos_resources.rpc.transport.link import SocketLink
from talos_resources.rpc.transport.tls_link import TlsLink
from talos_resources.state.timeout import Deadline
from tests.rpc.transport.asking import METHOD, PATIENCE_S, ask, echo
from tests.rpc.transport.scripted import Conversation, ScriptedServer


def test_closing_ends_what_is_left_of_a_connection_that_goes_away() -> None:
    """The other side asks to be left, and goes on with what it has begun."""

    def script(conversation: Conversation) -> None:
        stream = conversation.next_request()
        if len(server.conversations) == 1:
            assert stream is not None
            conversation.head(stream)
            conversation.go_away(stream)
            conversation.next_request()
            conversation.next_frame()
        elif stream is not None:
            conversation.answer(stream, b"answer")
            echo(conversation)

    with ScriptedServer(script) as server:
        transport = Http2Transport(server.address)
        stream = transport.request(METHOD, [], b"", timeout=None)
        assert ask(transport) == b"answer"
        assert ask(transport) == b"answer"
        assert len(server.conversations) == 2
        ends: list[str] = []

        def read() -> None:
            with pytest.raises(TransportError) as caught:
                stream.read()
            ends.append(caught.value.reason)

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        transport.close()
        reader.join(PATIENCE_S)
        assert ends == ["closed by this side"]


class BreaksFirst:
    """The lock of those who send on a connection, which ends while somebody waits for it."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._lock = connection._outgoing._sending
        self.release = self._lock.release

    def acquire(self, *args: Any, **options: Any) -> bool:
        self._connection._outgoing._sending = self._lock
        self._connection._break(ConnectionResetError("it hung up"))
        return bool(self._lock.acquire(*args, **options))


def test_a_call_that_could_not_begin_on_a_connection_that_has_ended_is_made_on_another_one() -> None:
    with ScriptedServer(echo) as server:
        transport = Http2Transport(server.address)
        assert ask(transport) == b"answer"
        connection: Any = transport._connections[0]
        connection._outgoing._sending = BreaksFirst(connection)
        assert ask(transport) == b"answer"
        assert len(server.conversations) == 2
        transport.close()


class ClosedMeanwhile:
    """A socket that is full, and closed before anybody waits for that."""

    def send(self, _data: memoryview) -> int:
        raise BlockingIOError

    def fileno(self) -> int:
        return -1


def test_a_socket_that_is_closed_while_it_is_full_is_an_error_of_the_connection() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        link: Any = SocketLink(ours)
        link._socket = ClosedMeanwhile()
        with pytest.raises(OSError, match="Bad file descriptor"):
            link.send(b"data", Deadline(PATIENCE_S))


class Full:
    """A link on which something has come, and which takes nothing."""

    def receive(self, _deadline: Deadline) -> bytes:
        return b""

    def send(self, _data: bytes, _deadline: Deadline) -> None:
        raise TimeoutError


def test_tls_that_cannot_answer_in_time_ends_the_connection_and_not_only_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TlsLink, "_shake_hands", lambda *_: None)  # so that reading does it, and has something to say
    inner: Any = Full()
    link = TlsLink(inner, ssl.create_default_context(), "localhost", Deadline(PATIENCE_S))
    with pytest.raises(ConnectionResetError, match="takes no answer"):
        link.receive(Deadline(PATIENCE_S))
