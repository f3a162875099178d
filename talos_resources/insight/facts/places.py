"""Where each node is: its own addresses, its NAT, who is beside it, who can be called by whom."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import cached_property

from talos_resources.insight.facts.evidence import Ground
from talos_resources.insight.facts.life import Life
from talos_resources.insight.mesh import LinkState
from talos_resources.kubespan.constants import LISTEN_PORT
from talos_resources.model.net import AddrPort, IPAddress, IPNetwork, IPPrefix, is_private, parse_address

SIDEROLINK = IPPrefix.parse("fdae:41e4:649b:9303::/64").network
"""Omni's tunnels: an address of it means nothing to other nodes."""
_WHOLE = {4: 24, 6: 64}
"""The size of the network of an address that is known without one."""


class Places:
    """See the module."""

    def __init__(self, ground: Ground, life: Life) -> None:
        self._ground = ground
        self._life = life

    def own(self, index: int) -> tuple[IPAddress, ...]:
        """A node's own addresses, without those of the mesh: on its interfaces if it says so, else those it announces."""
        return tuple(prefix.address for prefix in self._prefixes(index))

    def networks(self, index: int) -> tuple[IPNetwork, ...]:
        """The networks of these addresses; a single address stands for the usual size of a network."""
        if index not in self._networks:
            self._networks[index] = tuple(self._network(prefix) for prefix in self._prefixes(index))
        return self._networks[index]

    @cached_property
    def _networks(self) -> dict[int, tuple[IPNetwork, ...]]:
        return {}

    def _prefixes(self, index: int) -> tuple[IPPrefix, ...]:
        if index not in self._own:
            self._own[index] = tuple(prefix for prefix in self._found(index) if self._is_own(prefix.address))
        return self._own[index]

    @cached_property
    def _own(self) -> dict[int, tuple[IPPrefix, ...]]:
        return {}

    def _found(self, index: int) -> tuple[IPPrefix, ...]:
        view = self._ground.views.get(index)
        if view is not None:
            # The first list leaves out what Kubernetes owns; where nothing is left in it, the networks of
            # pods or services have swallowed the node's own addresses.
            for name in ("current-no-k8s", "current", "default"):
                prefixes = tuple(prefix for prefix in view.addresses.get(name, ()) if self._is_own(prefix.address))
                if prefixes:
                    return prefixes
        addresses = self._ground.nodes[index].addresses or self._by_name(index)
        return tuple(IPPrefix(address, _WHOLE[address.version]) for address in addresses)

    def _by_name(self, index: int) -> tuple[IPAddress, ...]:
        """The address under which a node was asked: all that a pasted list tells of it."""
        name = self._ground.nodes[index].node
        try:
            return (parse_address(name),) if name else ()
        except ValueError:
            return ()

    def _is_own(self, address: IPAddress) -> bool:
        return (
            not address.is_link_local
            and not address.is_loopback
            and address not in SIDEROLINK
            and not any(address.version == prefix.version and address in prefix for prefix in self._mesh_prefixes)
        )

    @cached_property
    def _mesh_prefixes(self) -> tuple[IPNetwork, ...]:
        """The /64 of the mesh, as the nodes' addresses in it tell."""
        found: dict[IPNetwork, None] = {}
        for affiliate in self._ground.affiliates.values():
            address = affiliate.kubespan.address if affiliate.kubespan is not None else None
            if address is not None and address.version == 6:  # whoever announces himself may announce anything
                found[IPPrefix(address, 64).network] = None
        return tuple(found)[:4]

    @staticmethod
    def _network(prefix: IPPrefix) -> IPNetwork:
        version, length = prefix.address.version, prefix.length
        if length is None or (length == prefix.address.max_prefixlen and is_private(prefix.address)):
            length = _WHOLE[version]
        return IPPrefix(prefix.address, length).network

    def seen_at(self, index: int) -> Counter[AddrPort]:
        """The endpoints at which others have a link to a node that is up → how many do."""
        if index not in self._seen:
            found = self._seen[index] = Counter()
            for observer in self._life.fresh:
                status = self._ground.status(observer, index)
                if status is not None and status.endpoint is not None and self._ground.state(observer, index) is LinkState.UP:
                    found[status.endpoint] += 1
        return self._seen[index]

    @cached_property
    def _seen(self) -> dict[int, Counter[AddrPort]]:
        return {}

    def outer_seen(self, index: int) -> Counter[AddrPort]:
        """Those of them that are public and not on the node's own interfaces: its NAT's."""
        own = set(self.own(index))
        return Counter({at: count for at, count in self.seen_at(index).items() if at.address not in own and not is_private(at.address)})

    def rewritten(self, index: int) -> frozenset[int]:
        """The ports at which others have a node that is up, where the addresses beside them were hidden: a NAT has changed them."""
        return self._rewritten.get(index, frozenset())

    @cached_property
    def _rewritten(self) -> dict[int, frozenset[int]]:
        found: dict[int, set[int]] = {}
        for observer, view in self._life.fresh.items():
            for name, (_, port) in view.hidden.items():
                peer = self._ground.index_of.get(name.partition("/")[2])
                if port is not None and peer is not None and self._ground.state(observer, peer) is LinkState.UP:
                    found.setdefault(peer, set()).add(port)
        return {index: frozenset(ports - {LISTEN_PORT}) for index, ports in found.items()}

    def outer(self, index: int) -> frozenset[IPAddress]:
        """The public addresses of the router that a node is behind, as others see it, else as it announces them."""
        if index not in self._outer:
            seen = frozenset(at.address for at in self.outer_seen(index))
            own = set(self.own(index))
            told = frozenset(at.address for at in self._ground.announced(index) or () if not is_private(at.address)) - own
            self._outer[index] = seen or told
        return self._outer[index]

    @cached_property
    def _outer(self) -> dict[int, frozenset[IPAddress]]:
        return {}

    def is_inside(self, index: int) -> bool:
        """Whether all its own addresses are private, so that from outside only a forward or a mapping leads to it."""
        own = self.own(index)
        return bool(own) and all(is_private(address) for address in own)

    def are_beside(self, one: int, other: int) -> bool:
        """Whether two nodes are in one network: of the same prefix, and not behind different routers."""
        mine, theirs = self.outer(one), self.outer(other)
        if mine and theirs and not mine & theirs:
            return False
        networks = self.networks(one)
        return any(address.version == network.version and address in network for address in self.own(other) for network in networks)

    def site(self, index: int) -> object:
        """What nodes of one place have in common: the router's address and the network; None if unknown."""
        if index not in self._site:
            networks = [str(network) for network in self.networks(index)[:1]]
            self._site[index] = (tuple(sorted(map(str, self.outer(index)))), networks[0]) if networks else None
        return self._site[index]

    @cached_property
    def _site(self) -> dict[int, object]:
        return {}

    @cached_property
    def sites(self) -> Mapping[object, tuple[int, ...]]:
        """Place → its nodes."""
        members: dict[object, list[int]] = {}
        for node in self._ground.nodes:
            members.setdefault(self.site(node.index), []).append(node.index)
        return {place: tuple(indexes) for place, indexes in members.items() if place is not None}

    def neighbours(self, index: int) -> tuple[int, ...]:
        """Other nodes of the same place with a fresh report."""
        return tuple(other for other in self.sites.get(self.site(index), ()) if other != index and other in self._life.fresh)

    def reaches_inside(self, observer: int, peer: int) -> bool:
        """Whether the private addresses of the peer's place are routed to the observer's: a link there shows it."""
        key = (self.site(observer), self.site(peer))
        if key not in self._routed:
            self._routed[key] = any(
                self._shows_route(here, there) for here in self.sites.get(key[0], ()) for there in self.sites.get(key[1], ())
            )
        return self._routed[key]

    @cached_property
    def _routed(self) -> dict[object, bool]:
        return {}

    def _shows_route(self, here: int, there: int) -> bool:
        for observer, peer in ((here, there), (there, here)):
            status = self._ground.status(observer, peer)
            if (
                status is not None
                and status.endpoint is not None
                and self._ground.state(observer, peer) is LinkState.UP
                and is_private(status.endpoint.address)
                and status.endpoint.address in self.own(peer)
            ):
                return True
        return False

    def families(self, index: int) -> frozenset[int]:
        """The IP versions of a node's own addresses."""
        return frozenset(address.version for address in self.own(index))

    def usable(self, observer: int, peer: int) -> tuple[AddrPort, ...]:
        """The endpoints of a peer that can lead there from where the observer is, as far as addresses tell."""
        mine = self.families(observer)
        return tuple(
            at
            for at in self._ground.targets(observer, peer) or ()
            if (not mine or at.address.version in mine) and not self.is_useless(at.address) and self._leads(observer, peer, at)
        )

    @staticmethod
    def is_useless(address: IPAddress) -> bool:
        """Whether an address reaches nobody by its kind."""
        return address.is_link_local or address.is_loopback or address.is_unspecified or address.is_multicast or address in SIDEROLINK

    def _leads(self, observer: int, peer: int, at: AddrPort) -> bool:
        if at.address in self.own(peer):
            return not is_private(at.address) or self.are_beside(observer, peer) or self.reaches_inside(observer, peer)
        return not self.is_inside(peer) or self.is_called(peer)

    def is_called(self, index: int) -> bool:
        """Whether a node that is inside has been called from outside, so that a forward leads to it."""
        return index in self._called

    @cached_property
    def _called(self) -> frozenset[int]:
        """Somebody inside elsewhere has it at what it announces, and cannot have been called by it.

        A router that keeps ports shows a caller at what it announces too: of two that have each other there, the one
        was called that others have there as well; where that does not tell, neither is known to have been.
        """
        sights = {index: seen for index in self._inside if (seen := self._sights(index))}
        mutual = {index: {other for other in seen if index in sights.get(other, ())} for index, seen in sights.items()}
        found = {index for index, seen in sights.items() if seen - mutual[index]}
        while True:
            left = {index: {o for o in others if o not in found} for index, others in mutual.items() if index not in found}
            most = max((len(others) for others in left.values()), default=0)
            best = [index for index, others in left.items() if len(others) == most]
            if most < 2 or len(best) > 1:
                return frozenset(found)
            found.add(best[0])

    @cached_property
    def _inside(self) -> tuple[int, ...]:
        return tuple(node.index for node in self._ground.nodes if self.is_inside(node.index))

    def _sights(self, index: int) -> set[int]:
        """Who of those inside elsewhere has a link to a node at what it announces."""
        told = set(self._ground.announced(index) or ())
        return {
            other
            for other in self._inside
            if other != index
            and other in self._life.fresh
            and (status := self._ground.status(other, index)) is not None
            and status.endpoint in told
            and self._ground.state(other, index) is LinkState.UP
            and not self.are_beside(index, other)
        }
