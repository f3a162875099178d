"""The machines of the demo: what lies below KubeSpan fits itself, the guide, and what the doctor knows."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any

import attrs
import pytest

from talos_resources.codec.text import resource_from_json, resource_from_yaml, resource_to_json, resource_to_yaml
from talos_resources.codec.wire import resource_from_wire, resource_to_wire
from talos_resources.discovery.server.record import DiscoveryRecord
from talos_resources.model.kind import kind_of, typed_kind
from talos_resources.model.net import IPPrefix
from talos_resources.resources import (
    AddressStatus,
    DiscoveredVolume,
    Disk,
    Endpoint,
    EtcdMember,
    HardwareAddress,
    HostnameStatus,
    KubePrismEndpoint,
    KubeSpanConfig,
    KubeSpanIdentity,
    KubeSpanPeerSpec,
    LinkStatus,
    MachineStatus,
    MachineTypeConfig,
    Member,
    Namespace,
    NfTablesChain,
    NodeAddress,
    Nodename,
    NodeStatus,
    ResourceDefinition,
    RouteStatus,
    RuntimeMountStatus,
    Service,
    StaticPod,
    StaticPodStatus,
    TimeStatus,
    Version,
    VolumeStatus,
)
from talos_resources.sources import Cluster, open_source
from talos_resources.sources.demo.state import MAKERS
from talos_resources.state.contract import State


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with open_source("demo") as opened:
        yield opened


@pytest.fixture(params=range(5))
def state(cluster: Cluster, request: pytest.FixtureRequest) -> State:
    return cluster.state(cluster.nodes[request.param])


@pytest.fixture
def own(state: State, cluster: Cluster) -> Member:
    """The member that the node is."""
    name = state.get(HostnameStatus, "hostname").spec.hostname
    return state.get(Member, name).spec


def specs(state: State, kind: type[Any]) -> dict[str, Any]:
    return {resource.id: resource.spec for resource in state.list(kind)}


@pytest.mark.parametrize("full", MAKERS)
def test_every_type_is_held_and_goes_through_every_codec(cluster: Cluster, full: str) -> None:
    kind = typed_kind(full)
    assert kind is not None
    found = [resource for node in cluster.nodes for resource in cluster.state(node).list(kind)]
    assert found
    namespaces = {resource.id for resource in cluster.state(cluster.nodes[0]).list(Namespace)}
    for resource in found:
        assert resource.type == full
        assert resource.namespace in namespaces
        assert resource.metadata.owner or resource.namespace == "meta"
        assert resource_from_wire(resource_to_wire(resource)) == resource
        assert resource_to_yaml(resource_from_yaml(resource_to_yaml(resource))) == resource_to_yaml(resource)
        assert resource_to_json(resource_from_json(resource_to_json(resource))) == resource_to_json(resource)


def test_a_node_is_who_the_others_say(state: State, own: Member) -> None:
    [address] = own.addresses
    assert address in {prefix.address for prefix in state.get(NodeAddress, "routed-no-k8s").spec.addresses if prefix is not None}
    assert state.get(Nodename, "nodename").spec.nodename == own.hostname
    assert state.get(MachineTypeConfig, "machine-type").spec.machine_type is own.machine_type
    assert f"({state.get(Version, 'version').spec.version})" in own.operating_system
    assert state.get(NodeStatus, own.hostname).spec.labels["kubernetes.io/hostname"] == own.hostname


def test_addresses_are_those_of_the_links(state: State) -> None:
    links, addresses = specs(state, LinkStatus), specs(state, AddressStatus)
    for id_, address in addresses.items():
        assert id_ == f"{address.link_name}/{address.address}"
        assert address.link_index == links[address.link_name].index
    usual = {address.address for address in addresses.values() if address.scope == "global"}
    identity = state.get(KubeSpanIdentity, "local").spec
    assert identity.address is not None
    ours = {IPPrefix(address.address, 128) if address == _of_mesh(identity) else address for address in usual}
    assert set(state.get(NodeAddress, "current").spec.addresses) == ours
    local = next(address.address.address for address in addresses.values() if address.scope == "link")
    assert int(local) & ((1 << 64) - 1) == int(identity.address.address) & ((1 << 64) - 1)


def _of_mesh(identity: KubeSpanIdentity) -> IPPrefix:
    assert identity.address is not None
    assert identity.subnet is not None
    return IPPrefix(identity.address.address, identity.subnet.length)


def test_the_link_of_the_mesh_is_kubespans(state: State) -> None:
    link, identity = state.get(LinkStatus, "kubespan").spec, state.get(KubeSpanIdentity, "local").spec
    assert link.mtu == state.get(KubeSpanConfig, "kubespan").spec.mtu
    assert link.wireguard.public_key == identity.public_key
    assert link.wireguard.private_key == ""
    peers = specs(state, KubeSpanPeerSpec)
    assert {peer.public_key: (peer.endpoint, peer.allowed_ips) for peer in link.wireguard.peers} == {
        key: (str(peer.endpoints[0]), peer.allowed_ips) for key, peer in peers.items()
    }
    hardware = state.get(HardwareAddress, "first").spec
    assert hardware.hardware_addr == state.get(LinkStatus, hardware.name).spec.hardware_addr
    hosts = {prefix.address for peer in peers.values() for prefix in peer.allowed_ips}
    for chain in specs(state, NfTablesChain).values():
        matched = [ipaddress.ip_network(str(network)) for network in chain.rules[-1].match_destination_address.include_subnets]
        # The addresses of the mesh itself are the link's own network and need no mark.
        assert {host for network in matched for host in network} == {host for host in hosts if host.version == 4}


def test_routes_lead_where_the_links_are(state: State) -> None:
    links, addresses = specs(state, LinkStatus), {address.address.address for address in specs(state, AddressStatus).values()}
    for route in specs(state, RouteStatus).values():
        assert route.out_link_index == links[route.out_link_name].index
        assert route.src is None or route.src in addresses
        assert route.gateway is None or any(
            route.gateway in ipaddress.ip_network(str(other.dst)) for other in specs(state, RouteStatus).values() if other.dst is not None
        )
    assert {str(route.family) for route in specs(state, RouteStatus).values() if str(route.table) == "180"} == {"inet4", "inet6"}


def test_the_disk_holds_its_partitions(state: State) -> None:
    [disk] = specs(state, Disk).values()
    found = specs(state, DiscoveredVolume)
    parts = [volume for volume in found.values() if volume.type == "partition"]
    assert found["vda"].size == disk.size
    end = 0
    for part in sorted(parts, key=lambda part: part.partition_index):
        assert part.offset >= end
        assert part.parent_dev_path == disk.dev_path
        end = part.offset + part.size
    assert end < disk.size
    volumes = specs(state, VolumeStatus)
    assert {(volume.location, volume.size, volume.partition_uuid) for volume in volumes.values()} == {
        (part.dev_path, part.size, part.partition_uuid) for part in parts
    }
    for name, mount in specs(state, RuntimeMountStatus).items():
        assert (mount.source, mount.filesystem_type) == (volumes[name].location, volumes[name].filesystem)


def test_control_planes_run_what_they_must(cluster: Cluster, state: State, own: Member) -> None:
    is_control_plane = own.control_plane is not None
    services = specs(state, Service)
    assert all(service.running and (service.healthy or service.health_unknown) for service in services.values())
    assert ({"etcd", "trustd"} <= services.keys()) is is_control_plane
    assert bool(state.list(EtcdMember)) is bool(state.list(StaticPod)) is is_control_plane
    assert {pod.id.removesuffix(f"-{own.hostname}") for pod in state.list(StaticPodStatus)} == {
        f"kube-system/{pod.id}" for pod in state.list(StaticPod)
    }
    planes = [member.spec.addresses[0] for member in state.list(Member) if member.spec.control_plane is not None]
    assert list(state.get(Endpoint, "discovery").spec.addresses) == planes
    assert [entry.host for entry in state.get(KubePrismEndpoint, "k8s-endpoints").spec.endpoints if entry.host != "localhost"] == list(
        map(str, planes)
    )
    members = [member.spec.member_id for node in cluster.nodes for member in cluster.state(node).list(EtcdMember)]
    assert len(set(members)) == len(planes) == 3


def test_every_node_is_well(cluster: Cluster, state: State) -> None:
    assert state.get(MachineStatus, "machine").spec.status.ready
    assert state.get(TimeStatus, "node").spec.synced
    diagnosis = cluster.doctor()
    assert (diagnosis.findings, diagnosis.blind) == ((), ())


def test_a_node_does_not_define_what_is_only_loaded(state: State) -> None:
    assert kind_of(DiscoveryRecord).type not in {found.spec.resource_type for found in state.list(ResourceDefinition)}


def test_nothing_is_made_that_nobody_asks_for() -> None:
    from talos_resources.sources.demo.state import DemoState

    state = DemoState(0)
    held = set(state._namespaces)
    assert "network" not in held
    assert state.kind("links") == kind_of(LinkStatus)
    with state.watch_kind(LinkStatus) as events:
        assert next(iter(events)).resource.id == "eth0"  # type: ignore[union-attr]
    assert set(state._namespaces) == {*held, "network"}
    state.update(attrs.evolve(state.get(LinkStatus, "eth0"), spec=LinkStatus(mtu=9000)))
    assert state.get(LinkStatus, "eth0").spec.mtu == 9000
    assert {type_ for _, type_ in state.held_kinds()} >= set(MAKERS)
    assert state.get(LinkStatus, "eth0").spec.mtu == 9000
