"""The demo: the guide's figures, and five nodes that agree with each other."""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import netaddr
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from talos_resources.model.errors import ConfigError
from talos_resources.model.kind import kind_of, typed_kind
from talos_resources.resources import (
    Affiliate,
    ClusterIdentity,
    DiscoveryConfig,
    KubeSpanConfig,
    KubeSpanEndpoint,
    KubeSpanIdentity,
    KubeSpanPeerSpec,
    KubeSpanPeerStatus,
    Member,
    Namespace,
    PeerState,
    ResourceDefinition,
)
from talos_resources.sources import Cluster, open_source
from talos_resources.sources.demo import data
from talos_resources.sources.demo.data import Node
from talos_resources.sources.demo.state import MAKERS


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with open_source("demo") as opened:
        yield opened


def views(cluster: Cluster, kind: type[Any]) -> dict[str, dict[str, Any]]:
    """Node → its resources of a kind, by id."""
    return {node: {r.id: r.spec for r in cluster.state(node).list(kind)} for node in cluster.nodes}


def test_first_node_is_the_guides(cluster: Cluster) -> None:
    state = cluster.state("172.20.0.2")
    assert [
        (r.id, r.version, r.spec.label, str(r.spec.endpoint), r.spec.receive_bytes, r.spec.transmit_bytes)
        for r in state.list(KubeSpanPeerStatus)
    ] == [
        ("06D9QQOydzKrOL7oeLiqHy9OWE8KtmJzZII2A5/FLFI=", 63, "talos-default-controlplane-2", "172.20.0.3:51820", 15043220, 17869488),
        ("THtfKtfNnzJs1nMQKs5IXqK0DFXmM//0WMY+NnaZrhU=", 62, "talos-default-controlplane-3", "172.20.0.4:51820", 14573208, 18157680),
        ("nVHu7l13uZyk0AaI1WuzL2/48iG8af4WRv+LWmAax1M=", 60, "talos-default-worker-2", "172.20.0.6:51820", 130072, 46888),
        ("zXP0QeqRo+CBgDH1uOBiQ8tA+AKEQP9hWkqmkE/oDlc=", 60, "talos-default-worker-1", "172.20.0.5:51820", 130044, 46556),
    ]
    assert {r.version for r in state.list(KubeSpanPeerSpec)} == {2}
    assert {r.version for r in state.list(KubeSpanEndpoint)} == {1}
    identity = state.get(KubeSpanIdentity, "local").spec
    assert str(identity.address) == "fd83:b1f7:fcb5:2802:8c13:71ff:feaf:7c94/128"
    assert identity.private_key == "gNoasoKOJzl+/B+uXhvsBVxv81OcVLrlcmQ5jQwZO08="


@pytest.mark.parametrize("node", data.NODES, ids=lambda node: node.name)
def test_keys_and_addresses_fit(node: Node) -> None:
    address = netaddr.EUI(node.mac).ipv6(int(ipaddress.ip_network(data.MESH_SUBNET).network_address))
    assert str(address) == node.mesh_address
    assert len(base64.b64decode(node.public_key, validate=True)) == 32
    if node.private_key:
        private = X25519PrivateKey.from_private_bytes(base64.b64decode(node.private_key, validate=True))
        assert base64.b64encode(private.public_key().public_bytes_raw()).decode() == node.public_key


def test_only_the_guides_private_key_is_known(cluster: Cluster) -> None:
    resources = [cluster.state(node).get(KubeSpanIdentity, "local") for node in cluster.nodes]
    assert [bool(r.spec.private_key) for r in resources] == [True, False, False, False, False]
    assert [bool(r.metadata.annotations) for r in resources] == [False, True, True, True, True]


def test_secret_and_its_bytes_are_the_same() -> None:
    assert base64.b64decode(data.CLUSTER_SECRET, validate=True) == data.CLUSTER_SECRET_BYTES


def test_every_pair_of_nodes_has_one_link() -> None:
    assert [link.ends for link in data.LINKS] == list(combinations(range(len(data.NODES)), 2))


def test_both_ends_of_a_link_tell_the_same(cluster: Cluster) -> None:
    statuses = views(cluster, KubeSpanPeerStatus)
    keys = {node: cluster.state(node).get(KubeSpanIdentity, "local").spec.public_key for node in cluster.nodes}
    for one, other in combinations(cluster.nodes, 2):
        there, back = statuses[one][keys[other]], statuses[other][keys[one]]
        assert there.state is back.state is PeerState.UP
        assert (there.transmit_bytes, there.receive_bytes) == (back.receive_bytes, back.transmit_bytes)
        assert there.last_handshake_time == back.last_handshake_time
        assert str(there.endpoint.address) == other


def test_peers_are_what_the_others_say_of_themselves(cluster: Cluster) -> None:
    identities = {node: cluster.state(node).get(KubeSpanIdentity, "local").spec for node in cluster.nodes}
    node_ids = {node: cluster.state(node).get(ClusterIdentity, "local").spec.node_id for node in cluster.nodes}
    names = {affiliate.spec.addresses[0]: affiliate.spec.hostname for affiliate in cluster.state(cluster.nodes[0]).list(Affiliate)}
    for node in cluster.nodes:
        state = cluster.state(node)
        others = [other for other in cluster.nodes if other != node]
        keys = {identities[other].public_key for other in others}
        assert {r.id for r in state.list(KubeSpanPeerSpec)} == {r.id for r in state.list(KubeSpanPeerStatus)} == keys
        for other in others:
            key, address = identities[other].public_key, ipaddress.ip_address(other)
            spec, endpoint = state.get(KubeSpanPeerSpec, key).spec, state.get(KubeSpanEndpoint, key).spec
            assert str(spec.address) == str(identities[other].address).partition("/")[0]
            assert {str(prefix) for prefix in spec.allowed_ips} == {f"{other}/32", f"{spec.address}/128"}
            assert spec.endpoints == (endpoint.endpoint,)
            assert endpoint.affiliate_id == node_ids[other]
            assert spec.label == names[address]
        assert len({str(prefix) for r in state.list(KubeSpanPeerSpec) for prefix in r.spec.allowed_ips}) == 2 * len(others)


@pytest.mark.parametrize("kind", [Affiliate, Member, KubeSpanConfig, DiscoveryConfig, Namespace, ResourceDefinition])
def test_what_belongs_to_the_cluster_is_the_same_everywhere(cluster: Cluster, kind: type[Any]) -> None:
    seen = list(views(cluster, kind).values())
    assert seen[0]
    assert all(view == seen[0] for view in seen)


def test_members_are_the_affiliates(cluster: Cluster) -> None:
    state = cluster.state(cluster.nodes[0])
    affiliates = {r.spec.node_id: r.spec for r in state.list(Affiliate)}
    assert {member.spec.node_id for member in state.list(Member)} == set(affiliates)
    for member in state.list(Member):
        spec = affiliates[member.spec.node_id]
        assert (member.id, member.spec.addresses, member.spec.machine_type) == (spec.nodename, spec.addresses, spec.machine_type)


def test_every_type_that_is_held_is_defined(cluster: Cluster) -> None:
    state = cluster.state(cluster.nodes[0])
    held = (*MAKERS, kind_of(ResourceDefinition).type)
    assert {r.id for r in state.list(ResourceDefinition)} == {name.lower() for name in held}
    for name in held:
        assert state.kind(name) == typed_kind(name)


def test_nodes_have_two_names(cluster: Cluster) -> None:
    assert cluster.state("talos-default-worker-1") is cluster.state("172.20.0.5")
    assert cluster.select() == ("172.20.0.2",)
    assert cluster.select(["talos-default-worker-1"]) == ("talos-default-worker-1",)
    with pytest.raises(ConfigError, match=r'no node "10\.0\.0\.1"; it has 172\.20\.0\.2, '):
        cluster.select(["10.0.0.1"])


def test_there_is_one_demo() -> None:
    assert open_source("demo:guide").nodes == open_source("demo").nodes
    with pytest.raises(ConfigError, match='no demo "nosuch"'):
        open_source("demo:nosuch")
