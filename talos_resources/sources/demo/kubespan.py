"""What a demo machine knows of KubeSpan: what the nodes of `talos_resources.simulate.guide` hold, made from plain values.

That takes a hundredth of the simulation's time; a test compares the two. A class is loaded when its type is asked for.
"""

from __future__ import annotations

from typing import Final

from immutabledict import immutabledict

from talos_resources import resources
from talos_resources.model.metadata import NO_LABELS
from talos_resources.model.net import IPPrefix, parse_address
from talos_resources.model.timestamp import Timestamp
from talos_resources.sources.demo import data
from talos_resources.sources.demo.machine import MESH_MTU, Machine
from talos_resources.sources.demo.stored import Made, stored

PRIVATE_KEY_NOTE: Final = immutabledict({"talos-resources/demo": "the guide does not tell this node's private key"})


def config(machine: Machine) -> Made:
    """How KubeSpan is set up."""
    spec = resources.KubeSpanConfig(
        enabled=True,
        cluster_id=data.CLUSTER_ID,
        shared_secret=data.CLUSTER_SECRET,
        force_routing=True,
        mtu=MESH_MTU,
        endpoint_filters=data.ENDPOINT_FILTERS,
        harvest_extra_endpoints=True,
    )
    yield stored(spec, "kubespan", created=machine.booted, owner="kubespan.ConfigController")


def identity(machine: Machine) -> Made:
    """Who it is in the mesh."""
    note = NO_LABELS if machine.node.private_key else PRIVATE_KEY_NOTE
    yield stored(data.identity_of(machine.node), "local", created=machine.booted, owner="kubespan.IdentityController", annotations=note)


def peer_specs(machine: Machine) -> Made:
    """The others."""
    for node, sighting in machine.sightings:
        address, mesh = parse_address(node.address), parse_address(node.mesh_address)
        spec = resources.KubeSpanPeerSpec(
            address=mesh,
            allowed_ips=(IPPrefix(address, 32), IPPrefix(mesh, 128)),
            endpoints=(data.endpoint_of(node),),
            label=node.name,
        )
        found = Timestamp.parse(sighting.found)
        yield stored(spec, node.public_key, created=found, owner="kubespan.PeerSpecController", version=data.PEER_SPEC_VERSION)


def peer_statuses(machine: Machine) -> Made:
    """How the link to each of the others does."""
    observed = Timestamp.parse(data.OBSERVED)
    for node, sighting in machine.sightings:
        endpoint = data.endpoint_of(node)
        status = resources.KubeSpanPeerStatus(
            endpoint=endpoint,
            label=node.name,
            state=resources.PeerState.UP,
            receive_bytes=sighting.received,
            transmit_bytes=sighting.sent,
            last_handshake_time=Timestamp.parse(sighting.handshake),
            last_used_endpoint=endpoint,
            last_endpoint_change=Timestamp.parse(sighting.aimed),
        )
        yield stored(
            status,
            node.public_key,
            created=Timestamp.parse(sighting.found),
            owner="kubespan.ManagerController",
            version=sighting.version,
            updated=observed,
        )


def endpoints(machine: Machine) -> Made:
    """Where each of the others was reached."""
    for node, sighting in machine.sightings:
        endpoint = data.endpoint_of(node)
        spec = resources.KubeSpanEndpoint(affiliate_id=node.node_id, endpoint=endpoint)
        yield stored(spec, node.public_key, created=Timestamp.parse(sighting.reached), owner="kubespan.EndpointController")
