"""Ctrl-C wherever it may come: those who share the connection, and the next call, are not kept waiting."""

from __future__ import annotations

import gc
import itertools
import os
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType

import pytest

from talos_resources.rpc import transport as package
from talos_resources.rpc.transport import frames as h2
from talos_resources.rpc.transport.http2 import Http2Transport
from talos_resources.state import timeout
from tests.interrupting import interrupted
from tests.rpc.transport.asking import METHOD, PATIENCE_S, ask, echo
from tests.rpc.transport.scripted import Conversation, ScriptedServer

# What was just being made when it came is closed by Python itself.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

PLACES = (*package.__path__, timeout.__file__)


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """What a test leaves is closed while its warnings are passed over."""
    yield
    gc.collect()


def elsewhere(transport: Http2Transport) -> list[bytes]:
    """What another thread is answered."""
    answers: list[bytes] = []
    thread = threading.Thread(target=lambda: answers.append(ask(transport)), daemon=True)
    thread.start()
    thread.join(2 * PATIENCE_S)
    return answers


def test_ctrl_c_during_a_call_leaves_nothing_behind() -> None:
    with ScriptedServer(echo) as server:
        transport = Http2Transport(server.address)
        for step in itertools.count():
            if not interrupted(step, lambda: ask(transport), PLACES):
                break
            assert elsewhere(transport) == [b"answer"], step
            assert ask(transport) == b"answer", step
        assert step > 50
        transport.close()


@pytest.mark.parametrize("is_first", [True, False])
def test_ctrl_c_during_the_closing_of_a_watch_leaves_nothing_behind(*, is_first: bool) -> None:
    def script(conversation: Conversation) -> None:
        while (stream := conversation.next_request()) is not None:
            if conversation.heard[-1][0] == h2.DATA:
                conversation.answer(stream, b"answer")
            else:
                conversation.head(stream)  # of a watch

    with ScriptedServer(script) as server:
        transport = Http2Transport(server.address)
        for step in itertools.count():
            streams = [transport.request(METHOD, [], b"", timeout=None) for _ in range(2)]
            if not interrupted(step, streams[0 if is_first else 1].close, PLACES):
                break
            assert elsewhere(transport) == [b"answer"], step
            assert ask(transport) == b"answer", step
            for stream in streams:
                stream.close()
        assert step > 10
        transport.close()


def test_a_call_of_a_signal_does_not_wait_for_the_call_that_it_came_in() -> None:
    answered = threading.Event()

    def script(conversation: Conversation) -> None:
        stream = conversation.next_request()
        assert stream is not None
        if len(server.conversations) == 1:
            end = time.monotonic() + PATIENCE_S
            while not transport._connections[0]._link.waiting:
                assert time.monotonic() < end
                time.sleep(0.001)
            os.kill(os.getpid(), signal.SIGUSR1)
            assert answered.wait(PATIENCE_S)
        conversation.answer(stream, b"answer")
        echo(conversation)

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        assert ask(transport) == b"answer"
        answered.set()

    before = signal.signal(signal.SIGUSR1, on_signal)
    try:
        with ScriptedServer(script) as server:
            transport = Http2Transport(server.address)
            assert ask(transport) == b"answer"
            assert answered.is_set()
            transport.close()
    finally:
        signal.signal(signal.SIGUSR1, before)
