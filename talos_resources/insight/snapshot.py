"""What some nodes hold at one moment, gathered for questions that no single node can answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final

import attrs

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

NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


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
        raw_affiliates: the same, one per registry.
        members: those with a node name.
        endpoints: where it reached its peers, if it shares that.
        config: its KubeSpan settings, without the secret.
        discovery: its discovery settings, without the key.
        addresses: `NodeAddresses`, id → prefixes.
        chains: `NfTablesChains` of KubeSpan, id → the destinations it sends into the mesh.
        links: MTU by name of each link that is up and carries the mesh: physical links, bonds, VLANs.
        tunnel_mtu: that of the kubespan link; None if unknown.
        cni: the name of the CNI, where something shows it.
        unreadable: type → why it could not be read.
    """

    node: str
    public_key: str | None = None
    node_id: str | None = None
    nodename: str | None = None
    statuses: Sequence[Resource[KubeSpanPeerStatus]] = ()
    specs: Sequence[Resource[KubeSpanPeerSpec]] = ()
    affiliates: Sequence[Resource[Affiliate]] = ()
    raw_affiliates: Sequence[Resource[Affiliate]] = ()
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

    @cached_property
    def as_of(self) -> Timestamp:
        """When this was so, by the node's own clock: its manager writes statuses every 30 s.

        `Timestamp.ZERO` if it has none.
        """
        return max((max(status.metadata.updated, status.metadata.created) for status in self.statuses), default=Timestamp.ZERO)


@attrs.frozen(kw_only=True)
class Snapshot:
    """Some nodes at one moment.

    Attributes:
        views: of the nodes that answered, in the order in which they were asked.
        errors: of those that did not: name → why, in one line.
        configs: machine configurations that were given beside them, as (name, loaded configuration).
    """

    views: tuple[NodeView, ...]
    errors: Mapping[str, str] = NOTHING
    configs: tuple[tuple[str, Any], ...] = ()
