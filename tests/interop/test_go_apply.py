"""Talos's own client stubs give our server a configuration."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from talos_resources.machineconfig.configured_node import ConfiguredNode, store
from talos_resources.resources import MachineConfig
from talos_resources.rpc.server.server import BackgroundServer
from talos_resources.testing.node import fresh_state
from tests.interop.conftest import INTEROP
from tests.machineconfig.made import made


@pytest.mark.go
def test_a_go_client_applies_a_configuration(go: str, tmp_path: Path) -> None:
    program = tmp_path / "apply"
    subprocess.run([go, "build", "-o", program, "./apply"], cwd=INTEROP, timeout=300, check=True)
    state = fresh_state()
    store(state, made())

    def apply(text: str, mode: str, *, dry_run: bool = False) -> str:
        command = [str(program), server.address, mode, "dry-run" if dry_run else ""]
        return subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, check=True).stdout

    new = made(kubespan=True)
    with BackgroundServer(state, "127.0.0.1:0", machine=ConfiguredNode(state)) as server:
        told = apply(new, "AUTO", dry_run=True)
        assert told.startswith("NO_REBOOT 0: the configuration is applied without a reboot (skipped in dry run)\n")
        assert "+kind: KubeSpanConfig" in told
        assert apply(new, "TRY").startswith("TRY 0: the configuration is applied for 90 s")
        assert state.get(MachineConfig, "v1alpha1").spec.text == new
        assert apply(new, "STAGED").startswith("STAGED 0: ")
        assert apply(new, "AUTO") == "NO_REBOOT 0: the configuration is applied without a reboot\n"
        refused = apply(f"{new}mtu: 100\n" if new.endswith("enabled: true\n") else "machine: {}\n", "AUTO")
        assert refused.startswith("rpc error: code = InvalidArgument desc = ")
