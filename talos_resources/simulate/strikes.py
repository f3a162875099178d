"""What can strike a simulated cluster when somebody asks for it, and how each fault is undone.

A fault is a small function: it makes things worse and returns what makes them good again. What scenarios do on a
schedule, these do at any moment.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any, Final

import attrs

from talos_resources.kubespan.affiliate import parse_filter
from talos_resources.machineconfig.kubespan_patch import parse_mtu
from talos_resources.model.errors import ConfigError
from talos_resources.model.net import IPAddress, parse_address
from talos_resources.simulate.cluster import SimulatedCluster
from talos_resources.simulate.node import SimulatedNode

Undo = Callable[[], None]

_LOSS: Final = 0.5
_MTU: Final = 1280
_FILTERS: Final = "!0.0.0.0/0,!::/0"
"""Filters that only exclude leave nothing."""


@attrs.frozen(kw_only=True)
class Strike:
    """What a fault is to hit.

    Attributes:
        cluster: where.
        nodes: which of its nodes, in the order in which they were named.
        value: what else it takes, as somebody wrote it; empty for the usual.
    """

    cluster: SimulatedCluster
    nodes: tuple[SimulatedNode, ...]
    value: str = ""

    def names(self) -> str:
        """The nodes, for people."""
        return ", ".join(node.settings.name for node in self.nodes)


@attrs.frozen(kw_only=True)
class Fault:
    """A kind of fault.

    Attributes:
        name: for the command line.
        about: one line for people.
        takes: how many nodes: the least, and the most (None for any number).
        strike: does it; returns what happened, and what undoes it (None if nothing can).
    """

    name: str
    about: str
    takes: tuple[int, int | None]
    strike: Callable[[Strike], tuple[str, Undo | None]]


def _partition(strike: Strike) -> tuple[str, Undo]:
    network, hosts = strike.cluster.network, [node.host for node in strike.nodes]
    others = [node for node in strike.cluster.nodes.values() if node not in strike.nodes]
    if not others:
        msg = "a cut needs somebody on the other side; name some of the nodes, not all"
        raise ConfigError(msg)
    before = {host.name: host.side for host in hosts}
    network.split(hosts, 1 + max(node.host.side for node in strike.cluster.nodes.values()))

    def undo() -> None:
        for host in hosts:
            network.split([host], before[host.name])

    return f"cut: {strike.names()} from the {len(others)} others", undo


def _block(strike: Strike) -> tuple[str, Undo]:
    pairs = [(strike.nodes[0].settings.name, node.settings.name) for node in strike.nodes[1:]]
    strike.cluster.network.block(pairs)
    targets = ", ".join(target for _, target in pairs)
    return f"packets from {pairs[0][0]} to {targets} are dropped", lambda: strike.cluster.network.unblock(pairs)


def _off(strike: Strike) -> tuple[str, Undo]:
    nodes = [node for node in strike.nodes if node.host.online]
    network = strike.cluster.network

    def switch(action: Callable[[SimulatedNode], None]) -> None:
        for node in nodes:
            network.change(lambda node=node: action(node))  # type: ignore[misc]

    switch(SimulatedNode.stop)
    return f"{strike.names()} switched off", lambda: switch(SimulatedNode.start)


def _discovery(strike: Strike) -> tuple[str, Undo]:
    def reach(*, it: bool) -> None:
        for node in strike.nodes:
            node.host.discovery = it

    strike.cluster.network.change(lambda: reach(it=False))
    return f"{strike.names()} cannot reach the discovery service", lambda: strike.cluster.network.change(lambda: reach(it=True))


def _loss(strike: Strike) -> tuple[str, Undo]:
    network = strike.cluster.network
    try:
        share = float(strike.value or _LOSS)
    except ValueError:
        share = -1.0
    if not 0 <= share < 1:
        msg = f'a share of lost packets is a number from 0 to below 1, such as 0.3, not "{strike.value}"'
        raise ConfigError(msg)
    before = network.loss

    def lose(part: float) -> None:
        def edit() -> None:
            network.loss = part

        network.change(edit)

    lose(share)
    return f"{share:.0%} of all packets get lost", lambda: lose(before)


def _move(strike: Strike) -> tuple[str, Undo]:
    [node] = strike.nodes
    before = node.host.address
    address = _address(strike.value) if strike.value else _free_address(strike.cluster, before)
    if any(other.host.address == address for other in strike.cluster.nodes.values()):
        msg = f"{address} belongs to a node already; name another address, or none"
        raise ConfigError(msg)

    def move(to: IPAddress) -> None:
        strike.cluster.network.move(node.host, address=to)
        node.address_changed()

    move(address)
    return f"{strike.names()} moves from {before} to {address}", lambda: move(before)


def _address(text: str) -> IPAddress:
    try:
        return parse_address(text)
    except ValueError:
        msg = f'"{text}" is no address'
        raise ConfigError(msg) from None


def _free_address(cluster: SimulatedCluster, before: IPAddress) -> IPAddress:
    """One that no node has, near the old one."""
    taken = {node.host.address for node in cluster.nodes.values()}
    for step in range(1, len(taken) + 2):
        address = ipaddress.ip_address(int(before) + step) if before.version == 4 else ipaddress.IPv6Address(int(before) + step)
        if address not in taken:
            return address
    raise AssertionError(taken)  # there are more addresses than nodes


def _new_keys(strike: Strike) -> tuple[str, None]:
    for node in strike.nodes:
        strike.cluster.network.change(node.replace_keys)
    return f"{strike.names()} lost its disk and comes back with new keys", None


def _mtu(strike: Strike) -> tuple[str, Undo]:
    mtu = parse_mtu(strike.value or str(_MTU))
    return f"the MTU of {strike.names()} is {mtu}", _configured(strike, mtu=mtu)


def _kubespan_off(strike: Strike) -> tuple[str, Undo]:
    return f"KubeSpan is off on {strike.names()}", _configured(strike, kubespan=False)


def _filters(strike: Strike) -> tuple[str, Undo]:
    filters = tuple(part.strip() for part in (strike.value or _FILTERS).split(","))
    for each in filters:
        parse_filter(each)
    return f"{strike.names()} announces endpoints by the filters {', '.join(filters)}", _configured(strike, endpoint_filters=filters)


def _configured(strike: Strike, **changes: Any) -> Undo:
    """Gives the nodes other settings, and returns what gives each its own back."""
    before = [(node, {name: getattr(node.settings, name) for name in changes}) for node in strike.nodes]
    for node, _ in before:
        node.set_config(**changes)

    def undo() -> None:
        for node, own in before:
            node.set_config(**own)

    return undo


FAULTS: Final = {
    fault.name: fault
    for fault in (
        Fault(name="partition", about="the nodes are cut off from the others", takes=(1, None), strike=_partition),
        Fault(name="block", about="packets from the first node to the others named are dropped", takes=(2, None), strike=_block),
        Fault(name="off", about="the nodes are switched off; healed, they boot", takes=(1, None), strike=_off),
        Fault(name="discovery", about="the nodes cannot reach the discovery service", takes=(1, None), strike=_discovery),
        Fault(name="loss", about="a share of all packets gets lost (--value 0.5)", takes=(0, 0), strike=_loss),
        Fault(name="move", about="a node gets another address (--value ADDRESS)", takes=(1, 1), strike=_move),
        Fault(name="new-keys", about="the nodes come back with new keys; cannot be healed", takes=(1, None), strike=_new_keys),
        Fault(name="mtu", about="the nodes get another MTU (--value 1280)", takes=(1, None), strike=_mtu),
        Fault(name="kubespan-off", about="KubeSpan is off on the nodes", takes=(1, None), strike=_kubespan_off),
        Fault(
            name="filters",
            about=f"the nodes announce filtered endpoints, none by default (--value '{_FILTERS}')",
            takes=(1, None),
            strike=_filters,
        ),
    )
}
"""By name."""
