"""The demo is the simulated cluster of the guide, as far as there are classes for what its nodes hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
import pytest

from talos_resources.kubespan.wireguard import PeerReading
from talos_resources.model.kind import kind_of
from talos_resources.model.metadata import NO_LABELS
from talos_resources.model.resource import Resource
from talos_resources.model.timestamp import Timestamp
from talos_resources.resources import (
    Affiliate,
    ClusterIdentity,
    ClusterInfo,
    DiscoveryConfig,
    KubeSpanConfig,
    KubeSpanEndpoint,
    KubeSpanIdentity,
    KubeSpanPeerSpec,
    KubeSpanPeerStatus,
    Member,
    PeerState,
)
from talos_resources.simulate import guide
from talos_resources.simulate.cluster import SimulatedCluster
from talos_resources.simulate.layouts import lan
from talos_resources.simulate.node import SimulatedNode
from talos_resources.sources import open_source
from talos_resources.sources.demo.data import NODES, PEER_SPEC_VERSION
from talos_resources.state.contract import State

MADE_BY_CONTROLLERS = (Affiliate, Member, KubeSpanEndpoint, KubeSpanIdentity, KubeSpanPeerSpec, KubeSpanPeerStatus)
GIVEN = (KubeSpanConfig, DiscoveryConfig, ClusterIdentity, ClusterInfo)


@pytest.fixture(scope="module")
def cluster() -> SimulatedCluster:
    return guide.simulated_guide()


def shown(state: State, kind: type[Any]) -> Iterator[Resource[Any]]:
    """What a simulated node holds, as the demo shows it."""
    unknown = {node.public_key for node in NODES if not node.private_key}
    for resource in state.list(kind):
        metadata, spec = resource.metadata, resource.spec
        if metadata.updated == Timestamp.ZERO:
            metadata = attrs.evolve(metadata, updated=metadata.created)
        if kind is KubeSpanPeerSpec:
            metadata = attrs.evolve(metadata, version=PEER_SPEC_VERSION)
        if isinstance(spec, KubeSpanIdentity) and spec.public_key in unknown:
            spec = attrs.evolve(spec, private_key="")
        yield Resource(metadata, spec)


def test_the_shipped_module_is_current(cluster: SimulatedCluster) -> None:
    assert guide.TARGET.read_text(encoding="utf-8") == guide.rendered(cluster)


def test_every_link_is_up_and_no_controller_fails(cluster: SimulatedCluster) -> None:
    assert cluster.sample().is_full_mesh
    for node in cluster.nodes.values():
        assert [report for report in node.reports() if report.failures] == []


@pytest.mark.parametrize("kind", [*MADE_BY_CONTROLLERS, *GIVEN])
def test_the_demo_holds_what_the_simulated_nodes_hold(cluster: SimulatedCluster, kind: type[Any]) -> None:
    with open_source("demo") as demo:
        for node in NODES:
            there = [attrs.evolve(r, metadata=attrs.evolve(r.metadata, annotations=NO_LABELS)) for r in demo.state(node.address).list(kind)]
            simulated = list(shown(cluster.nodes[node.name].state, kind))
            assert there
            if kind in GIVEN:
                # On a real node other controllers write these; here they are given.
                assert [(r.id, r.version, r.spec) for r in there] == [(r.id, r.version, r.spec) for r in simulated]
            else:
                assert there == simulated
                assert [(r.metadata.created, r.metadata.updated) for r in there] == [
                    (r.metadata.created, r.metadata.updated) for r in simulated
                ]


def link(node: SimulatedNode) -> PeerReading:
    """The only link of a node."""
    readings = node.device.read()
    assert readings is not None
    (reading,) = readings.values()
    return reading


def test_bytes_go_through_links_only() -> None:
    cluster = SimulatedCluster()
    one, other, third = lan(cluster, 3)
    for node in (one, other):
        cluster.network.change(node.start)
    cluster.run_until(30)
    before = link(one)
    cluster.carry(one, other, 1000)
    assert link(one).transmit_bytes == before.transmit_bytes + 1000
    assert link(other).receive_bytes == before.transmit_bytes + 1000
    with pytest.raises(ValueError, match="no link between controlplane-1 and controlplane-3"):
        cluster.carry(one, third, 1)


def test_an_identity_that_is_given_stays(cluster: SimulatedCluster) -> None:
    for node in NODES:
        held = cluster.nodes[node.name].state.get(KubeSpanIdentity, "local")
        assert held.metadata.owner == "kubespan.IdentityController"
        assert held.metadata.type == kind_of(KubeSpanIdentity).type
        assert str(held.spec.address) == f"{node.mesh_address}/128"
        states = [peer.spec.state for peer in cluster.nodes[node.name].state.list(KubeSpanPeerStatus)]
        assert states == [PeerState.UP] * 4
