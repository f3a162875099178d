"""What each node of the demo holds, made from the plain values of `data`.

Every node sees the whole cluster from its own side; two nodes tell the same about their link.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

from immutabledict import immutabledict

from talos_resources.model.kind import kind_of, typed_kinds
from talos_resources.model.metadata import NO_LABELS, Labels, Metadata
from talos_resources.model.net import AddrPort, IPPrefix, parse_address
from talos_resources.model.resource import Resource
from talos_resources.model.timestamp import Timestamp
from talos_resources.resources import (
    Affiliate,
    ClusterIdentity,
    ClusterInfo,
    ControlPlane,
    DiscoveryConfig,
    KubeSpanAffiliate,
    KubeSpanConfig,
    KubeSpanEndpoint,
    KubeSpanIdentity,
    KubeSpanPeerSpec,
    KubeSpanPeerStatus,
    MachineType,
    Member,
    Namespace,
    PeerState,
)
from talos_resources.resources.meta.definition import definition_of
from talos_resources.sources.demo import data
from talos_resources.sources.demo.data import LINKS, NODES, Link, Node

S = TypeVar("S")

PRIVATE_KEY_NOTE = immutabledict({"talos-resources/demo": "the guide does not tell this node's private key"})

_BOOTED = Timestamp.parse(data.BOOTED)
_JOINED = Timestamp.parse(data.JOINED)
_OBSERVED = Timestamp.parse(data.OBSERVED)


def resources_of(index: int) -> Iterator[Resource[Any]]:
    """Everything that a node holds.

    Args:
        index: of the node in `data.NODES`.
    """
    yield from _meta()
    yield from _own(NODES[index])
    for node in NODES:
        yield from _known(node, itself=node is NODES[index])
    for link in LINKS:
        if index in link.ends:
            yield from _peer(link, here=link.ends.index(index))


def _meta() -> Iterator[Resource[Any]]:
    for name, description in data.NAMESPACES.items():
        yield _stored(Namespace(description=description), name, created=_BOOTED)
    for kind in typed_kinds():
        yield _stored(definition_of(kind), kind.id, created=_BOOTED)


def _own(node: Node) -> Iterator[Resource[Any]]:
    """The node's own identity and configuration."""
    yield _stored(
        KubeSpanIdentity(
            address=IPPrefix(parse_address(node.mesh_address), 128),
            subnet=IPPrefix.parse(data.MESH_SUBNET),
            private_key=node.private_key,
            public_key=node.public_key,
        ),
        "local",
        owner="kubespan.IdentityController",
        annotations=NO_LABELS if node.private_key else PRIVATE_KEY_NOTE,
    )
    yield _stored(
        KubeSpanConfig(
            enabled=True,
            cluster_id=data.CLUSTER_ID,
            shared_secret=data.CLUSTER_SECRET,
            force_routing=True,
            mtu=1420,
            endpoint_filters=("0.0.0.0/0", "::/0"),
            harvest_extra_endpoints=True,
        ),
        "kubespan",
        owner="kubespan.ConfigController",
    )
    yield _stored(
        DiscoveryConfig(
            discovery_enabled=True,
            registry_service_enabled=True,
            service_endpoint=data.DISCOVERY_ENDPOINT,
            service_encryption_key=data.CLUSTER_SECRET_BYTES,
            service_cluster_id=data.CLUSTER_ID,
        ),
        "cluster",
        owner="cluster.ConfigController",
    )
    yield _stored(ClusterIdentity(node_id=node.node_id), "local", owner="cluster.NodeIdentityController")
    yield _stored(ClusterInfo(cluster_id=data.CLUSTER_ID, cluster_name=data.CLUSTER_NAME), "current", owner="cluster.InfoController")


def _known(node: Node, *, itself: bool) -> Iterator[Resource[Any]]:
    """A machine as discovery describes it: affiliate, member, and the peer unless it is the node itself."""
    addresses = (parse_address(node.address),)
    mesh = parse_address(node.mesh_address)
    endpoints = (AddrPort(addresses[0], data.MESH_PORT),)
    machine_type = MachineType.CONTROL_PLANE if node.control_plane else MachineType.WORKER
    control_plane = ControlPlane(port=data.API_PORT) if node.control_plane else None
    yield _stored(
        Affiliate(
            node_id=node.node_id,
            addresses=addresses,
            hostname=node.name,
            nodename=node.name,
            operating_system=data.OPERATING_SYSTEM,
            machine_type=machine_type,
            kubespan=KubeSpanAffiliate(public_key=node.public_key, address=mesh, endpoints=endpoints),
            control_plane=control_plane,
        ),
        node.node_id,
        owner="cluster.LocalAffiliateController" if itself else "cluster.AffiliateMergeController",
        version=4,
        created=_JOINED,
    )
    yield _stored(
        Member(
            node_id=node.node_id,
            addresses=addresses,
            hostname=node.name,
            machine_type=machine_type,
            operating_system=data.OPERATING_SYSTEM,
            control_plane=control_plane,
        ),
        node.name,
        owner="cluster.MemberController",
        created=_JOINED,
    )
    if not itself:
        allowed = (IPPrefix(addresses[0], 32), IPPrefix(mesh, 128))
        yield _stored(
            KubeSpanPeerSpec(address=mesh, allowed_ips=allowed, endpoints=endpoints, label=node.name),
            node.public_key,
            owner="kubespan.PeerSpecController",
            version=2,
            created=_JOINED,
        )


def _peer(link: Link, *, here: int) -> Iterator[Resource[Any]]:
    """A link as the end `here` (0 or 1) sees it: the status, and where the peer was reached."""
    peer = NODES[link.ends[1 - here]]
    endpoint = AddrPort(parse_address(peer.address), data.MESH_PORT)
    sent, received = (link.forth, link.back) if here == 0 else (link.back, link.forth)
    yield _stored(
        KubeSpanPeerStatus(
            endpoint=endpoint,
            label=peer.name,
            state=PeerState.UP,
            receive_bytes=received,
            transmit_bytes=sent,
            last_handshake_time=Timestamp.parse(link.handshake),
            last_used_endpoint=endpoint,
            last_endpoint_change=_JOINED,
        ),
        peer.public_key,
        owner="kubespan.ManagerController",
        version=link.versions[here],
        created=_JOINED,
        updated=_OBSERVED,
    )
    yield _stored(
        KubeSpanEndpoint(affiliate_id=peer.node_id, endpoint=endpoint),
        peer.public_key,
        owner="kubespan.EndpointController",
        created=_JOINED,
    )


def _stored(
    spec: S,
    id: str,
    *,
    owner: str = "",
    version: int = 1,
    created: Timestamp = _BOOTED,
    updated: Timestamp | None = None,
    annotations: Labels = NO_LABELS,
) -> Resource[S]:
    """A resource as a store holds it."""
    kind = kind_of(type(spec))
    return Resource(
        Metadata(
            namespace=kind.namespace,
            type=kind.type,
            id=id,
            version=version,
            owner=owner,
            annotations=annotations,
            created=created,
            updated=created if updated is None else updated,
        ),
        spec,
    )
