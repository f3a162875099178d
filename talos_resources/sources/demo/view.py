"""What each node of the demo holds, made from the plain values of `data` and `simulated`.

It is what the nodes of `talos_resources.simulate.guide` hold, as far as there are classes for it; making
it from plain values takes a hundredth of the time. A test compares the two.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from immutabledict import immutabledict

from talos_resources.model.metadata import NO_LABELS
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
    KubeSpanPeerSpec,
    KubeSpanPeerStatus,
    MachineType,
    Member,
    Namespace,
    PeerState,
    ServiceEndpoint,
)
from talos_resources.sources.demo import data
from talos_resources.sources.demo.data import NODES, Node, Sighting, identity_of
from talos_resources.sources.demo.simulated import BOOTED, SIGHTINGS
from talos_resources.sources.demo.stored import stored

PRIVATE_KEY_NOTE = immutabledict({"talos-resources/demo": "the guide does not tell this node's private key"})

_OBSERVED = Timestamp.parse(data.OBSERVED)


def resources_of(index: int) -> Iterator[Resource[Any]]:
    """What a node holds of KubeSpan and discovery; the rest is made by `state` when somebody asks for it.

    Args:
        index: of the node in `data.NODES`.
    """
    booted = Timestamp.parse(BOOTED[index])
    yield from _namespaces(booted)
    yield from _own(NODES[index], booted)
    yield from _known(NODES[index], booted, owner="cluster.LocalAffiliateController")
    for sighting in SIGHTINGS:
        if sighting.ends[0] == index:
            yield from _peer(NODES[sighting.ends[1]], sighting)


def _namespaces(booted: Timestamp) -> Iterator[Resource[Any]]:
    for name, description in data.NAMESPACES.items():
        yield stored(Namespace(description=description), name, created=booted)


def _own(node: Node, booted: Timestamp) -> Iterator[Resource[Any]]:
    """The node's own identity and configuration."""
    yield stored(
        identity_of(node),
        "local",
        created=booted,
        owner="kubespan.IdentityController",
        annotations=NO_LABELS if node.private_key else PRIVATE_KEY_NOTE,
    )
    yield stored(
        KubeSpanConfig(
            enabled=True,
            cluster_id=data.CLUSTER_ID,
            shared_secret=data.CLUSTER_SECRET,
            force_routing=True,
            mtu=1420,
            endpoint_filters=data.ENDPOINT_FILTERS,
            harvest_extra_endpoints=True,
        ),
        "kubespan",
        created=booted,
        owner="kubespan.ConfigController",
    )
    yield stored(
        DiscoveryConfig(
            registry_service_enabled=True,
            service_endpoint=data.DISCOVERY_ENDPOINT,
            service_endpoints=(ServiceEndpoint(name="default", endpoint=data.DISCOVERY_ENDPOINT),),
            service_encryption_key=data.CLUSTER_SECRET_BYTES,
            service_cluster_id=data.CLUSTER_ID,
        ),
        "cluster",
        created=booted,
        owner="cluster.ConfigController",
    )
    yield stored(ClusterIdentity(node_id=node.node_id), "local", created=booted, owner="cluster.NodeIdentityController")
    info = ClusterInfo(cluster_id=data.CLUSTER_ID, cluster_name=data.CLUSTER_NAME)
    yield stored(info, "current", created=booted, owner="cluster.InfoController")


def _known(node: Node, found: Timestamp, *, owner: str) -> Iterator[Resource[Any]]:
    """A machine as discovery describes it: affiliate and member."""
    addresses = (parse_address(node.address),)
    mesh = parse_address(node.mesh_address)
    endpoints = (AddrPort(addresses[0], data.MESH_PORT),)
    machine_type = MachineType.CONTROL_PLANE if node.control_plane else MachineType.WORKER
    control_plane = ControlPlane(port=data.API_PORT) if node.control_plane else None
    yield stored(
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
        created=found,
        owner=owner,
    )
    yield stored(
        Member(
            node_id=node.node_id,
            addresses=addresses,
            hostname=node.name,
            machine_type=machine_type,
            operating_system=data.OPERATING_SYSTEM,
            control_plane=control_plane,
        ),
        node.name,
        created=found,
        owner="cluster.MemberController",
    )


def _peer(node: Node, sighting: Sighting) -> Iterator[Resource[Any]]:
    """Another machine: as discovery describes it, the peer, its status, and where it was reached."""
    found = Timestamp.parse(sighting.found)
    yield from _known(node, found, owner="cluster.AffiliateMergeController")
    address, mesh = parse_address(node.address), parse_address(node.mesh_address)
    endpoint = AddrPort(address, data.MESH_PORT)
    allowed = (IPPrefix(address, 32), IPPrefix(mesh, 128))
    yield stored(
        KubeSpanPeerSpec(address=mesh, allowed_ips=allowed, endpoints=(endpoint,), label=node.name),
        node.public_key,
        created=found,
        owner="kubespan.PeerSpecController",
        version=data.PEER_SPEC_VERSION,
    )
    yield stored(
        KubeSpanPeerStatus(
            endpoint=endpoint,
            label=node.name,
            state=PeerState.UP,
            receive_bytes=sighting.received,
            transmit_bytes=sighting.sent,
            last_handshake_time=Timestamp.parse(sighting.handshake),
            last_used_endpoint=endpoint,
            last_endpoint_change=Timestamp.parse(sighting.aimed),
        ),
        node.public_key,
        created=found,
        owner="kubespan.ManagerController",
        version=sighting.version,
        updated=_OBSERVED,
    )
    yield stored(
        KubeSpanEndpoint(affiliate_id=node.node_id, endpoint=endpoint),
        node.public_key,
        created=Timestamp.parse(sighting.reached),
        owner="kubespan.EndpointController",
    )
