"""The doctor over a real mesh: healthy it says nothing, and each thing that is done to it is named.

One mesh for all: nodes join one after the other, so that what is wrong is wrong from a node's start and shows within
a minute instead of after the 275 s for which an old handshake counts.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import which
from typing import Any

import pytest

from talos_resources.resources import KubeSpanPeerStatus, PeerState
from tests.agent.mesh import PATIENCE_S, PROGRAM, Mesh, Node, until

pytestmark = [pytest.mark.wireguard, pytest.mark.timeout(900)]

_REFUSES = """\
#!/bin/sh
case "$*" in {case}) if [ -e {flag} ]; then echo "not here" >&2; exit 1; fi;; esac
exec {program} "$@"
"""
"""A tool that does as always, until a file is there: then it refuses what matches."""


class Ward:
    """A mesh, and what the doctor says of it."""

    def __init__(self, mesh: Mesh) -> None:
        self.mesh = mesh
        self.running: list[Node] = []
        self._tools = mesh.folder / "tools"
        self._tools.mkdir()
        self.no_rules = self._tool("ip", "*'rule add'*")
        self.no_device = self._tool("wireguard-go", "*")

    def _tool(self, name: str, case: str) -> Path:
        flag, program = self._tools / f"{name}.refuses", which(name)
        assert program is not None
        script = self._tools / name
        script.write_text(_REFUSES.format(case=case, flag=flag, program=program))
        script.chmod(0o755)
        return flag

    def start(self, node: Node) -> None:
        node.start({"PATH": f"{self._tools}{os.pathsep}{os.environ['PATH']}"})
        self.running.append(node)

    def told(self) -> list[dict[str, Any]]:
        """The findings that are no notes."""
        sources = [part for node in self.running for part in ("--from", f"cosi+unix:{node.socket}")]
        command = [*PROGRAM, "doctor", "-o", "json", *sources]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode in (0, 3), done.stderr
        findings = [finding for finding in json.loads(done.stdout)["findings"] if finding["severity"] != "note"]
        assert done.returncode == (3 if findings else 0)
        return findings

    def named(self, rule: str, *nodes: Node) -> bool:
        """Whether this rule is told, alone, and of which nodes."""
        [finding] = self.told()
        return finding["rule"] == rule and all(node.name in finding["title"] for node in nodes)

    def all_up(self) -> None:
        for node in self.running:
            node.wait_up(len(self.running) - 1, timeout=PATIENCE_S)


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    mesh = Mesh(tmp_path)
    try:
        mesh.start(5)
        yield Ward(mesh)
    finally:
        mesh.stop()


def drop(node: Node, *rules: str) -> Callable[[], object]:
    """Lets a node's firewall drop packets; gives what undoes it."""
    node.sh("nft", f"table inet cut {{ {'; '.join(rules)}; }}")
    return lambda: node.sh("nft", "delete", "table", "inet", "cut")


def test_each_is_named(ward: Ward) -> None:
    one, two, three, four, five = ward.mesh.nodes
    for node in ward.mesh.nodes:  # as generated configurations have it
        node.config = node.config.replace("registries:\n", "registries:\n      kubernetes:\n        disabled: true\n")
    for node in (one, two, three):
        ward.start(node)
    ward.all_up()
    assert ward.told() == []

    # One way: what the first sends never arrives at the fourth.
    heal = drop(four, f"chain input {{ type filter hook input priority 0; ip saddr {one.address} udp dport 51820 drop; }}")
    ward.start(four)
    one.wait_state(four.key(), PeerState.DOWN, timeout=PATIENCE_S)
    four.wait_state(one.key(), PeerState.DOWN, timeout=PATIENCE_S)
    four.wait_up(2)
    assert ward.named("path-blocked", one, four)
    until(lambda: f"What {one.name} sends does not reach {four.name}" in ward.told()[0]["cause"])
    heal()

    # A cut: nothing of WireGuard's passes.
    heal = drop(
        five,
        "chain input { type filter hook input priority 0; udp dport 51820 drop; }",
        "chain output { type filter hook output priority 0; udp dport 51820 drop; }",
    )
    ward.start(five)
    for node in (one, two, three, four):
        node.wait_state(five.key(), PeerState.DOWN, timeout=PATIENCE_S)
    five.wait_for(KubeSpanPeerStatus, lambda there: len(there) == 4 and all(peer.spec.state is PeerState.DOWN for peer in there.values()))
    assert ward.named("node-isolated", five)
    heal()
    ward.all_up()
    assert ward.told() == []

    # Another MTU.
    two.stop()
    ward.running.remove(two)
    two.config = two.config.replace("mtu: 1420", "mtu: 1380")
    ward.start(two)
    ward.all_up()
    assert ward.named("mtu-differs", two)

    # Rules that are gone, and a host that refuses new ones.
    two.stop()
    ward.running.remove(two)
    two.config = two.config.replace("mtu: 1380", "mtu: 1420")
    ward.start(two)
    ward.all_up()
    ward.no_rules.touch()
    three.sh("ip", "rule", "delete", "fwmark", "0x40/0x60")
    until(lambda: "policy rules" in three.log())
    until(lambda: "inet4/32500" not in {found.id for found in three.state.list(three.state.kind("routingrulestatuses"))})
    assert ward.named("routing-missing", three)
    ward.no_rules.unlink()
    until(lambda: ward.told() == [])

    # WireGuard ends, and cannot be started again.
    ward.no_device.touch()
    for pid in three.programs("wireguard-go"):
        os.kill(pid, signal.SIGKILL)
    until(lambda: "kubespan" not in {found.id for found in three.state.list(three.state.kind("linkstatuses"))})
    assert ward.named("spec-without-status", three)
    ward.no_device.unlink()
    ward.all_up()
    assert ward.told() == []
