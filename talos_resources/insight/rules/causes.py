"""Why two nodes do not reach each other: each pair with a fault gets one cause.

The order of the causes is that of how much they explain: a node that announces nothing cannot be
reached, whatever else is in the way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum, auto
from typing import Final

from talos_resources.insight.case import S_NS, Case, Pair, clock
from talos_resources.insight.mesh import LinkState, is_asymmetric
from talos_resources.insight.rules.split import split_pairs
from talos_resources.kubespan.constants import TICK_S
from talos_resources.model.net import AddrPort, IPAddress, IPNetwork, IPPrefix, is_private

INITIATION_BYTES: Final = 148
"""What a WireGuard handshake costs who begins it: without any other traffic, bytes sent count the attempts."""


class Cause(Enum):
    """Why a pair has no link."""

    UNKNOWN_PEER = auto()
    NOT_IN_WIREGUARD = auto()
    NO_ENDPOINTS = auto()
    NO_FAMILY = auto()
    FILTERED = auto()
    BOTH_HIDDEN = auto()
    ONE_WAY = auto()
    NOT_RECOVERED = auto()
    BLOCKED = auto()
    UNREACHABLE = auto()


def by_cause(case: Case) -> dict[Cause, list[Pair]]:
    """Every pair with a fault that nothing larger explains, under its cause."""
    found: dict[Cause, list[Pair]] | None = case.memo.get("causes")
    if found is None:
        found = case.memo["causes"] = {}
        explained = split_pairs(case)
        for pair in case.faulty_pairs:
            if pair not in explained:
                found.setdefault(_cause(case, pair), []).append(pair)
    return found


def _cause(case: Case, pair: Pair) -> Cause:
    here, there = pair
    states = {case.mesh.state(here, there), case.mesh.state(there, here)}
    if LinkState.ABSENT in states:
        return Cause.UNKNOWN_PEER
    directions = [way for way in ((here, there), (there, here)) if case.mesh.state(*way).is_fault]
    if any(case.status(*way) is None for way in directions):
        return Cause.NOT_IN_WIREGUARD
    if is_asymmetric(case.mesh.state(here, there), case.mesh.state(there, here)):
        return Cause.ONE_WAY
    both = ((here, there), (there, here))
    if all(not targets(case, *way) for way in both):
        return Cause.NO_ENDPOINTS
    if all(not same_family(case, *way) for way in both):
        return Cause.NO_FAMILY
    if any(hidden_endpoints(case, peer) for _, peer in both):
        return Cause.FILTERED
    if all(is_hidden(case, *way) for way in both):
        return Cause.BOTH_HIDDEN
    if not ever(case, pair):
        return Cause.UNREACHABLE
    return Cause.NOT_RECOVERED if recovered_neighbours(case, pair) else Cause.BLOCKED


def targets(case: Case, observer: int, peer: int) -> tuple[AddrPort, ...]:
    """The endpoints that a node may try for a peer."""
    spec = case.spec(observer, peer)
    if spec is not None:
        return tuple(endpoint for endpoint in spec.endpoints if endpoint is not None)
    return case.announced(peer)


def own_addresses(case: Case, index: int) -> tuple[IPAddress, ...]:
    """A node's own addresses: on its interfaces if it says so, else those it announces."""
    view = case.views.get(index)
    prefixes: Iterable[IPPrefix] = view.addresses.get("current-no-k8s", ()) if view is not None else ()
    on_links = tuple(prefix.address for prefix in prefixes)
    return on_links or case.nodes[index].addresses


def same_family(case: Case, observer: int, peer: int) -> bool:
    """Whether any endpoint of a peer is of an address family that the observer has; True if nobody knows."""
    mine = {address.version for address in own_addresses(case, observer)}
    theirs = {endpoint.address.version for endpoint in targets(case, observer, peer)}
    return not mine or not theirs or bool(mine & theirs)


def hidden_endpoints(case: Case, index: int) -> list[AddrPort]:
    """Public endpoints at which others reach a node and which it does not announce because it filters them."""
    view = case.views.get(index)
    announced = set(case.announced(index))
    if any(not is_private(endpoint.address) for endpoint in announced):
        return []
    if view is not None and view.config is not None and view.config.endpoint_filters is None:
        return []
    seen = case.seen_at(index)
    return [endpoint for endpoint in seen if endpoint not in announced and not is_private(endpoint.address)]


def is_hidden(case: Case, observer: int, peer: int) -> bool:
    """Whether a peer cannot be reached first from where the observer is: every address of its own is private and of another network."""
    near = _networks(case, observer)
    own = own_addresses(case, peer)
    return bool(own) and all(is_private(address) and not any(address in network for network in near) for address in own)


def _networks(case: Case, index: int) -> list[IPNetwork]:
    view = case.views.get(index)
    prefixes = view.addresses.get("current-no-k8s", ()) if view is not None else ()
    networks = [prefix.network for prefix in prefixes if prefix.length is not None]
    if networks:
        return networks
    return [IPPrefix(address, 24 if address.version == 4 else 64).network for address in case.nodes[index].addresses]


def ever(case: Case, pair: Pair) -> bool:
    """Whether the two ever had a handshake."""
    here, there = pair
    statuses = (case.status(here, there), case.status(there, here))
    return any(status is not None and not status.last_handshake_time.is_zero for status in statuses)


def site(case: Case, index: int) -> object:
    """The network of a node's first address."""
    addresses = own_addresses(case, index)
    return IPPrefix(addresses[0], 24 if addresses[0].version == 4 else 64).network if addresses else None


def neighbours(case: Case, index: int) -> list[int]:
    """Other nodes of the same network that answered."""
    sites: dict[int, list[int]] | None = case.memo.get("neighbours")
    if sites is None:
        members: dict[object, list[int]] = {}
        for other in case.fresh:
            members.setdefault(site(case, other), []).append(other)
        sites = case.memo["neighbours"] = {other: group for place, group in members.items() if place is not None for other in group}
    return [other for other in sites.get(index, ()) if other != index]


def recovered_neighbours(case: Case, pair: Pair) -> list[tuple[int, int]]:
    """Links between the same two networks that had an outage at the time and came back: (observer, peer).

    That they did shows by their endpoint: it was set anew after the pair's last handshake.
    """
    last = last_handshake(case, pair)
    found = []
    for here, there in (pair, pair[::-1]):
        for other in neighbours(case, there):
            status = case.status(here, other)
            if other != here and status is not None and case.mesh.state(here, other) is LinkState.UP and status.last_endpoint_change > last:
                found.append((here, other))
    return found


def last_handshake(case: Case, pair: Pair) -> int:
    """The last one of either direction, in nanoseconds since the epoch; of year 1 if there was none."""
    here, there = pair
    statuses = (case.status(here, there), case.status(there, here))
    return max((int(status.last_handshake_time) for status in statuses if status is not None), default=0)


def attempts(case: Case, observer: int, peer: int) -> Iterator[str]:
    """How often a node has tried, as far as what it sent tells."""
    status, view = case.status(observer, peer), case.views.get(observer)
    if status is None or view is None:
        return
    tried = status.transmit_bytes // INITIATION_BYTES
    ways = targets(case, observer, peer)
    made = case.made(observer, peer)
    span = (view.as_of - made) / S_NS if made > 0 else 0.0
    where = ", ".join(map(str, ways)) or "nowhere"
    if status.last_handshake_time.is_zero:
        rounds = int(span / (TICK_S * len(ways))) if len(ways) > 1 else 0
        circle = f", {'both' if len(ways) == 2 else f'all {len(ways)}'} in turn, {rounds} times" if rounds > 1 else ""
        received = f"{status.receive_bytes} bytes received"
        yield f"{case.name(observer)} tries {where}{circle}: about {tried} handshakes begun, none answered, {received}"
    else:
        change, used = status.last_endpoint_change, status.last_used_endpoint
        turned = f"no handshake since it turned to {used} at {clock(change)}, " if change > status.last_handshake_time else ""
        counters = f"{status.receive_bytes} bytes received, {status.transmit_bytes} sent in all"
        yield f"{case.name(observer)} tries {where} ({turned}{counters})"
