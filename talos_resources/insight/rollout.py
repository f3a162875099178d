"""Changing KubeSpan node by node: what is dangerous, and whether the mesh is as good as it should be after each step."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import attrs

from talos_resources.insight.snapshot import NodeView
from talos_resources.kubespan import host
from talos_resources.kubespan.prefixes import prefix_range
from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.machineconfig.settings import Settings
from talos_resources.model.net import IPPrefix
from talos_resources.resources import KubeSpanConfig, PeerState

Pair = tuple[str, str]
"""A direction of a link, by the names under which the nodes were asked: who sees whom."""

_OWN_IPAM: Final = ("cilium", "calico")


def links_up(views: Iterable[NodeView]) -> frozenset[Pair]:
    """Which of these nodes sees which other one of them up."""
    every = tuple(views)
    names = {view.public_key: view.node for view in every if view.public_key}
    return frozenset(
        (view.node, names[status.metadata.id])
        for view in every
        for status in view.statuses
        if status.spec.state is PeerState.UP and status.metadata.id in names
    )


@attrs.frozen(kw_only=True)
class Goal:
    """How the mesh should be after a step.

    Attributes:
        before: the links that were up before the first step.
        on: nodes that have KubeSpan now, all of which should see each other.
        off: nodes that have it no more.
    """

    before: frozenset[Pair]
    on: Sequence[str] = ()
    off: Sequence[str] = ()

    def missing(self, up: frozenset[Pair]) -> tuple[Pair, ...]:
        """The links that are not up and should be, in order."""
        kept = {pair for pair in self.before if not set(pair) & set(self.off)}
        new = {(one, other) for one in self.on for other in self.on if one != other}
        return tuple(sorted((kept | new) - up))


def acts_on(told: KubeSpanConfig | None, wanted: KubeSpanConfig | None) -> bool:
    """Whether what a node says of its settings is what its configuration says."""
    if told is None or wanted is None:
        return told is wanted
    names = ("enabled", "mtu", "force_routing", "advertise_kubernetes_networks", "endpoint_filters", "harvest_extra_endpoints")
    return all(getattr(told, name) == getattr(wanted, name) for name in names)


def dangers(
    old: Mapping[str, MachineConfig], new: Mapping[str, MachineConfig], views: Mapping[str, NodeView], *, with_discovery: bool = False
) -> Iterator[str]:
    """Why a change of KubeSpan should not be made, a line each.

    Args:
        old: node → its configuration now.
        new: node → what it is to get.
        views: node → what it holds; of some or all of them.
        with_discovery: discovery may be switched on.

    Source: Talos guide, KubeSpan (enabling, configuration).
    """
    settings = {node: Settings.of(config) for node, config in new.items()}
    on = [node for node, found in settings.items() if found.kubespan.enabled]
    silent = [] if with_discovery else [node for node in on if not Settings.of(old[node]).discovery.enabled]
    if silent:
        yield f"discovery is off on {_names(silent)}, and nodes find each other's keys through it only; --with-discovery switches it on"
    yield from _clusters({node: settings[node] for node in on})
    advertising = [node for node in on if settings[node].kubespan.advertise_kubernetes_networks]
    if advertising:
        yield from _advertised(advertising, settings, views)


def _clusters(settings: Mapping[str, Settings]) -> Iterator[str]:
    """Nodes of other clusters than most: they would never find the rest."""
    by_cluster: dict[tuple[str, str], list[str]] = {}
    for node, found in settings.items():
        by_cluster.setdefault((found.cluster_id, found.cluster_secret), []).append(node)
    if len(by_cluster) > 1:
        odd = min(by_cluster.values(), key=len)
        yield f"{_names(odd)} has another cluster id or secret than the others, so that they never find each other"


def _advertised(nodes: Sequence[str], settings: Mapping[str, Settings], views: Mapping[str, NodeView]) -> Iterator[str]:
    foreign = [node for node in nodes if _own_ipam(settings[node], views.get(node))]
    if foreign:
        yield f"advertiseKubernetesNetworks is on with Cilium or Calico on {_names(foreign)}, whose pod addresses KubeSpan does not see"
    subnets = {text for found in settings.values() for text in (*found.network.pod_subnets, *found.network.service_subnets)}
    networks = [ipaddress.ip_network(text, strict=False) for text in sorted(subnets)]
    for node, view in views.items():
        for prefix in view.addresses.get(host.ROUTED_WITHOUT_KUBERNETES, ()):
            for network in networks:
                if prefix.address in network:
                    yield f"{node} has the address {prefix.address} inside of {network}, whose pods or services would be sent for there"
    yield from _overlaps([(node, prefix) for node, view in views.items() for prefix in view.pods])


def _overlaps(pods: Sequence[tuple[str, IPPrefix]]) -> Iterator[str]:
    """Pod networks of several nodes that have addresses in common."""
    found = [(node, prefix, prefix_range(prefix)) for node, prefix in pods if prefix.length is not None]
    for index, (node, network, (first, last)) in enumerate(found):
        for other, theirs, (start, end) in found[index + 1 :]:
            same = network.address.version == theirs.address.version
            if node != other and same and first <= end and start <= last:
                yield f"the pod networks of {node} and {other} overlap ({network}, {theirs}), so that one of them gets what is for both"


def _own_ipam(settings: Settings, view: NodeView | None) -> bool:
    """Whether a CNI hands out pod addresses by itself."""
    if view is not None and view.cni is not None:
        return view.cni.lower() in _OWN_IPAM
    told = " ".join((*settings.cni.urls, *settings.extra_manifests, *(manifest.name for manifest in settings.inline_manifests))).lower()
    return any(name in told for name in _OWN_IPAM)


def _names(nodes: Sequence[str]) -> str:
    return ", ".join(nodes)
