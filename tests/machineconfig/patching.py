"""Configurations to patch, and patches merged into one."""

from __future__ import annotations

from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.machineconfig.patch.apply import patch_config
from talos_resources.machineconfig.patch.load import parse_patch
from talos_resources.releases import RELEASES

BASE = "machine:\n  type: worker\n  network:\n    kubespan: {enabled: true, mtu: 1400}\ncluster: {}\n"


def merged(left: str, *patches: str) -> MachineConfig:
    return patch_config(MachineConfig.load(left), [parse_patch(patch) for patch in patches])[0]


V1_12, V1_13, V1_14 = RELEASES
