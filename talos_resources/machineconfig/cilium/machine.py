"""What a machine's configuration says that concerns a CNI, whichever form it has.

Source: reference of the machine-config workflow, Talos v1.12.3 and v1.14.0-rc.1.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, Final

import attrs

from talos_resources.machineconfig import defaults
from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.machineconfig.migrate.draft import Draft
from talos_resources.machineconfig.pem import from_base64
from talos_resources.model.errors import ConfigError

_LINKS: Final = ("LinkConfig", "BondConfig", "BridgeConfig", "VLANConfig")


@attrs.frozen(kw_only=True)
class MachineFacts:
    """What is known of a machine.

    Attributes:
        role: `controlplane`, `worker`, or empty.
        is_new_form: it is written in the documents of Talos v1.14.
        cni: flannel, custom or none; flannel where nothing else is said, except in the new form.
        cni_is_said: somewhere it says so.
        proxy_runs: kube-proxy is deployed.
        kubespan_mtu: of the KubeSpan link; None while KubeSpan is off.
        advertises_networks: `advertiseKubernetesNetworks` is on.
        flannel_mtu: the MTU of the network below flannel, where one is set.
        link_mtus: of its links, as far as they are set.
        kube_prism: the port of KubePrism; None where it is off.
        forwards_dns: CoreDNS asks the host.
        discovers: it finds the other members through a discovery service.
        manifest_urls: of manifests that it fetches.
        inline: name and text of its inline manifests.
        identity: fingerprints of what all machines of a cluster share, by its name; no secret is in them.
    """

    role: str
    is_new_form: bool
    cni: str
    cni_is_said: bool
    proxy_runs: bool
    kubespan_mtu: int | None
    advertises_networks: bool
    flannel_mtu: int | None
    link_mtus: tuple[int, ...]
    kube_prism: int | None
    forwards_dns: bool
    discovers: bool
    manifest_urls: tuple[str, ...]
    inline: tuple[tuple[str, str], ...] = attrs.field(repr=False)
    identity: dict[str, str] = attrs.field(repr=False)


def machine_facts(config: MachineConfig) -> MachineFacts:
    """Read what a configuration says, in sections and in documents."""
    draft = Draft(config)
    kubespan = draft.document("KubeSpanConfig") or draft.get("machine.network.kubespan") or {}
    flannel = draft.document("KubeFlannelCNIConfig")
    cni = draft.get("cluster.network.cni") or {}
    return MachineFacts(
        role=draft.role,
        is_new_form=draft.is_new_form,
        cni=_cni(draft),
        cni_is_said=bool(cni.get("name")) or draft.is_new_form,
        proxy_runs=_proxy_runs(draft),
        kubespan_mtu=(kubespan.get("mtu") or defaults.KUBESPAN_MTU) if kubespan.get("enabled") else None,
        advertises_networks=bool(kubespan.get("advertiseKubernetesNetworks")),
        flannel_mtu=(flannel or {}).get("backendMTU") or None,
        link_mtus=tuple(_link_mtus(draft)),
        kube_prism=_kube_prism(draft),
        forwards_dns=_forwards_dns(draft),
        discovers=_discovers(draft),
        manifest_urls=tuple(_urls(draft)),
        inline=tuple(_inline(draft)),
        identity=dict(_identity(draft)),
    )


def _cni(draft: Draft) -> str:
    if draft.document("KubeFlannelCNIConfig") is not None:
        return "flannel"
    name = (draft.get("cluster.network.cni") or {}).get("name", "")
    if name:
        return str(name)
    is_absent = draft.is_new_form and draft.get("cluster.network") is None
    return "none" if is_absent else "flannel"


def _proxy_runs(draft: Draft) -> bool:
    document = draft.document("KubeProxyConfig")
    if document is not None:
        return document.get("enabled", True) is not False
    if draft.is_new_form and draft.get("cluster.proxy") is None:
        return False
    return not draft.get("cluster.proxy.disabled")


def _link_mtus(draft: Draft) -> Iterator[int]:
    for link in draft.get("machine.network.interfaces") or ():
        if link and link.get("mtu"):
            yield link["mtu"]
    for _, fields in draft.of_kind(*_LINKS):
        if fields.get("mtu"):
            yield fields["mtu"]


def _kube_prism(draft: Draft) -> int | None:
    document, section = draft.document("KubePrismConfig"), draft.get("machine.features.kubePrism") or {}
    if document is None and not section.get("enabled"):
        return None
    return int((document or section).get("port") or defaults.KUBE_PRISM_PORT)


def _forwards_dns(draft: Draft) -> bool:
    host_dns = (draft.document("ResolverConfig") or {}).get("hostDNS") or draft.get("machine.features.hostDNS") or {}
    return bool(host_dns.get("enabled") and host_dns.get("forwardKubeDNSToHost"))


def _discovers(draft: Draft) -> bool:
    if next(draft.of_kind("DiscoveryServiceConfig"), None) is not None:
        return True
    section = draft.get("cluster.discovery") or {}
    return bool(section.get("enabled")) and not section.get("registries", {}).get("service", {}).get("disabled")


def _urls(draft: Draft) -> Iterator[str]:
    yield from map(str, (draft.get("cluster.network.cni") or {}).get("urls") or ())
    yield from map(str, draft.get("cluster.extraManifests") or ())
    yield from (str(fields.get("url", "")) for _, fields in draft.of_kind("KubeExternalManifestConfig"))


def _inline(draft: Draft) -> Iterator[tuple[str, str]]:
    for entry in draft.get("cluster.inlineManifests") or ():
        yield str(entry.get("name", "")), str(entry.get("contents", ""))
    for _, fields in draft.of_kind("KubeInlineManifestConfig"):
        yield str(fields.get("name", "")), str(fields.get("manifest", ""))


def _identity(draft: Draft) -> Iterator[tuple[str, str]]:
    document = draft.document("DiscoveryIdentityConfig") or {}
    authority = draft.document("KubeAPIServerCAConfig") or {}
    certificates = [(authority.get("issuingCA") or {}).get("cert"), *(authority.get("acceptedCAs") or ())]
    values: dict[str, Any] = {
        "the cluster's id": draft.get("cluster.id") or document.get("clusterID"),
        "the cluster's secret": draft.get("cluster.secret") or document.get("clusterSecret"),
        "the bootstrap token": draft.get("cluster.token"),
        "the machines' token": draft.get("machine.token"),
        "the authority of the Talos API": draft.get("machine.ca.crt"),
        "the authority of the Kubernetes API": _pem(draft.get("cluster.ca.crt")) or next(filter(None, certificates), None),
    }
    for name, value in values.items():
        if value:
            yield name, hashlib.sha256(str(value).strip().encode()).hexdigest()


def _pem(text: str | None) -> str | None:
    try:
        return from_base64(text, path="cluster.ca.crt") if text else None
    except ConfigError:
        return text
