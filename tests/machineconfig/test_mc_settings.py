"""Typed settings: those of the guide, of documents and sections alike, and where there are both."""

from __future__ import annotations

import attrs

from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.machineconfig.settings import (
    CniSettings,
    DiscoveryService,
    DiscoverySettings,
    InlineManifest,
    NetworkSettings,
    Settings,
)
from talos_resources.model.net import AddrPort
from talos_resources.releases import RELEASES
from tests.machineconfig.control_plane import CONTROL_PLANE


def test_typed_settings_of_the_guide() -> None:
    settings = Settings.of(MachineConfig.load(CONTROL_PLANE))
    assert settings.machine_type == "controlplane"
    assert settings.kubespan.enabled
    assert settings.kubespan.advertise_kubernetes_networks
    assert settings.kubespan.allow_down_peer_bypass
    assert settings.kubespan.harvest_extra_endpoints
    assert settings.kubespan.mtu == 1380
    assert settings.kubespan.endpoint_filters == ("0.0.0.0/0", "!10.0.0.0/8")
    assert settings.kubespan.extra_endpoints == (AddrPort.parse("192.0.2.1:51820"),)
    assert settings.cni == CniSettings(name="custom", urls=("https://a.example.org/cilium.yaml",))
    assert settings.proxy_enabled is False
    assert settings.discovery.enabled
    assert not settings.discovery.kubernetes_registry
    assert settings.discovery.services == (DiscoveryService(name="legacy", endpoint="https://discovery.example.org/"),)
    assert settings.inline_manifests == (InlineManifest(name="cilium", contents="---\na: b\n"),)
    assert settings.extra_manifests == ("https://a.example.org/x.yaml",)
    assert (settings.cluster_id, settings.cluster_secret) == ("aWQ=", "c2VjcmV0")
    assert "c2VjcmV0" not in repr(settings)


def test_settings_of_documents_are_those_of_the_sections() -> None:
    documents = [
        "version: v1alpha1\nmachine: {type: controlplane}\ncluster: {}\n",
        (
            "kind: KubeSpanConfig\nenabled: true\nadvertiseKubernetesNetworks: true\nallowDownPeerBypass: true\nharvestExtraEndpoints: true\n"
            "mtu: 1380\nfilters: {endpoints: [0.0.0.0/0, '!10.0.0.0/8'], excludeAdvertisedNetworks: [10.9.0.0/16]}\n"
        ),
        "kind: KubeSpanEndpointsConfig\nextraAnnouncedEndpoints: ['192.0.2.1:51820']\n",
        "kind: DiscoveryServiceConfig\nname: default\nendpoint: https://discovery.example.org/\n",
        "kind: DiscoveryServiceConfig\nname: own\nendpoint: grpc://10.0.0.1:3000\n",
        "kind: DiscoveryIdentityConfig\nclusterID: aWQ=\nclusterSecret: c2VjcmV0\n",
        "kind: KubeClusterConfig\nclusterName: c\nendpoint: https://a.example.org:6443\n",
        "kind: KubeNetworkConfig\ndnsDomain: x.local\npodSubnets: [10.1.0.0/16]\nserviceSubnets: [10.2.0.0/16]\n",
        "kind: KubePrismConfig\nport: 7445\n",
        "kind: ResolverConfig\nhostDNS: {enabled: true, forwardKubeDNSToHost: true}\n",
        "kind: KubeInlineManifestConfig\nname: cilium\nmanifest: 'a: b'\n",
        "kind: KubeExternalManifestConfig\nname: x\nurl: https://a.example.org/x.yaml\n",
    ]
    text = "---\n".join(part if part.startswith("version") else f"apiVersion: v1alpha1\n{part}" for part in documents)
    found = Settings.of(MachineConfig.load(text))
    legacy = Settings.of(MachineConfig.load(CONTROL_PLANE))
    assert attrs.evolve(found.kubespan, exclude_networks=None) == legacy.kubespan
    assert found.kubespan.exclude_networks == ("10.9.0.0/16",)
    assert [(service.name, service.endpoint) for service in found.discovery.services] == [
        ("default", "https://discovery.example.org/"),
        ("own", "grpc://10.0.0.1:3000"),
    ]
    assert (found.cluster_id, found.cluster_secret) == ("aWQ=", "c2VjcmV0")
    assert (found.cluster_name, found.endpoint) == ("c", "https://a.example.org:6443")
    assert found.network == NetworkSettings(dns_domain="x.local", pod_subnets=("10.1.0.0/16",), service_subnets=("10.2.0.0/16",))
    assert found.cni.name == "none"
    assert found.proxy_enabled is False
    assert found.kube_prism_port == 7445
    assert found.host_dns.forward_kube_dns_to_host
    assert [manifest.name for manifest in found.inline_manifests] == ["cilium"]
    assert found.extra_manifests == ("https://a.example.org/x.yaml",)
    # What is absent is off on a control plane, and unknown in the file of a worker.
    worker = Settings.of(MachineConfig.load(text.replace("controlplane", "worker")))
    assert (worker.cni.name, worker.proxy_enabled) == (None, None)
    flannel = "apiVersion: v1alpha1\nkind: KubeFlannelCNIConfig\nbackendType: vxlan\n---\napiVersion: v1alpha1\nkind: KubeProxyConfig\n"
    both = Settings.of(MachineConfig.load(f"{text}---\n{flannel}"))
    assert (both.cni.name, both.proxy_enabled) == ("flannel", True)


def test_which_form_counts_where_there_are_both() -> None:
    text = (
        "machine: {type: worker, network: {kubespan: {enabled: true, mtu: 1300}}}\n"
        "cluster: {id: a, discovery: {enabled: true, registries: {service: {disabled: true}}}}\n"
    )
    documents = (
        "---\napiVersion: v1alpha1\nkind: KubeSpanConfig\nmtu: 0\n---\napiVersion: v1alpha1\nkind: DiscoveryServiceConfig\nname: a\n"
        "endpoint: https://x\n---\napiVersion: v1alpha1\nkind: DiscoveryIdentityConfig\nclusterID: b\nclusterSecret: c\n"
    )
    found = Settings.of(MachineConfig.load(text + documents))
    assert (found.kubespan.enabled, found.kubespan.mtu) == (False, 0)
    assert found.discovery == DiscoverySettings(kubernetes_registry=True)
    assert (found.cluster_id, found.cluster_secret) == ("a", "")


def test_settings_of_an_empty_configuration_are_the_defaults_of_its_release() -> None:
    text = "machine: {type: worker}\n"
    old, new = (Settings.of(MachineConfig.load(text, release=release)) for release in (RELEASES[0], RELEASES[-1]))
    assert old.kubespan.mtu == 1420
    assert not old.discovery.enabled
    assert (old.cni.name, old.proxy_enabled) == ("flannel", True)
    assert new == attrs.evolve(old, cni=CniSettings(name="none"))
