"""The cluster of the Talos KubeSpan guide as plain values.

What the guide shows (all public keys, the first node's key pair and address, endpoints, node ids,
the first node's counters) is the guide's to the letter; the other counters are made up to fit. The
simulation begins with these values and tells what follows from them (times, versions, handshakes), which
lies in `simulated`; a test simulates again.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from talos_resources import resources
from talos_resources.model.net import AddrPort, IPPrefix, parse_address


class Node(NamedTuple):
    """One machine.

    Attributes:
        name: host name and Kubernetes node name.
        address: its address in the network of the machines.
        mac: its first hardware address, from which `mesh_address` follows.
        mesh_address: its KubeSpan address.
        public_key: WireGuard, base64.
        private_key: WireGuard, base64; empty where the guide does not tell it, and then nobody can know.
        node_id: in discovery.
        control_plane: else a worker.
    """

    name: str
    address: str
    mac: str
    mesh_address: str
    public_key: str
    private_key: str
    node_id: str
    control_plane: bool


class Link(NamedTuple):
    """A link as both its ends tell it.

    Attributes:
        ends: two indexes into NODES.
        forth: bytes from the first end to the second, which all arrived.
        back: bytes from the second end to the first.
    """

    ends: tuple[int, int]
    forth: int
    back: int


class Sighting(NamedTuple):
    """What one node knows of another.

    Attributes:
        ends: the node that looks and its peer, two indexes into NODES.
        found: when it heard of the peer.
        reached: when it first saw the peer's endpoint in use.
        aimed: when it set the endpoint.
        handshake: the last one.
        version: of the peer status.
        received: bytes.
        sent: bytes.
    """

    ends: tuple[int, int]
    found: str
    reached: str
    aimed: str
    handshake: str
    version: int
    received: int
    sent: int


NODES: Final = (
    Node(
        name="talos-default-controlplane-1",
        address="172.20.0.2",
        mac="8e:13:71:af:7c:94",
        mesh_address="fd83:b1f7:fcb5:2802:8c13:71ff:feaf:7c94",
        public_key="NzW8oeIH5rJyY5lefD9WRoHWWRr/Q6DwsDjMX+xKjT4=",
        private_key="gNoasoKOJzl+/B+uXhvsBVxv81OcVLrlcmQ5jQwZO08=",
        node_id="7x1SuC8Ege5BGXdAfTEff5iQnlWZLfv9h1LGMxA2pYkC",
        control_plane=True,
    ),
    Node(
        name="talos-default-controlplane-2",
        address="172.20.0.3",
        mac="9e:48:8b:9d:7c:3d",
        mesh_address="fd83:b1f7:fcb5:2802:9c48:8bff:fe9d:7c3d",
        public_key="06D9QQOydzKrOL7oeLiqHy9OWE8KtmJzZII2A5/FLFI=",
        private_key="",
        node_id="2VfX3nu67ZtZPl57IdJrU87BMjVWkSBJiL9ulP9TCnF",
        control_plane=True,
    ),
    Node(
        name="talos-default-controlplane-3",
        address="172.20.0.4",
        mac="42:ae:61:93:2d:44",
        mesh_address="fd83:b1f7:fcb5:2802:40ae:61ff:fe93:2d44",
        public_key="THtfKtfNnzJs1nMQKs5IXqK0DFXmM//0WMY+NnaZrhU=",
        private_key="",
        node_id="b3DebkPaCRLTLLWaeRF1ejGaR0lK3m79jRJcPn0mfA6C",
        control_plane=True,
    ),
    Node(
        name="talos-default-worker-1",
        address="172.20.0.5",
        mac="d2:5f:3b:7a:10:c2",
        mesh_address="fd83:b1f7:fcb5:2802:d05f:3bff:fe7a:10c2",
        public_key="zXP0QeqRo+CBgDH1uOBiQ8tA+AKEQP9hWkqmkE/oDlc=",
        private_key="",
        node_id="6EVq8RHIne03LeZiJ60WsJcoQOtttw1ejvTS6SOBzhUA",
        control_plane=False,
    ),
    Node(
        name="talos-default-worker-2",
        address="172.20.0.6",
        mac="b6:f1:be:1e:6a:37",
        mesh_address="fd83:b1f7:fcb5:2802:b4f1:beff:fe1e:6a37",
        public_key="nVHu7l13uZyk0AaI1WuzL2/48iG8af4WRv+LWmAax1M=",
        private_key="",
        node_id="NVtfu1bT1QjhNq5xJFUZl8f8I8LOCnnpGrZfPpdN9WlB",
        control_plane=False,
    ),
)

LINKS: Final = (
    Link((0, 1), 17869488, 15043220),
    Link((0, 2), 18157680, 14573208),
    Link((0, 3), 46556, 130044),
    Link((0, 4), 46888, 130072),
    Link((1, 2), 16208944, 16393212),
    Link((1, 3), 45924, 128716),
    Link((1, 4), 47020, 129364),
    Link((2, 3), 46220, 129888),
    Link((2, 4), 46704, 128932),
    Link((3, 4), 21844, 22176),
)

CLUSTER_NAME: Final = "talos-default"
CLUSTER_ID: Final = "8XuV9TZHW08DOk3bVxQjH9ih_TBKjnh-j44tsCLSBzo="
CLUSTER_SECRET: Final = "2xTfJGGEG2Gm/Z9cNj2CNlA5GbhJfHnGQqLbqYgxqUE="  # noqa: S105 - the demo has no secret worth keeping
CLUSTER_SECRET_BYTES: Final = bytes.fromhex("db14df2461841b61a6fd9f5c363d8236503919b8497c79c642a2dba98831a941")
MESH_SUBNET: Final = "fd83:b1f7:fcb5:2802::/64"
PEER_SPEC_VERSION: Final = 2
"""The guide's. Simulated peers are complete when they are found, and stay at version 1."""
ENDPOINT_FILTERS: Final = ("0.0.0.0/0", "::/0")
MESH_PORT: Final = 51820
API_PORT: Final = 6443
OPERATING_SYSTEM: Final = "Talos (v1.14.0)"
DISCOVERY_ENDPOINT: Final = "discovery.talos.dev:443"

OBSERVED: Final = "2022-03-23T17:45:31Z"
"""The last tick of KubeSpan's manager on every node."""

NAMESPACES: Final = {
    "cluster": "Cluster configuration and discovery resources.",
    "cluster-raw": "Cluster unmerged raw resources.",
    "config": "Talos node configuration.",
    "controlplane": "Kubernetes control plane resources.",
    "etcd": "etcd resources.",
    "hardware": "Hardware resources.",
    "k8s": "Kubernetes all node types resources.",
    "kubespan": "KubeSpan resources.",
    "meta": "Metadata namespace which contains resource and namespace definitions.",
    "network": "Networking resources.",
    "network-config": "Networking configuration resources.",
    "runtime": "Talos v1alpha1 subsystems glue resources.",
}


def endpoint_of(node: Node) -> AddrPort:
    """Where WireGuard reaches the node."""
    return AddrPort(parse_address(node.address), MESH_PORT)


def identity_of(node: Node) -> resources.KubeSpanIdentity:
    """Who the node is in the mesh; without a private key where the guide does not tell it."""
    return resources.KubeSpanIdentity(
        address=IPPrefix(parse_address(node.mesh_address), 128),
        subnet=IPPrefix.parse(MESH_SUBNET),
        private_key=node.private_key,
        public_key=node.public_key,
    )
