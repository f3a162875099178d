"""Machine configurations beside the nodes: what a node that had one would lack."""

from __future__ import annotations

import base64
import hashlib

import pytest

from talos_resources.insight.doctor import examine
from talos_resources.insight.snapshot import Snapshot
from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.model.finding import Severity
from tests.insight.blueprint import Plan
from tests.insight.blueprint_documents import documents
from tests.insight.blueprint_kinds import rack

from .test_variations import SETTINGS, view

FILE = """version: v1alpha1
machine:
  type: worker
  network: {kubespan: {enabled: true}}
cluster:
  id: CLUSTER
  secret: SECRET
  discovery: {enabled: true, registries: {kubernetes: {disabled: true}}}
"""
OTHER = base64.b64encode(hashlib.sha256(b"another").digest()).decode()
CHANGES = {
    "secret-differs": ("SECRET", OTHER),
    "kubespan-disabled": ("enabled: true}}\ncluster", "enabled: false}}\ncluster"),
    "discovery-disabled": ("discovery: {enabled: true", "discovery: {enabled: false"),
    "kubernetes-registry": ("kubernetes: {disabled: true}", "kubernetes: {}, service: {disabled: true}"),
    "discovery-service-differs": ("{kubernetes:", "{service: {endpoint: 'https://discovery.example.org/'}, kubernetes:"),
    "mtu-differs": ("{enabled: true}}", "{enabled: true, mtu: 1300}}"),
    "no-endpoints": ("{enabled: true}}", "{enabled: true, filters: {endpoints: ['!10.0.0.0/8', '!::/0']}}}"),
}


def rules(text: str, *, redacted: bool = False) -> list[str]:
    plan = Plan(boxes=rack(2))
    plan.drop["*"] = SETTINGS if redacted else ()
    first = documents(plan, plan.boxes[0])
    own = first["KubeSpanConfigs.kubespan.talos.dev"][0]["spec"]
    text = text.replace("CLUSTER", own["clusterId"]).replace("SECRET", own["sharedSecret"])
    config = MachineConfig.load(text, source="worker.yaml")
    views = tuple(view(plan, box.name) for box in plan.boxes)
    findings = examine(Snapshot(views=views, configs=(("worker.yaml", config),))).findings
    told = [finding for finding in findings if finding.severity is not Severity.NOTE]
    assert all("worker.yaml" in finding.title for finding in told)
    assert not any(own["sharedSecret"] in str(finding.to_plain()) for finding in told)
    return [finding.rule for finding in told]


def test_one_that_fits() -> None:
    assert rules(FILE) == []


@pytest.mark.parametrize("rule", CHANGES)
def test_one_that_does_not(rule: str) -> None:
    changed = FILE.replace(*CHANGES[rule])
    assert changed != FILE
    assert rules(changed) == [rule]


def test_of_another_cluster_nothing_needs_to_fit() -> None:
    changed = FILE.replace("SECRET", "CLUSTER").replace("id: CLUSTER", f"id: {OTHER}")
    assert rules(changed) == ["different-clusters"]


def test_what_the_nodes_do_not_tell_is_not_compared() -> None:
    assert rules(FILE.replace("SECRET", OTHER), redacted=True) == []
