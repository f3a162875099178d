"""A server under attack, and somebody honest beside it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from h2.settings import SettingCodes

from talos_resources.backends.memory import MemoryState
from talos_resources.model.resource import Resource
from talos_resources.resources import KubeSpanPeerStatus
from talos_resources.rpc.client.connect import connect_plain
from talos_resources.rpc.client.state import RemoteState
from talos_resources.rpc.server.server import BackgroundServer
from tests.rpc.server.attacking import LIMITS, STRANGER, Attack
from tests.rpc.server.raw import Raw


@pytest.fixture(scope="module")
def state() -> MemoryState:
    state = MemoryState()
    for n in range(3000):
        state.create(Resource.new(KubeSpanPeerStatus(label="x" * 300), id=f"{n:04}"))
    return state


@pytest.fixture
def server(state: MemoryState) -> Iterator[BackgroundServer]:
    with BackgroundServer(state, "127.0.0.1:0", limits=LIMITS) as running:
        yield running


@pytest.fixture
def client(server: BackgroundServer) -> Iterator[RemoteState]:
    """Somebody honest, who is answered before, during and after."""
    with connect_plain(server.address, timeout=30) as honest:
        assert len(honest.list(KubeSpanPeerStatus)) == 3000
        yield honest
        assert len(honest.list(KubeSpanPeerStatus)) == 3000


@pytest.fixture
def attack(server: BackgroundServer) -> Iterator[Attack]:
    """Opens connections of a stranger."""
    with ExitStack() as stack:

        def start(source: str = STRANGER, **settings: int) -> Raw:
            raw = Raw(server.address, source=source, settings={getattr(SettingCodes, name): value for name, value in settings.items()})
            stack.callback(raw.socket.close)
            return raw

        yield start
