"""What some nodes hold at one moment, gathered for questions that no single node can answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import attrs

from talos_resources.insight.past import Past
from talos_resources.model.net import IPPrefix
from talos_resources.model.resource import Resource
from talos_resources.model.timestamp import Timestamp
from talos_resources.resources import (
    Affiliate,
    DiscoveryConfig,
    KubeSpanConfig,
    KubeSpanEndpoint,
    KubeSpanPeerSpec,
    KubeSpanPeerStatus,
    Member,
)

REDACTED_REASON: Final = "it is redacted"
"""Why `NodeView.unreadable` has what a bundle names but does not show."""


class Hidden(NamedTuple):
    """Addresses that somebody has replaced by what is none, such as `49.13.x.x`.

    Attributes:
        has_endpoints: there are endpoints among them.
        port: of the endpoint of a peer's status, if it still shows.
    """

    has_endpoints: bool
    port: int | None = None


NOTHING: Final[Mapping[str, str]] = MappingProxyType({})
NOT_HIDDEN: Final[Mapping[str, Hidden]] = MappingProxyType({})


@attrs.frozen(kw_only=True, slots=False)
class NodeView:
    """What one node holds.

    Attributes:
        node: the name under which it was asked.
        public_key: its WireGuard key, where it let its KubeSpan identity be read; None otherwise.
        node_id: its own id in discovery; None if it does not say.
        nodename: its Kubernetes node name; None if it does not say.
        statuses: its peers as WireGuard sees them.
        specs: its peers as discovery describes them.
        affiliates: whom it knows through discovery, itself included.
        members: those with a node name.
        endpoints: where it reached its peers, if it shares that.
        config: its KubeSpan settings, without the secret.
        discovery: its discovery settings, without the key.
        addresses: `NodeAddresses`, id → prefixes.
        chains: `NfTablesChains` of KubeSpan, id → the destinations it sends into the mesh.
        links: MTU by name of each link that is up and carries the mesh: physical links, bonds, VLANs; of nodes that are
            containers, veth, macvlan and ipvlan that hold their addresses.
        tunnel_mtu: that of the kubespan link; None if unknown.
        cni: the name of the CNI, where something shows it.
        unreadable: type → why it could not be read.
        hidden: type/id of those that were read, but for addresses that somebody has hidden → what is known of these.
            What they lack is not missing.
        is_whole: settings or identity were read too, so that what is not here does not exist; else, as of
            a pasted list, what is not here is not known.
        secret: a salted hash of the cluster secret, to be compared within one run only; empty if unknown.
        cluster_id: as `Infos` say; empty if unknown.
        cluster_name: likewise.
        is_synced: whether its clock is synchronised; None if unknown.
        version: of its Talos, `v1.12.3`; empty if unknown.
        hardware: the MAC addresses of its links.
        devices: the names of all its links; None if links were not read.
        excluded: networks of pods and services, whose addresses are not announced.
        pods: the networks that Kubernetes gave to its pods, as `NodeStatuses` say from Talos 1.13 on.
        is_ready: whether Kubernetes calls it ready; None if unknown.
        is_cordoned: whether it is to get no new pods; None if unknown.
        services: endpoints of the discovery services that it uses; None if unknown.
        kernel: what of KubeSpan's routing the kernel lacks, in words; empty if it is complete or unknown.
        log: known lines of the controllers' log, the newest last.
    """

    node: str
    public_key: str | None = None
    node_id: str | None = None
    nodename: str | None = None
    statuses: Sequence[Resource[KubeSpanPeerStatus]] = ()
    specs: Sequence[Resource[KubeSpanPeerSpec]] = ()
    affiliates: Sequence[Resource[Affiliate]] = ()
    members: Sequence[Resource[Member]] = ()
    endpoints: Sequence[Resource[KubeSpanEndpoint]] = ()
    config: KubeSpanConfig | None = attrs.field(default=None, repr=False)
    discovery: DiscoveryConfig | None = attrs.field(default=None, repr=False)
    addresses: Mapping[str, tuple[IPPrefix, ...]] = attrs.field(factory=dict)
    chains: Mapping[str, tuple[IPPrefix, ...]] = attrs.field(factory=dict)
    links: Mapping[str, int] = attrs.field(factory=dict)
    tunnel_mtu: int | None = None
    cni: str | None = None
    unreadable: Mapping[str, str] = NOTHING
    hidden: Mapping[str, Hidden] = NOT_HIDDEN
    is_whole: bool = False
    secret: str = attrs.field(default="", repr=False)
    cluster_id: str = ""
    cluster_name: str = ""
    is_synced: bool | None = None
    version: str = ""
    hardware: tuple[str, ...] = ()
    devices: frozenset[str] | None = None
    excluded: tuple[IPPrefix, ...] = ()
    pods: tuple[IPPrefix, ...] = ()
    is_ready: bool | None = None
    is_cordoned: bool | None = None
    services: tuple[str, ...] | None = None
    kernel: tuple[str, ...] = ()
    log: tuple[str, ...] = ()

    @cached_property
    def as_of(self) -> Timestamp:
        """When this was so, by the node's own clock: its manager writes statuses every 30 s.

        `Timestamp.ZERO` if it has none.
        """
        return max((max(status.metadata.updated, status.metadata.created) for status in self.statuses), default=Timestamp.ZERO)

    @cached_property
    def status_of(self) -> Mapping[str, Resource[KubeSpanPeerStatus]]:
        """Public key of a peer → its status."""
        return {status.metadata.id: status for status in self.statuses}

    @cached_property
    def spec_of(self) -> Mapping[str, Resource[KubeSpanPeerSpec]]:
        """Public key of a peer → its spec."""
        return {spec.metadata.id: spec for spec in self.specs}

    @cached_property
    def affiliate_of(self) -> Mapping[str, Resource[Affiliate]]:
        """Node id → affiliate."""
        return {affiliate.metadata.id: affiliate for affiliate in self.affiliates}


@attrs.frozen(kw_only=True)
class Snapshot:
    """Some nodes at one moment.

    Attributes:
        views: of the nodes that answered, in the order in which they were asked.
        errors: of those that did not: name → why, in one line.
        configs: machine configurations that were given beside them, as (name, loaded configuration).
        past: what a recording tells of the time before; None without one.
    """

    views: tuple[NodeView, ...]
    errors: Mapping[str, str] = NOTHING
    configs: tuple[tuple[str, Any], ...] = ()
    past: Past | None = None
