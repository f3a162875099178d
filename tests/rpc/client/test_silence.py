"""Servers that are stopped while their kernel goes on: whoever watches them is told, and goes on when they do."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from talos_resources.backends.memory import MemoryState
from talos_resources.model.errors import ConnectError, TalosResourcesError, WatchError
from talos_resources.model.resource import Resource
from talos_resources.resources import KubeSpanPeerStatus
from talos_resources.rpc.client.connect import connect_plain
from talos_resources.rpc.client.state import RemoteState
from talos_resources.rpc.server.server import BackgroundServer
from talos_resources.rpc.transport import silence
from talos_resources.rpc.transport.http2 import Http2Transport
from talos_resources.state.events import Bootstrapped, Created
from tests.rpc.client.test_restarts import SERVER

LONG = 30.0


@pytest.mark.parametrize("resume", [True, False])
def test_a_server_that_is_stopped_is_noticed(resume: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silence, "ASK_AFTER_S", 0.2)
    monkeypatch.setattr(silence, "ANSWER_S", 3.0)
    address = f"unix:{tmp_path / 'socket'}"
    process = subprocess.Popen([sys.executable, "-c", SERVER, address, "1", "1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    interruptions: list[TalosResourcesError] = []
    told = threading.Event()

    def tell(error: TalosResourcesError) -> None:
        interruptions.append(error)
        told.set()

    try:
        assert process.stdout.readline() == b"ready\n"
        with (
            RemoteState((Http2Transport(address),), timeout=LONG, resume=resume, on_interruption=tell) as node,
            node.watch_kind(KubeSpanPeerStatus) as watch,
        ):
            assert isinstance(watch.next(LONG), Created)
            assert isinstance(watch.next(LONG), Bootstrapped)
            process.send_signal(signal.SIGSTOP)
            if not resume:
                with pytest.raises(WatchError, match="has not answered a ping within 3 s"):
                    watch.next(LONG)
                return
            assert told.wait(LONG)
            assert isinstance(interruptions[0], ConnectError)
            assert "has not answered a ping within 3 s" in str(interruptions[0])
            process.send_signal(signal.SIGCONT)
            node.create(Resource.new(KubeSpanPeerStatus(label="new"), id="new"))
            event = watch.next(LONG)
            assert isinstance(event, Created)
            assert event.resource.id == "new"
    finally:
        process.kill()
        process.communicate()


def test_a_server_that_has_nothing_to_say_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silence, "ASK_AFTER_S", 0.02)
    monkeypatch.setattr(silence, "ANSWER_S", LONG)
    asked = threading.Semaphore(0)

    def ping(say: object, data: bytes) -> None:
        asked.release()
        assert callable(say)
        say(data)

    receive = silence.receive
    monkeypatch.setattr(
        "talos_resources.rpc.transport.connection.receive",
        lambda link, deadline, say: receive(link, deadline, lambda data: ping(say, data)),
    )
    interruptions: list[TalosResourcesError] = []
    state = MemoryState()
    with (
        BackgroundServer(state, "127.0.0.1:0") as server,
        connect_plain(server.address, timeout=LONG, on_interruption=interruptions.append) as node,
        node.watch_kind(KubeSpanPeerStatus) as watch,
    ):
        assert isinstance(watch.next(LONG), Bootstrapped)
        for _ in range(5):
            assert asked.acquire(timeout=LONG)
        state.create(Resource.new(KubeSpanPeerStatus(), id="a"))
        assert isinstance(watch.next(LONG), Created)
    assert not interruptions
