from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from talos_resources.backends.memory import MemoryState
from talos_resources.rpc.client.connect import connect_plain
from talos_resources.rpc.client.state import RemoteState
from talos_resources.rpc.server.limits import DEFAULT_LIMITS, Limits
from talos_resources.rpc.server.server import BackgroundServer
from talos_resources.state.contract import State

Serve = Callable[..., RemoteState]


@pytest.fixture(params=["tcp", "unix"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a plaintext server may listen."""
    return "127.0.0.1:0" if request.param == "tcp" else f"unix:{tmp_path}/state.sock"


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serves a state in plaintext and gives our client to it; all is closed after the test."""
    closing: list[RemoteState | BackgroundServer] = []

    def start(
        state: State | None = None, address: str = "127.0.0.1:0", limits: Limits = DEFAULT_LIMITS, timeout: float = 10
    ) -> RemoteState:
        server = BackgroundServer(MemoryState() if state is None else state, address, limits=limits)
        closing.append(server)
        client = connect_plain(server.address, timeout=timeout)
        closing.insert(0, client)
        return client

    yield start
    for item in closing:
        item.close()
