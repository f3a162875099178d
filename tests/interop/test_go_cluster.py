"""A Go program on the COSI client, in front of our endpoint of a whole cluster."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from talos_resources.resources import KubeSpanPeerStatus
from talos_resources.talosconfig.config import TalosConfig
from talos_resources.testing.cluster import TalosCluster
from tests.interop.conftest import INTEROP

pytestmark = pytest.mark.go

Ask = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[TalosCluster]:
    with TalosCluster(tmp_path, nodes=4) as made:
        yield made


@pytest.fixture
def ask(go: str, cluster: TalosCluster, tmp_path: Path) -> Ask:
    """Runs the program with these arguments."""
    program = tmp_path / "list"
    subprocess.run([go, "build", "-o", program, "./list"], cwd=INTEROP, timeout=300, check=True)
    context = TalosConfig.load(cluster.talosconfig).context()
    pem = []
    for name, value in (("ca", context.ca), ("crt", context.crt), ("key", context.key)):
        assert value is not None
        (tmp_path / name).write_bytes(value)
        pem += [f"-{name}", str(tmp_path / name)]

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(program), "-address", context.endpoints[0], *pem, *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    return run


def test_each_node_answers_for_itself(cluster: TalosCluster, ask: Ask) -> None:
    """By name and by address; each has one peer fewer than there are nodes."""
    gone = cluster.nodes[-1]
    state = cluster.state(cluster.nodes[0])
    assert state is not None
    state.destroy(KubeSpanPeerStatus, state.list(KubeSpanPeerStatus)[0].id, owner="kubespan.ManagerController")
    done = ask("-node", ",".join(cluster.nodes))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"{node} {2 if node == cluster.nodes[0] else 3}" for node in cluster.nodes]
    cluster.inject("off", gone)
    done = ask("-node", f"{cluster.nodes[1]},{gone}")
    assert done.stdout.splitlines() == [f"{cluster.nodes[1]} 3"]
    assert "Unavailable" in done.stderr
    assert "no route to host" in done.stderr


def test_what_is_refused_is_refused_as_there(cluster: TalosCluster, ask: Ask) -> None:
    together = ask("-nodes", ",".join(cluster.nodes[:2]))
    assert together.returncode != 0
    assert "InvalidArgument desc = one-2-many proxying is not supported for" in together.stderr
    unknown = ask("-node", "nonsuch")
    assert "Unavailable" in unknown.stderr
    assert "no such host" in unknown.stderr
