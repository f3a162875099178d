"""The fixture `talos_cluster`: a cluster for other people's tests, whose time the test owns."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from talos_resources.cli.main import main
from talos_resources.model.errors import ConfigError, ConnectError
from talos_resources.releases import NEWEST
from talos_resources.resources import KubeSpanConfig, KubeSpanPeerStatus, Member
from talos_resources.state.events import Updated
from talos_resources.testing.cluster import TalosCluster

LIVE = Path(__file__).parents[2] / "docs" / "live.md"
Make = Callable[..., TalosCluster]


def test_it_is_ready_at_once(talos_cluster: Make) -> None:
    talos_cluster(nodes=2)  # loads what a server takes
    began = time.process_time()
    cluster = talos_cluster()
    assert time.process_time() - began < 0.5
    links = cluster.links()
    assert (links.is_full_mesh, links.links, len(cluster.nodes)) == (True, 20, 5)


def test_a_cut_and_its_end(talos_cluster: Make, capsys: pytest.CaptureFixture[str]) -> None:
    cluster = talos_cluster(nodes=5)
    assert cluster.inject("partition", site="b").what == "cut: controlplane-3, worker-1, worker-2 from the 2 others"
    cluster.wait_for("down", links=12)
    assert main(["mesh", "--talosconfig", str(cluster.talosconfig)]) == 0
    assert capsys.readouterr().out.startswith("5 nodes, 20 links: 8 up, 12 down, 0 unknown")
    cluster.heal()
    cluster.wait_for("up")
    with cluster.connect_all() as nodes:
        assert len(nodes.list(KubeSpanPeerStatus)) == 20
        assert nodes.nodes == tuple(cluster.nodes)


def test_time_stands_still_unless_it_is_let_go(talos_cluster: Make) -> None:
    cluster = talos_cluster(nodes=2)
    with cluster.connect() as node, node.watch_kind(KubeSpanPeerStatus) as events:
        events.next(30)  # what there is
        events.next(30)  # that this is all
        with pytest.raises(TimeoutError):
            events.next(0.3)
        cluster.advance(30)
        assert isinstance(events.next(30), Updated)


def test_what_a_client_of_a_node_that_is_off_hears(talos_cluster: Make) -> None:
    cluster = talos_cluster(nodes=4)
    off = cluster.inject("off", "worker-1")
    assert cluster.state("worker-1") is None
    with cluster.connect("worker-1") as node:
        with pytest.raises(ConnectError, match="worker-1 is switched off"):
            node.list(Member)
        cluster.heal(off)
        cluster.wait_for("up", links=12)
        assert len(node.list(Member)) == 4
    with pytest.raises(ConfigError, match="no fault"):
        cluster.heal(off)


def test_nodes_take_configurations(talos_cluster: Make, capsys: pytest.CaptureFixture[str]) -> None:
    cluster = talos_cluster(nodes=3)
    patch = "{apiVersion: v1alpha1, kind: KubeSpanConfig, mtu: 1300}"
    reached = ["-n", "controlplane-2", "--talosconfig", str(cluster.talosconfig)]
    assert main(["patch", "machineconfig", "--patch", patch, *reached]) == 0, capsys.readouterr()
    capsys.readouterr()
    assert main(["get", "kubespanconfigs", "-o", "jsonpath={.spec.mtu}", *reached]) == 0
    assert capsys.readouterr().out == "1300\n"


def test_a_wait_in_vain_says_what_there_is(talos_cluster: Make) -> None:
    cluster = talos_cluster(nodes=3)
    with pytest.raises(
        TimeoutError, match=r"^60 s of the cluster have passed, and 2 links are not down: 6 up, 0 down, 0 unknown, 0 missing$"
    ):
        cluster.wait_for("down", links=2, timeout_s=60)


def test_a_wait_for_some_nodes(talos_cluster: Make) -> None:
    cluster = talos_cluster(nodes=4)
    cluster.inject("off", "worker-1")
    cluster.wait_for("down", "worker-1")  # all that there are: three others see it
    assert (cluster.links("worker-1").down, cluster.links("worker-1").links) == (3, 3)
    assert cluster.links("controlplane-1", "controlplane-2").up == 6
    cluster.heal()
    cluster.wait_for("up", "worker-1")
    assert cluster.links("worker-1").links == 6
    with pytest.raises(ConfigError, match=r'^no node "worker-9"; there are controlplane-1, '):
        cluster.wait_for("up", "worker-9")
    with pytest.raises(TimeoutError, match="and 6 links of worker-1 are not down: 6 up, 0 down"):
        cluster.wait_for("down", "worker-1", timeout_s=5)


def test_nodes_of_several_releases(talos_cluster: Make, capsys: pytest.CaptureFixture[str]) -> None:
    cluster = talos_cluster(nodes=3, talos_version={"controlplane-2": "v1.12.3"})
    with cluster.connect("controlplane-1") as new, cluster.connect("controlplane-2") as old:
        assert (new.version(), old.version()) == (NEWEST.version, "v1.12.3")
        told = {member.spec.hostname: member.spec.operating_system for member in new.list(Member)}
    assert told["controlplane-2"] == "Talos (v1.12.3)"
    patch = "machine: {network: {kubespan: {mtu: 1300}}}"
    reached = ["--mode", "reboot", "--talosconfig", str(cluster.talosconfig)]
    assert main(["patch", "mc", "--patch", patch, "-n", "controlplane-1", *reached]) == 1
    assert "controlplane-1: Talos v1.14 has no mode reboot; apply it with auto, " in capsys.readouterr().err
    assert main(["patch", "mc", "--patch", patch, "-n", "controlplane-2", *reached]) == 0
    assert capsys.readouterr().out == "controlplane-2: applied, and the node reboots for it\n"
    cluster.advance(10)
    assert cluster.state("controlplane-2") is None
    cluster.advance(120)
    with cluster.connect("controlplane-2") as old:
        assert old.get(KubeSpanConfig, "kubespan").spec.mtu == 1300
    cluster.wait_for("up")
    with pytest.raises(ConfigError, match='^talos_version is given for "nobody"; there are '):
        talos_cluster(nodes=2, talos_version={"nobody": "v1.12.3"})
    with pytest.raises(ConfigError, match="is no version"):
        talos_cluster(nodes=2, talos_version="soon")


def test_faults_of_a_scenario_come_on_schedule(talos_cluster: Make) -> None:
    cluster = talos_cluster(nodes=4, scenario="partition")
    assert cluster.links().is_full_mesh
    cluster.wait_for("down", links=8)
    cluster.wait_for("up")


def test_time_that_passes_by_itself(talos_cluster: Make) -> None:
    cluster = talos_cluster(nodes=3, speed=200.0)
    cluster.inject("off", "controlplane-3")
    cluster.wait_for("down", links=2)
    cluster.heal()
    cluster.wait_for("up", links=6)


def test_the_same_seed_makes_the_same_cluster(talos_cluster: Make) -> None:
    keys = []
    for seed in (1, 1, 2):
        with talos_cluster(seed=seed).connect() as node:
            keys.append([peer.id for peer in node.list(KubeSpanPeerStatus)])
    assert keys[0] == keys[1] != keys[2]


def test_the_example_of_the_documentation(tmp_path: Path) -> None:
    """Somebody else's tool and its test, as a file of its own and in a pytest of its own."""
    text = LIVE.read_text(encoding="utf-8")
    match = re.search(r"```python\n(# test_dashboard\.py\n.*?)```", text, re.DOTALL)
    assert match is not None
    (tmp_path / "test_dashboard.py").write_text(match[1], encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "test_dashboard.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout
    assert re.search(r"^1 passed", done.stdout, re.MULTILINE)
