"""Scenarios in which one thing is wrong from the start, each as `doctor` names it."""

from __future__ import annotations

import base64
import hashlib
import ipaddress
from collections.abc import Callable, Sequence
from typing import Any, Final

import attrs

from talos_resources.model.net import IPPrefix
from talos_resources.simulate.cluster import SimulatedCluster
from talos_resources.simulate.event import Event
from talos_resources.simulate.layouts import MINUTE_S, Scenario, behind_nat, fact, lan
from talos_resources.simulate.network import Nat
from talos_resources.simulate.node import SimulatedNode

Build = Callable[[SimulatedCluster, int], Sequence[Event]]


def _other(what: str, **changes: Any) -> Build:
    """All nodes in one network, and the last with other settings."""

    def build(cluster: SimulatedCluster, nodes: int) -> Sequence[Event]:
        node = lan(cluster, nodes, last=changes)[-1]
        return [fact(f"{node.settings.name} {what}")]

    return build


def _no_endpoints(cluster: SimulatedCluster, nodes: int) -> Sequence[Event]:
    made = behind_nat(cluster, nodes, hidden=1)
    deaf, home = made[0], made[-1]
    deaf.settings = attrs.evolve(deaf.settings, endpoint_filters=("!10.0.0.0/8",))
    return [fact(f"the filters of {deaf.settings.name} leave nothing, and {home.settings.name} at home must call it")]


def _stale_endpoint(cluster: SimulatedCluster, nodes: int) -> Sequence[Event]:
    home = behind_nat(cluster, nodes, hidden=1)[-1]
    home.settings = attrs.evolve(home.settings, public_address=ipaddress.ip_address("203.0.113.200"))
    return [fact(f"{home.settings.name} announces 203.0.113.200, which its provider has given to somebody else")]


def _inbound(cluster: SimulatedCluster, nodes: int) -> Sequence[Event]:
    made = behind_nat(cluster, nodes, hidden=1, nat=Nat.RESTRICTED)
    closed, home = made[0].settings.name, made[-1].settings.name
    cluster.network.block([(home, closed)])
    return [fact(f"a firewall in front of {closed} lets nothing in, and {home} at home must call it")]


def _udp(cluster: SimulatedCluster, nodes: int) -> Sequence[Event]:
    made = behind_nat(cluster, nodes, hidden=1)
    home = made[-1].settings.name
    cluster.network.block(_between(made[-1:], made[:-1]))
    return [fact(f"the network of {home} lets no UDP out")]


def _isolated(cluster: SimulatedCluster, nodes: int) -> Sequence[Event]:
    made = lan(cluster, nodes)
    pairs = _between(made[-1:], made[:-1])
    text = f"a firewall on {made[-1].settings.name} drops WireGuard's packets"
    return [Event(2 * MINUTE_S, text, lambda: cluster.network.block(pairs))]


def _split(cluster: SimulatedCluster, nodes: int) -> Sequence[Event]:
    made = lan(cluster, nodes)
    there = made[nodes // 2 :]
    text = f"{len(there)} nodes lose the {nodes - len(there)} others"
    return [Event(2 * MINUTE_S, text, lambda: cluster.network.block(_between(there, made[: nodes // 2])))]


def _between(ones: Sequence[SimulatedNode], others: Sequence[SimulatedNode]) -> list[tuple[str, str]]:
    """Both directions between two sets of nodes, by name."""
    names = [(one.settings.name, other.settings.name) for one in ones for other in others]
    return [*names, *((other, one) for one, other in names)]


_ANOTHER: Final = base64.b64encode(hashlib.sha256(b"another cluster").digest()).decode()

SINGLE_FAULTS: Final = (
    Scenario(name="kubespan-off", about="KubeSpan is off on a node", build=_other("has KubeSpan off", kubespan=False), least=3),
    Scenario(
        name="other-secret",
        about="a node has another cluster secret",
        build=_other("was made with another cluster secret", secret=_ANOTHER),
        least=3,
    ),
    Scenario(
        name="other-cluster",
        about="a node has another cluster id and secret",
        build=_other("was made with the secrets of another cluster", secret=_ANOTHER, cluster_id=_ANOTHER),
        least=3,
    ),
    Scenario(
        name="other-service",
        about="a node uses another discovery service",
        build=_other("uses disco.example.org", service="disco.example.org:443"),
        least=3,
    ),
    Scenario(name="discovery-off", about="discovery is off on a node", build=_other("has discovery off", discovery=False), least=3),
    Scenario(
        name="old-version",
        about="a node was left behind by upgrades",
        build=_other("runs Talos v1.9.5", operating_system="Talos (v1.9.5)"),
        least=3,
    ),
    Scenario(
        name="default-route",
        about="a node announces 0.0.0.0/0",
        build=_other("announces 0.0.0.0/0", pods=IPPrefix(ipaddress.IPv4Address(0), 0), advertise_pods=True),
        least=3,
    ),
    Scenario(name="no-endpoints", about="filters leave a node nothing to announce", build=_no_endpoints, least=4, duration_s=10 * MINUTE_S),
    Scenario(
        name="stale-endpoint", about="a node at home announces an old address", build=_stale_endpoint, least=4, duration_s=10 * MINUTE_S
    ),
    Scenario(
        name="inbound-blocked",
        about="a firewall lets nothing in, and a node at home must call",
        build=_inbound,
        least=4,
        duration_s=10 * MINUTE_S,
    ),
    Scenario(name="udp-blocked", about="the network of a node at home lets no UDP out", build=_udp, least=4, duration_s=10 * MINUTE_S),
    Scenario(name="isolated", about="a firewall cuts a node off", build=_isolated, least=4, duration_s=12 * MINUTE_S),
    Scenario(name="split", about="the cluster falls into halves", build=_split, least=4, duration_s=12 * MINUTE_S),
)
"""What `simulate` adds to its own scenarios; each is named by the rule of `doctor` that it is of."""
