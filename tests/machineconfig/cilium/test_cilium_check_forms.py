"""`cilium check` and the two forms of a configuration: both are judged alike."""

from __future__ import annotations

import pytest

from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.machineconfig.migrate.run import migrate
from talos_resources.machineconfig.overlay import fitting_overlay, overlay_excess
from talos_resources.model.finding import Severity
from tests.machineconfig.cilium.charts import charts
from tests.machineconfig.cilium.samples import findings, rules

FAULTY = {
    "healthy": ("", ""),
    "flannel": ("cni: {name: none}", "cni: {name: flannel}"),
    "kube-proxy": ("proxy: {disabled: true}", "proxy: {image: registry.k8s.io/kube-proxy:v1.35.0}"),
    "KubePrism off": ("kubePrism: {enabled: true, port: 7445}", "kubePrism: {enabled: false}"),
    "KubePrism elsewhere": ("port: 7445", "port: 7446"),
    "no discovery": ("discovery: {enabled: true, ", "discovery: {enabled: false, "),
    "advertised": ("kubespan: {enabled: true", "kubespan: {enabled: true, advertiseKubernetesNetworks: true"),
    "public": ("cni: {name: none}", "cni: {name: custom, urls: [https://server.yourdomain.tld/cilium.yaml]}"),
    "small links": ("interface: eth0, mtu: 1500", "interface: eth0, mtu: 1400"),
}
EVERY = """\
machine:
    type: controlplane
    features: {kubePrism: {enabled: true, port: 7445}, hostDNS: {enabled: true, forwardKubeDNSToHost: true}}
    network:
        kubespan: {enabled: true, mtu: 1420}
        interfaces: [{interface: eth0, mtu: 1500}]
cluster:
    id: spq/HHoBOXbyuRNQJjXmznHYRsgoe+RY8qbU/JUGNjs=
    secret: spq/HHoBOXbyuRNQJjXmznHYRsgoe+RY8qbU/JUGNjs=
    controlPlane: {endpoint: "https://10.0.0.1:6443"}
    clusterName: lab
    network: {cni: {name: none}}
    proxy: {disabled: true}
    discovery: {enabled: true, registries: {kubernetes: {disabled: true}}}
"""


@pytest.mark.parametrize("fault", FAULTY)
@pytest.mark.parametrize("way", ["strict", "masquerade", "native"])
def test_both_forms_of_a_configuration_are_judged_alike(fault: str, way: str) -> None:
    old, new = FAULTY[fault]
    assert old in EVERY
    config = MachineConfig.load(EVERY.replace(old, new))
    manifest = charts()["1.18.5"][way]
    texts = [form.text() for form in (config, migrate(config).config)]
    found = [sorted(rules(text, manifest)) for text in texts]
    assert found[0] == found[1]
    told = [rule for rule in found[0] if rule != "cilium-mtu"]  # the chart looks for its MTU by itself
    assert bool(told) is ((fault, way) != ("healthy", "strict"))


def test_machines_of_two_clusters_are_told_apart_without_a_secret() -> None:
    other = EVERY.replace("secret: spq", "secret: abc").replace("type: controlplane", "type: worker")
    (finding,) = [finding for finding in findings(EVERY, other) if finding.rule == "other-cluster"]
    assert finding.evidence == ("the cluster's secret differs",)
    assert "abc" not in str(finding)


@pytest.mark.parametrize(("backend", "found"), [(None, []), (1420, []), (1400, []), (1450, ["flannel-mtu"])])
def test_flannel_has_to_fit_into_kubespan(backend: int | None, found: list[str]) -> None:
    config = migrate(MachineConfig.load(EVERY.replace("cni: {name: none}", "cni: {name: flannel}"))).config
    if backend is not None:
        config = config.with_value("backendMTU", backend, kind="KubeFlannelCNIConfig")
    assert [rule for rule in rules(config.text(), assume_cilium=False) if rule == "flannel-mtu"] == found


def test_flannel_is_looked_at_also_where_cilium_is_wanted_and_does_not_show() -> None:
    flannel = EVERY.replace("cni: {name: none}", "cni: {name: flannel}")
    assert "flannel-mtu" in rules(flannel)
    assert "flannel-mtu" not in rules(flannel, charts()["1.18.5"]["strict"])  # it has to go anyway


CALICO = """\
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: calico-node, namespace: kube-system}
"""
TIGERA = """\
apiVersion: operator.tigera.io/v1
kind: Installation
metadata: {name: default}
"""


@pytest.mark.parametrize("manifest", [CALICO, TIGERA])
def test_calico_is_not_taken_for_cilium(manifest: str) -> None:
    text = EVERY.replace("kubespan: {enabled: true", "kubespan: {enabled: true, advertiseKubernetesNetworks: true")
    (finding,) = [finding for finding in findings(text, manifest) if finding.rule == "advertised-networks"]
    assert "together with Calico" in finding.title
    flannel = EVERY.replace("cni: {name: none}", "cni: {name: flannel}")
    (finding,) = [finding for finding in findings(flannel, manifest) if finding.rule == "cni-not-none"]
    assert "besides Calico" in finding.cause


@pytest.mark.parametrize(("version", "way"), [(version, way) for version, ways in charts().items() for way in ways])
def test_evidence_stands_in_the_manifest(version: str, way: str) -> None:
    manifest = charts()[version][way]
    for finding in findings(EVERY, manifest):
        for line in finding.evidence:
            if line.startswith("cilium-config has no "):
                assert f"{line.removeprefix('cilium-config has no ')}:" not in manifest
            elif line.startswith("cilium-config has "):
                key, _, value = line.removeprefix("cilium-config has ").partition(": ")
                assert f'{key}: "{value}"' in manifest or f"{key}: {value}" in manifest


@pytest.mark.parametrize(("replaces", "found"), [("true", False), ("false", True)])
def test_masquerading_by_ebpf_needs_the_replacement_of_kube_proxy(replaces: str, found: bool) -> None:
    config = f"""\
apiVersion: v1
kind: ConfigMap
metadata: {{name: cilium-config, namespace: kube-system}}
data: {{enable-bpf-masquerade: "true", kube-proxy-replacement: "{replaces}"}}
"""
    told = rules(EVERY, config)
    assert ("ebpf-masquerade" in told) is found
    assert ("host-dns" in told) is not found
    assert "ebpf-masquerade" not in rules(EVERY, config.replace("data: {", 'data: {enable-node-port: "true", '))


def test_before_v114_flannel_does_not_know_of_kubespan() -> None:
    text = EVERY.replace("cni: {name: none}", "cni: {name: flannel}")
    (finding,) = [finding for finding in findings(text, assume_cilium=False) if finding.rule == "flannel-mtu"]
    assert finding.severity is Severity.NOTE
    assert finding.title == "f0: flannel.1 gets an MTU of 1450, and KubeSpan's 1420 takes 1370"


@pytest.mark.parametrize(("overlay", "kubespan", "excess"), [(1370, 1420, 0), (1450, 1420, 80), (1300, 1420, 0), (1371, 1420, 1)])
def test_how_much_an_overlay_is_too_large(overlay: int, kubespan: int, excess: int) -> None:
    assert overlay_excess(overlay, kubespan) == excess
    assert fitting_overlay(kubespan) == kubespan - 50
