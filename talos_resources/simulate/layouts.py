"""What scenarios are made of: layouts of nodes, and what is so from the start."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import attrs

from talos_resources.model.net import IPAddress, IPPrefix
from talos_resources.simulate.cluster import SimulatedCluster
from talos_resources.simulate.event import Event
from talos_resources.simulate.network import Nat, Router
from talos_resources.simulate.node import SimulatedNode
from talos_resources.simulate.settings import NodeSettings

MINUTE_S: Final = 60.0


@attrs.frozen(kw_only=True)
class Scenario:
    """A situation.

    Attributes:
        name: for the command line.
        about: one line for people.
        build: adds so many nodes to an empty cluster and returns what will happen to them, in order of time.
        least: how many nodes it takes.
        loss: the share of packets that get lost.
        traffic: bytes a second that each node sends to each other.
        duration_s: how long to watch, in seconds.
        is_calm: nothing is wrong, and nothing goes wrong.
    """

    name: str
    about: str
    build: Callable[[SimulatedCluster, int], Sequence[Event]]
    least: int = 2
    loss: float = 0.0
    traffic: int = 0
    duration_s: float = 2 * MINUTE_S
    is_calm: bool = False

    def planned(self) -> Sequence[Event]:
        """What would happen to the smallest cluster that it takes, in order of time."""
        return sorted(self.build(SimulatedCluster(), self.least), key=lambda event: event.at_s)


def settings(number: int) -> NodeSettings:
    """The settings of a node: three control planes, then workers, each with a pod network."""
    name = f"controlplane-{number + 1}" if number < 3 else f"worker-{number - 2}"
    pods = IPPrefix(ipaddress.IPv4Address(int(ipaddress.IPv4Address("10.244.0.0")) + 256 * number), 24) if number < 256 else None
    return NodeSettings(name=name, control_plane=number < 3, pods=pods)


def lan_address(number: int) -> IPAddress:
    """The address of a node in one large private network."""
    return ipaddress.IPv4Address(int(ipaddress.IPv4Address("172.20.0.2")) + number)


def public_address(number: int) -> IPAddress:
    """The address of a node that is directly on the internet."""
    return ipaddress.IPv4Address(int(ipaddress.IPv4Address("198.18.0.2")) + number)


def lan(cluster: SimulatedCluster, nodes: int, *, last: Mapping[str, Any] | None = None) -> list[SimulatedNode]:
    """All nodes in one network, the first half in zone a, the others in b; `last` are other settings for the last of them."""
    chosen = [settings(number) for number in range(nodes)]
    chosen[-1] = attrs.evolve(chosen[-1], **(last or {}))
    made = [cluster.add(each, address=lan_address(number), site="lan") for number, each in enumerate(chosen)]
    for number, node in enumerate(made):
        node.host.zone = "a" if number < nodes // 2 else "b"
    return made


def behind_nat(
    cluster: SimulatedCluster, nodes: int, *, nat: Nat = Nat.RESTRICTED, hidden: int = 2, harvest: bool = False
) -> list[SimulatedNode]:
    """Nodes on the internet, and the last ones each at home behind a router of its own."""
    made = []
    for number in range(nodes):
        chosen = attrs.evolve(settings(number), harvest=harvest)
        if number < nodes - hidden:
            made.append(cluster.add(chosen, address=public_address(number)))
            continue
        home = number - (nodes - hidden) + 1
        router = Router(address=ipaddress.ip_address(f"203.0.113.{home}"), nat=nat)
        made.append(cluster.add(chosen, address=ipaddress.ip_address(f"192.168.{home}.10"), site=f"home-{home}", router=router))
    return made


def fact(what: str) -> Event:
    """Something that is so from the start."""
    return Event(0.0, what, lambda: None)
