"""The network between simulated nodes: who can send to which endpoint, and where a packet seems to come from.

It is a model of what decides whether WireGuard gets through (sites, NAT, filters, cuts, loss), not of
packets. Every address that is not private is reachable from everywhere, a private one within its site; IPv4 and
IPv6 do not reach each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Final

import attrs

from talos_resources.kubespan.constants import LISTEN_PORT
from talos_resources.model.net import AddrPort, IPAddress, is_private

_FIRST_NAT_PORT: Final = 40000
_NAT_PORTS: Final = 25000


class Nat(StrEnum):
    """How a router hides the nodes of a site."""

    FULL_CONE = "full-cone"
    """Whoever knows the outer endpoint may send to it."""
    RESTRICTED = "restricted"
    """Only those that the node itself sends to may answer."""
    SYMMETRIC = "symmetric"
    """The outer port differs for each destination, and only that one may answer."""


@attrs.frozen(kw_only=True)
class Router:
    """What stands between a site and the rest of the world.

    Attributes:
        address: the outer address.
        nat: how inner endpoints look from outside.
    """

    address: IPAddress
    nat: Nat = Nat.RESTRICTED


@attrs.define(eq=False, kw_only=True)
class Host:
    """A node's place in the network.

    Attributes:
        name: for messages and filters.
        number: counts from 0; NAT ports follow from it.
        address: of its interface.
        site: nodes of one site reach one another's private addresses.
        zone: a part of the cluster that faults may hit together; nothing follows from it.
        router: None for a node that is directly on the network.
        online: a node that is off neither sends nor receives.
        side: nodes on different sides of a cut do not reach one another.
        discovery: whether it reaches the discovery service.
    """

    name: str
    number: int
    address: IPAddress
    site: str = ""
    zone: str = ""
    router: Router | None = None
    online: bool = True
    side: int = 0
    discovery: bool = True
    private: bool = attrs.field(init=False, default=attrs.Factory(lambda host: is_private(host.address), takes_self=True))


class Network:
    """The hosts and what is between them.

    Attributes:
        loss: the share of packets that get lost, 0 to 1.
        traffic: what hosts and pods send to each other beside WireGuard's own packets, in bytes a second and direction.
        version: counts the changes, so that what follows from them can be remembered.
    """

    def __init__(self, *, loss: float = 0.0, traffic: int = 0) -> None:
        self.loss = loss
        self.traffic = traffic
        self.version = 0
        self._blocked: set[tuple[str, str]] = set()
        self._before_change: list[Callable[[], None]] = []

    def before_change(self, call: Callable[[], None]) -> None:
        """Calls back before the network changes, so that what happened until then can be settled."""
        self._before_change.append(call)

    def change(self, edit: Callable[[], None]) -> None:
        """Changes hosts, filters or loss: everything that `edit` does happens at one moment."""
        for call in self._before_change:
            call()
        edit()
        self.version += 1

    def move(self, host: Host, *, address: IPAddress) -> None:
        """Gives a host another address."""

        def edit() -> None:
            host.address, host.private = address, is_private(address)

        self.change(edit)

    def block(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Drops all packets from the first host to the second of each pair, by name."""
        self.change(lambda: self._blocked.update(pairs))

    def unblock(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Lets them through again."""
        self.change(lambda: self._blocked.difference_update(pairs))

    def split(self, hosts: Iterable[Host], side: int) -> None:
        """Puts hosts on a side of a cut; those on side 0 are together."""

        def edit() -> None:
            for host in hosts:
                host.side = side

        self.change(edit)

    def connected(self, source: Host, target: Host) -> bool:
        """Whether packets can pass from one to the other at all, addresses aside."""
        return source.online and target.online and source.side == target.side and (source.name, target.name) not in self._blocked

    def seen_as(self, source: Host, target: Host) -> AddrPort | None:
        """The endpoint that a packet of one seems to come from when it reaches the other; None if it finds no way."""
        if source.router is None or source.site == target.site:
            return None if source.private and source.site != target.site else AddrPort(source.address, LISTEN_PORT)
        if source.router.nat is Nat.SYMMETRIC:
            return AddrPort(source.router.address, _nat_port(source, target))
        return AddrPort(source.router.address, _nat_port(source))

    def arrives(self, source: Host, endpoint: AddrPort | None, target: Host, *, answered: AddrPort | None) -> bool:
        """Whether what one host sends to an endpoint reaches the other.

        Args:
            source: who sends.
            endpoint: where to; None sends nothing.
            target: who should get it.
            answered: where the target itself sends to when it sends to the source: NAT lets answers in.
        """
        if endpoint is None or not self.connected(source, target):
            return False
        neighbours = source.site == target.site
        outer = source.address if neighbours or source.router is None else source.router.address
        if endpoint.address.version != outer.version:
            return False
        if endpoint.address is target.address or endpoint.address == target.address:
            if neighbours:
                return endpoint.port == LISTEN_PORT
            leaves = not source.private or source.router is not None
            return endpoint.port == LISTEN_PORT and leaves and not target.private and target.router is None
        router = target.router
        seen = self.seen_as(source, target)
        if router is None or neighbours or seen is None or endpoint.address != router.address:
            return False
        if router.nat is Nat.SYMMETRIC:
            return endpoint.port == _nat_port(target, source) and answered == seen
        return endpoint.port == _nat_port(target) and (router.nat is Nat.FULL_CONE or answered == seen)


def _nat_port(host: Host, target: Host | None = None) -> int:
    """The outer port of a host; with a target, that of a symmetric NAT towards it."""
    spread = host.number if target is None else host.number * 7919 + (target.number + 1) * 104729
    return _FIRST_NAT_PORT + spread % _NAT_PORTS
