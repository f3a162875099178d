"""Our own conformance suite through client and server, over each transport."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from talos_resources.backends.memory import MemoryState
from talos_resources.rpc.client.connect import connect_plain
from talos_resources.rpc.server.server import BackgroundServer
from talos_resources.state.contract import State
from talos_resources.testing.conformance import Can, StateConformance
from talos_resources.testing.conformance.parts import PATHS, told
from talos_resources.testing.node import TalosNode


class TestTcp(StateConformance):
    can = Can()

    @pytest.fixture
    def state(self) -> Iterator[State]:
        with BackgroundServer(MemoryState(capacity=100_000), "127.0.0.1:0") as server, closing(connect_plain(server.address)) as client:
            yield client


class TestUnix(StateConformance):
    can = Can()

    @pytest.fixture
    def state(self, tmp_path: Path) -> Iterator[State]:
        address = f"unix:{tmp_path}/state.sock"
        with BackgroundServer(MemoryState(capacity=100_000), address), closing(connect_plain(address)) as client:
            yield client


class TestMutualTls(StateConformance):
    can = Can()

    @pytest.fixture
    def state(self, tmp_path: Path) -> Iterator[State]:
        with TalosNode(tmp_path, state=MemoryState(capacity=100_000)) as node, closing(node.connect()) as client:
            yield client


class TestTinyHistory(StateConformance):
    can = Can(history=10, gap=2)

    @pytest.fixture
    def state(self) -> Iterator[State]:
        with BackgroundServer(MemoryState(capacity=10, gap=2), "127.0.0.1:0") as server, closing(connect_plain(server.address)) as client:
            yield client

    def test_a_watcher_that_is_too_slow_is_told(self, state: State) -> None:
        """Our client reads ahead of whoever follows it, so that a short history at the other side costs nothing."""
        with state.watch_kind(PATHS, bootstrap=False) as events:
            self._write(state, 50)
            assert told(events, 50) == ["+a1", *(f"~a{n}" for n in range(2, 51))]

    test_a_batch_ends_with_the_error = None  # type: ignore[assignment]  # for the same reason
