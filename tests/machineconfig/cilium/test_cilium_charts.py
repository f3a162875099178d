"""Our values against what real charts make of them: each version that docs/cilium.md names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from talos_resources.machineconfig.cilium.charts import GUIDE_CILIUM_VERSION, NEWEST_CILIUM_VERSION, chart
from talos_resources.machineconfig.cilium.check import check
from talos_resources.machineconfig.cilium.facts import CiliumFacts, cilium_facts
from talos_resources.machineconfig.cilium.subject import Subject, read_subject
from talos_resources.model.finding import Severity
from tests.machineconfig.cilium.charts import charts

CHARTS = charts()
VERSIONS = list(CHARTS)
TWICE = "1.14.0"
"""Writes the key routing-mode twice where it is native."""
PAGE = Path(__file__).parents[3] / "docs" / "cilium.md"

STRICT_MACHINE = """\
machine:
    type: controlplane
    features:
        kubePrism: {enabled: true, port: 7445}
        hostDNS: {enabled: true, forwardKubeDNSToHost: DNS}
    network: {kubespan: {enabled: KUBESPAN, mtu: 1420}}
cluster:
    id: a
    controlPlane: {endpoint: "https://10.0.0.1:6443"}
    clusterName: lab
    network: {cni: {name: none}}
    proxy: {disabled: true}
    discovery: {enabled: true}
"""


def facts(version: str, way: str) -> CiliumFacts:
    return cilium_facts(read_subject([(f"{version}-{way}", CHARTS[version][way])]))


def rules(version: str, way: str, *, dns: bool = False, kubespan: bool = False) -> list[str]:
    machine = STRICT_MACHINE.replace("DNS}", f"{dns}".lower() + "}").replace("KUBESPAN", f"{kubespan}".lower())
    subject: Subject = read_subject([("cp.yaml", machine), ("cilium.yaml", CHARTS[version][way])], assume_cilium=True)
    return [finding.rule for finding in check(subject) if finding.severity is not Severity.NOTE]


def test_the_documentation_names_exactly_the_charts_that_were_tried() -> None:
    table = re.findall(r"^\| (\d+\.\d+\.\d+)", PAGE.read_text(), re.MULTILINE)
    assert table == VERSIONS
    assert VERSIONS[0] == GUIDE_CILIUM_VERSION
    assert VERSIONS[-1] == NEWEST_CILIUM_VERSION


@pytest.mark.parametrize("version", VERSIONS)
def test_our_values_are_understood(version: str) -> None:
    shared, strict = facts(version, "ours"), facts(version, "strict")
    assert (shared.strict, strict.strict) == (False, True)
    assert (strict.api_host, strict.api_port) == ("localhost", "7445")
    assert (shared.dials_api, strict.dials_api) == (False, True)
    if chart(version).is_the_guides:
        return
    assert not strict.mounts_cgroups
    assert strict.config["cgroup-root"] == "/sys/fs/cgroup"
    assert bool(strict.loads_modules) is not chart(version).capabilities


@pytest.mark.parametrize("version", [version for version in VERSIONS if chart(version).capabilities])
def test_a_chart_with_our_values_is_clean_and_one_without_is_not(version: str) -> None:
    assert rules(version, "strict") == []
    assert rules(version, "strict", dns=True, kubespan=True) == []
    found = rules(version, "chart")
    assert {"kernel-modules", "cgroup-mounts", "proxy-disabled"} <= set(found)


@pytest.mark.parametrize("version", VERSIONS[2:])
def test_ebpf_routing_goes_around_the_host(version: str) -> None:
    assert rules(version, "masquerade") == []
    assert rules(version, "masquerade", dns=True) == ["host-dns"]
    assert rules(version, "masquerade", kubespan=True) == ["kubespan-ebpf-routing"]
    assert rules(version, "legacy", dns=True, kubespan=True) == []


@pytest.mark.parametrize("version", [version for version in VERSIONS[2:] if version != TWICE])
def test_native_routing_goes_past_kubespan(version: str) -> None:
    assert facts(version, "native").tunnels is False
    assert facts(version, "strict").tunnels is True
    assert rules(version, "native", kubespan=True) == ["kubespan-native-routing"]
    assert facts(version, "native").mtu == 1400
    assert facts(version, "strict").mtu is None


def test_a_chart_that_says_a_thing_twice_is_told() -> None:
    subject = read_subject([("cilium.yaml", CHARTS[TWICE]["native"])])
    (finding,) = [finding for finding in check(subject) if finding.rule == "broken-document"]
    assert 'mapping key "routing-mode" already defined' in finding.evidence[0]
