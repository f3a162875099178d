"""What a demo machine knows of its cluster and of the machines in it; see `kubespan`."""

from __future__ import annotations

from collections.abc import Iterator

from talos_resources import resources
from talos_resources.model.net import parse_address
from talos_resources.model.timestamp import Timestamp
from talos_resources.sources.demo import data
from talos_resources.sources.demo.machine import Machine
from talos_resources.sources.demo.stored import Made, stored


def config(machine: Machine) -> Made:
    """How discovery is set up."""
    spec = resources.DiscoveryConfig(
        registry_service_enabled=True,
        service_endpoint=data.DISCOVERY_ENDPOINT,
        service_endpoints=(resources.ServiceEndpoint(name="default", endpoint=data.DISCOVERY_ENDPOINT),),
        service_encryption_key=data.CLUSTER_SECRET_BYTES,
        service_cluster_id=data.CLUSTER_ID,
    )
    yield stored(spec, "cluster", created=machine.booted, owner="cluster.ConfigController")


def identity(machine: Machine) -> Made:
    """Who it is in the cluster."""
    spec = resources.ClusterIdentity(node_id=machine.node.node_id)
    yield stored(spec, "local", created=machine.booted, owner="cluster.NodeIdentityController")


def info(machine: Machine) -> Made:
    """Which cluster it is."""
    spec = resources.ClusterInfo(cluster_id=data.CLUSTER_ID, cluster_name=data.CLUSTER_NAME)
    yield stored(spec, "current", created=machine.booted, owner="cluster.InfoController")


def affiliates(machine: Machine) -> Made:
    """All machines, as discovery describes them."""
    for node, found in _known(machine):
        address = parse_address(node.address)
        mesh = resources.KubeSpanAffiliate(
            public_key=node.public_key, address=parse_address(node.mesh_address), endpoints=(data.endpoint_of(node),)
        )
        affiliate = resources.Affiliate(
            node_id=node.node_id,
            addresses=(address,),
            hostname=node.name,
            nodename=node.name,
            operating_system=data.OPERATING_SYSTEM,
            machine_type=_machine_type(node),
            kubespan=mesh,
            control_plane=_control_plane(node),
        )
        owner = "LocalAffiliateController" if node is machine.node else "AffiliateMergeController"
        yield stored(affiliate, node.node_id, created=found, owner=f"cluster.{owner}")


def members(machine: Machine) -> Made:
    """All machines, as members of the cluster."""
    for node, found in _known(machine):
        member = resources.Member(
            node_id=node.node_id,
            addresses=(parse_address(node.address),),
            hostname=node.name,
            machine_type=_machine_type(node),
            operating_system=data.OPERATING_SYSTEM,
            control_plane=_control_plane(node),
        )
        yield stored(member, node.name, created=found, owner="cluster.MemberController")


def _known(machine: Machine) -> Iterator[tuple[data.Node, Timestamp]]:
    """The machine itself and the others, with when it heard of them."""
    yield machine.node, machine.booted
    for node, sighting in machine.sightings:
        yield node, Timestamp.parse(sighting.found)


def _machine_type(node: data.Node) -> resources.MachineType:
    return resources.MachineType.CONTROL_PLANE if node.control_plane else resources.MachineType.WORKER


def _control_plane(node: data.Node) -> resources.ControlPlane | None:
    return resources.ControlPlane(port=data.API_PORT) if node.control_plane else None
