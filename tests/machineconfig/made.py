"""Whole configurations of a cluster, generated once per release."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Literal

from talos_resources.machineconfig.gen.bundle import ConfigBundle, make_configs
from talos_resources.machineconfig.gen.options import GenOptions
from talos_resources.machineconfig.gen.secrets import SecretsBundle, generate
from talos_resources.releases import release_of

NOW = datetime(2026, 11, 23, tzinfo=UTC)


@cache
def secrets() -> SecretsBundle:
    """Those of the one cluster that all tests share."""
    return generate(now=NOW)


@cache
def configs(version: str, *, kubespan: bool = False, discovery: bool = True) -> ConfigBundle:
    """The configurations of a cluster of a release, `v1.12` for example."""
    options = GenOptions(
        cluster_name="made",
        endpoint="https://10.0.0.1:6443",
        contract=release_of(version).contract,
        kubespan=kubespan,
        discovery=discovery,
    )
    return make_configs(options, secrets())


def made(
    role: Literal["controlplane", "worker"] = "controlplane", version: str = "v1.14", *, kubespan: bool = False, discovery: bool = True
) -> str:
    """The configuration of a role, as Talos's own `gen config` writes it."""
    bundle = configs(version, kubespan=kubespan, discovery=discovery)
    return bundle.worker if role == "worker" else bundle.control_plane
