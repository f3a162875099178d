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
from talos_resources.machineconfig.settings import Settings
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
    settings, draft = Settings.of(config), Draft(config)
    flannel = draft.document("KubeFlannelCNIConfig") or {}
    # A file in the old form was written for a Talos that has a CNI unless told otherwise.
    is_default = draft.get("cluster.network") is None and not draft.is_new_form
    return MachineFacts(
        role=settings.machine_type,
        is_new_form=draft.is_new_form,
        cni="flannel" if is_default else settings.cni.name or "none",
        cni_is_said=bool(draft.get("cluster.network.cni.name")) or draft.is_new_form,
        proxy_runs=settings.proxy_enabled is not False,
        kubespan_mtu=(settings.kubespan.mtu or defaults.KUBESPAN_MTU) if settings.kubespan.enabled else None,
        advertises_networks=settings.kubespan.advertise_kubernetes_networks,
        flannel_mtu=flannel.get("backendMTU") or None,
        link_mtus=tuple(_link_mtus(draft)),
        kube_prism=settings.kube_prism_port,
        forwards_dns=settings.host_dns.enabled and settings.host_dns.forward_kube_dns_to_host,
        discovers=bool(settings.discovery.services),
        manifest_urls=(*settings.cni.urls, *settings.extra_manifests),
        inline=tuple((manifest.name, manifest.contents) for manifest in settings.inline_manifests),
        identity=dict(_identity(draft, settings)),
    )


def _link_mtus(draft: Draft) -> Iterator[int]:
    for link in draft.get("machine.network.interfaces") or ():
        if link and link.get("mtu"):
            yield link["mtu"]
    for _, fields in draft.of_kind(*_LINKS):
        if fields.get("mtu"):
            yield fields["mtu"]


def _identity(draft: Draft, settings: Settings) -> Iterator[tuple[str, str]]:
    authority = draft.document("KubeAPIServerCAConfig") or {}
    certificates = [(authority.get("issuingCA") or {}).get("cert"), *(authority.get("acceptedCAs") or ())]
    values: dict[str, Any] = {
        "the cluster's id": settings.cluster_id,
        "the cluster's secret": settings.cluster_secret,
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
