"""The simulator's faults of one thing: each is named first with every seed, and nothing stands beside it."""

from __future__ import annotations

import pytest

from talos_resources.insight.doctor import examine
from talos_resources.model.finding import Severity
from talos_resources.simulate.single_faults import SINGLE_FAULTS

from .scenes import scene

RULES = {
    "kubespan-off": "kubespan-disabled",
    "other-secret": "secret-differs",
    "other-cluster": "different-clusters",
    "other-service": "discovery-service-differs",
    "discovery-off": "discovery-disabled",
    "old-version": "versions-differ",
    "default-route": "default-route-announced",
    "no-endpoints": "no-endpoints",
    "stale-endpoint": "stale-endpoint",
    "inbound-blocked": "inbound-blocked",
    "udp-blocked": "udp-blocked",
    "isolated": "node-isolated",
    "split": "mesh-split",
}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", [scenario.name for scenario in SINGLE_FAULTS])
def test_each_is_named_alone(name: str, seed: int) -> None:
    findings = examine(scene(name, nodes=5 + seed, seed=seed)).findings
    assert [finding.rule for finding in findings if finding.severity is not Severity.NOTE] == [RULES[name]]
