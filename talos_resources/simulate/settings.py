"""What a simulated node is given: its settings, its identity, and what all nodes share."""

from __future__ import annotations

import re
from typing import Final

import attrs

from talos_resources.kubespan.constants import DEFAULT_MTU
from talos_resources.kubespan.manager_controller import PeerConfigs
from talos_resources.kubespan.members import MemberMemo, member_of
from talos_resources.kubespan.memo import Memo
from talos_resources.kubespan.peer_specs import PeerMemo, peer_memo
from talos_resources.model.net import AddrPort, IPAddress, IPPrefix
from talos_resources.releases import NEWEST
from talos_resources.resources import KubeSpanIdentity
from talos_resources.runtime.scheduler import VirtualTime
from talos_resources.simulate.device import Air
from talos_resources.simulate.discovery import DiscoveryService
from talos_resources.simulate.witness import Witness

OPERATING_SYSTEM: Final = "Talos (v1.14.0)"
SERVICE: Final = "discovery.talos.dev:443"
_VERSION: Final = re.compile(r"v[0-9][0-9A-Za-z.+-]*")


@attrs.frozen(kw_only=True)
class NodeSettings:
    """What a node is like.

    Attributes:
        name: host name and Kubernetes node name.
        control_plane: else a worker.
        pods: its pod network, if it has one.
        advertise_pods: whether it announces that network to the mesh.
        mtu: of the KubeSpan link, in bytes.
        endpoint_filters: as in the machine configuration; None for none.
        extra_endpoints: announced beside its own.
        public_address: at which the discovery service sees it, if that is not its own.
        harvest: whether it shares the endpoints at which it sees others.
        force_routing: whether peers that are down stay routed through the mesh.
        discovery: whether it takes part in discovery.
        kubespan: whether KubeSpan is on.
        excluded: networks that it never announces; None for none.
        skew_s: by how much its clock is ahead of the true time, in seconds.
        operating_system: its name and version, as the node announces them.
        secret: instead of the cluster's, base64: it cannot read what others announce, nor they what it does.
        cluster_id: instead of the cluster's.
        service: the endpoint of its discovery service; services do not tell one another.
    """

    name: str
    control_plane: bool = False
    pods: IPPrefix | None = None
    advertise_pods: bool = False
    mtu: int = DEFAULT_MTU
    endpoint_filters: tuple[str, ...] | None = None
    extra_endpoints: tuple[AddrPort, ...] = ()
    public_address: IPAddress | None = None
    harvest: bool = False
    force_routing: bool = True
    discovery: bool = True
    kubespan: bool = True
    excluded: tuple[IPPrefix, ...] | None = None
    skew_s: float = 0.0
    operating_system: str = OPERATING_SYSTEM
    secret: str | None = attrs.field(default=None, repr=False)
    cluster_id: str | None = None
    service: str = SERVICE

    @property
    def version(self) -> str:
        """The release of Talos in its operating system, `v1.14.0`, by whose rules it acts; the newest if it names none."""
        found = _VERSION.search(self.operating_system)
        return NEWEST.version if found is None else found[0]


@attrs.frozen(kw_only=True)
class ClusterSecrets:
    """By what the nodes of a cluster know each other.

    Attributes:
        cluster_id: of the cluster.
        cluster_name: of the cluster.
        secret: of the cluster, base64.
    """

    cluster_id: str
    cluster_name: str
    secret: str = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class Origin:
    """Who a node is, where that is not made up.

    Attributes:
        node_id: in discovery.
        hardware_address: of its first interface.
        identity: its key pair, and its address if that does not follow from cluster and hardware.
    """

    node_id: str
    hardware_address: str
    identity: KubeSpanIdentity


@attrs.frozen(kw_only=True)
class Shared:
    """What the nodes of a simulated cluster have in common.

    Attributes:
        cluster_id: of the cluster.
        cluster_name: of the cluster.
        secret: of the cluster, base64.
        clock: the true time.
        air: between the WireGuard devices.
        service: the discovery service.
        peers: what follows from affiliates, worked out once for all nodes.
        members: likewise.
        configs: configurations of peers, made once for all nodes.
        witness: makes the States of the nodes.
    """

    cluster_id: str
    cluster_name: str
    secret: str = attrs.field(repr=False)
    clock: VirtualTime
    air: Air
    service: DiscoveryService
    witness: Witness
    peers: PeerMemo = attrs.field(factory=peer_memo)
    members: MemberMemo = attrs.field(factory=lambda: Memo(member_of))
    configs: PeerConfigs = attrs.field(factory=PeerConfigs)


@attrs.define
class Disk:
    """What a node finds when it boots.

    Attributes:
        text: the machine configuration that it will take up.
        done: the one whose settings the node has already.
    """

    text: str = attrs.field(repr=False)
    done: str = attrs.field(repr=False)
