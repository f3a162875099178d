"""A call to ask, and a server that answers it."""

from __future__ import annotations

import time
from collections.abc import Callable

from talos_resources.rpc.client.call import unary
from talos_resources.rpc.transport.http2 import Http2Transport
from tests.rpc.transport.scripted import Conversation

METHOD = "/a.B/C"
PATIENCE_S = 30


def ask(transport: Http2Transport, message: bytes = b"question", timeout: float = PATIENCE_S) -> bytes:
    return unary(transport, METHOD, message, headers=[("te", "trailers")], timeout=timeout)


def echo(conversation: Conversation) -> None:
    while (stream := conversation.next_request()) is not None:
        conversation.answer(stream, b"answer")


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)
