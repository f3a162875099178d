"""Strangers that attack the service, beside a node that goes on being answered."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from h2.settings import SettingCodes

from talos_resources.discovery.messages import LIST, WATCH, ClusterRequest
from talos_resources.discovery.server.server import DiscoveryServer
from talos_resources.discovery.wire import encode
from talos_resources.rpc.framing import frame
from tests.discovery.asking import Asking
from tests.rpc.server.attacking import settled
from tests.rpc.server.raw import Raw

QUESTION = frame(encode(ClusterRequest(cluster_id="c")))
NODES = 400
MIB = 1 << 20


def fill(ask: Asking) -> None:
    """A cluster of about 1.6 MB."""
    for number in range(NODES):
        ask.update(f"node {number}", bytes(2048), *(bytes([number % 256, n]) * 16 for n in range(64)))


def stranger(address: str, stack: ExitStack, *, window: int) -> Raw:
    raw = Raw(address, source="127.0.0.2", settings={SettingCodes.INITIAL_WINDOW_SIZE: window})
    stack.callback(raw.socket.close)
    return raw


@pytest.fixture
def ask() -> Iterator[Callable[[DiscoveryServer], Asking]]:
    with ExitStack() as stack:

        def make(server: DiscoveryServer) -> Asking:
            asking = Asking(server.address)
            stack.callback(asking.close)
            return asking

        yield make


@pytest.mark.parametrize("window", [0, 1])
@pytest.mark.parametrize("path", [LIST, WATCH])
def test_answers_that_nobody_takes_are_not_made(ask: Callable[[DiscoveryServer], Asking], path: str, window: int) -> None:
    with DiscoveryServer(proxies=("127.0.0.0/8",)) as server, ExitStack() as stack:
        honest = ask(server)
        fill(honest)
        dispatch: Any = server._listener._dispatch
        for number in range(4):
            raw = stranger(server.address, stack, window=window)
            for call in range(75):
                raw.request(path, QUESTION, x_real_ip=f"2001:db8:1:{number * 75 + call:x}::1")
        for _ in range(3):
            assert len(honest.listed()) == NODES
            assert dispatch._answers.held <= (16 * MIB if window else 0)
        stack.close()
        assert settled(lambda: dispatch._answers.held == 0)
        assert len(honest.listed()) == NODES


def resident(process: subprocess.Popen[bytes]) -> int:
    """MiB of memory of a process."""
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) >> 10


def test_three_hundred_lists_cost_no_gigabytes() -> None:
    """As they did: 2.6 GB at the time, 1.2 GB for good."""
    command = [
        sys.executable,
        "-m",
        "talos_resources",
        "discovery",
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--insecure",
        "--proxy",
        "127.0.0.0/8",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as server, ExitStack() as stack:
        try:
            assert server.stdout is not None
            address = server.stdout.readline().decode().split()[-1]
            honest = Asking(address)
            stack.callback(honest.close)
            fill(honest)
            assert len(honest.listed()) == NODES
            before = resident(server)
            for number in range(4):
                raw = stranger(address, stack, window=1)
                for call in range(75):
                    raw.request(LIST, QUESTION, x_real_ip=f"2001:db8:1:{number * 75 + call:x}::1")
            for _ in range(3):
                assert len(honest.listed()) == NODES
            during = resident(server)
            stack.close()
            again = Asking(address)
            assert len(again.listed()) == NODES
            again.close()
            after = resident(server)
            assert during < before + 64
            assert after < before + 48
        finally:
            server.terminate()
            assert server.wait(30) == 0
