"""The COSI runtime's own conformance suite, through its Go client, against our server."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from talos_resources.backends.memory import MemoryState
from talos_resources.backends.sqlite.state import SqliteState
from talos_resources.rpc.client.connect import connect_plain
from talos_resources.rpc.server.server import BackgroundServer
from talos_resources.state.contract import State
from tests.interop.conftest import INTEROP, StartNode

pytestmark = pytest.mark.go


def conformance(go: str, address: str, *, without: str = "", tests: int = 24) -> None:
    """Runs the suite; all of its 24 tests must pass, or as many as are left without those whose name matches."""
    skip = ["-skip", f"TestConformance/.*({without})"] if without else []
    done = subprocess.run(
        [go, "test", "-count=1", "-v", *skip, "./conformance"],
        cwd=INTEROP,
        env={**os.environ, "COSI_ADDRESS": address},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    passed = re.findall(r"^    --- PASS: TestConformance/(\w+) ", done.stdout, re.MULTILINE)
    failed = re.findall(r"--- FAIL: (\S+)", done.stdout)
    assert not failed, done.stdout[-4000:]
    assert done.returncode == 0, done.stderr[-4000:]
    assert len(passed) == tests


@pytest.mark.parametrize("make", [lambda _folder: MemoryState(), lambda folder: SqliteState(folder / "state.db")], ids=["memory", "sqlite"])
def test_conformance_against_our_server(go: str, tmp_path: Path, make: Callable[[Path], State]) -> None:
    with closing(make(tmp_path)) as state, BackgroundServer(state, f"unix:{tmp_path}/state.sock") as server:
        conformance(go, server.address)


def test_conformance_through_our_client_to_the_go_server_and_back(go: str, go_node: StartNode, tmp_path: Path) -> None:
    """Our server over our client over the Go server: both sides of the protocol at once."""
    remote = connect_plain(go_node().address)
    with BackgroundServer(remote, f"unix:{tmp_path}/state.sock") as server:
        conformance(go, server.address)
    remote.close()
