"""Servers that are killed and come back: every event is accounted for."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from talos_resources.model.errors import ConnectError, RemoteError
from talos_resources.resources import KubeSpanPeerStatus
from talos_resources.rpc.client.connect import connect_plain
from tests.rpc.client.events_seen import Ledger

SERVER = """
import sys
from talos_resources.backends.memory import MemoryState
from talos_resources.model.resource import Resource
from talos_resources.resources import KubeSpanPeerStatus
from talos_resources.rpc.server.server import BackgroundServer
path, count, generation = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
state = MemoryState(capacity=1000, gap=0)
for number in range(count):
    if (number + generation) % 3:
        state.create(Resource.new(KubeSpanPeerStatus(label=str(generation)), id=f"{number:05}"))
with BackgroundServer(state, path) as server:
    print("ready", flush=True)
    sys.stdin.readline()
"""


class Process:
    """A server in a process of its own, to be killed; each generation holds other resources."""

    def __init__(self, path: Path, count: int, generation: int) -> None:
        path.unlink(missing_ok=True)
        self.ids = {f"{number:05}" for number in range(count) if (number + generation) % 3}
        self._process = subprocess.Popen(
            [sys.executable, "-c", SERVER, f"unix:{path}", str(count), str(generation)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ},
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n"

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate(timeout=30)


def killed_and_restarted(path: Path, rounds: int) -> None:
    """Kills the server again and again during lists and a watch; every difference must be told."""
    count = 30
    server = Process(path, count, 0)
    client = connect_plain(f"unix:{path}", timeout=30)
    ledger = Ledger()
    stop = threading.Event()
    wrong: list[object] = []

    def list_on() -> None:
        while not stop.is_set():
            try:
                found = client.list(KubeSpanPeerStatus)
            except (ConnectError, RemoteError):
                stop.wait(0.01)
                continue
            if len({resource.spec.label for resource in found}) != 1 or len(found) != 20:
                wrong.append(found)

    lister = threading.Thread(target=list_on, daemon=True)
    lister.start()
    with client.watch_kind(KubeSpanPeerStatus) as watch:
        for generation in range(rounds):
            label, ids = str(generation), server.ids
            ledger.follow(watch, lambda: set(ledger.known) == ids and {r.spec.label for r in ledger.known.values()} == {label})  # noqa: B023
            server.kill()
            server = Process(path, count, generation + 1)
    stop.set()
    lister.join(20)
    client.close()
    server.kill()
    assert wrong == []


def test_the_server_is_killed_and_restarted(tmp_path: Path) -> None:
    killed_and_restarted(tmp_path / "state.sock", 3)


@pytest.mark.slow
def test_the_server_is_killed_and_restarted_a_hundred_times(tmp_path: Path) -> None:
    killed_and_restarted(tmp_path / "state.sock", 100)
