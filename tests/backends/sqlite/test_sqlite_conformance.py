"""SqliteState under the conformance suite: alone, with a short memory, and through our client and server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from talos_resources.backends.sqlite.state import SqliteState
from talos_resources.rpc.client.connect import connect_plain
from talos_resources.rpc.server.server import BackgroundServer
from talos_resources.state.contract import State
from talos_resources.testing.conformance import Can, StateConformance


class TestSqlite(StateConformance):
    can = Can()

    @pytest.fixture
    def state(self, tmp_path: Path) -> Iterator[State]:
        with closing(SqliteState(tmp_path / "state.db")) as state:
            yield state


class TestThroughOurServer(StateConformance):
    can = Can(threads=3, writes=20)

    @pytest.fixture
    def state(self, tmp_path: Path) -> Iterator[State]:
        address = f"unix:{tmp_path}/state.sock"
        with (
            closing(SqliteState(tmp_path / "state.db")) as served,
            BackgroundServer(served, address),
            closing(connect_plain(address)) as client,
        ):
            yield client
