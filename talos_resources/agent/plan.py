"""What has to be done to the host's network so that it is as KubeSpan wants it: a pure function of both.

What is here is compared with what is wanted every time; what was done before counts for nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import attrs

from talos_resources.agent.kernel import MAIN, STATIC, UNICAST, UNREACHABLE, HostAddress, HostLink, HostRoute, HostRule
from talos_resources.agent.nftables import Listing
from talos_resources.kubespan.constants import ROUTING_TABLE
from talos_resources.kubespan.network import Address, Chain, DefaultRoute, Link, PolicyRule
from talos_resources.kubespan.ula import Purpose, is_ula
from talos_resources.model.net import IPPrefix

LAST_METRIC: Final = 4278198272
"""Of the route that refuses what the link cannot take; the number that Linux's documentation of VRF uses for this."""
_VERSIONS: Final = (4, 6)


@attrs.frozen(kw_only=True)
class Wanted:
    """What KubeSpan wants of the host. Without a link it wants nothing at all."""

    link: Link | None = None
    addresses: tuple[Address, ...] = ()
    routes: tuple[DefaultRoute, ...] = ()
    rules: tuple[PolicyRule, ...] = ()
    chains: tuple[Chain, ...] = ()


@attrs.frozen(kw_only=True)
class HostNetwork:
    """What the host has, as it was read at one time; None for what could not be read."""

    links: tuple[HostLink, ...] | None = None
    addresses: tuple[HostAddress, ...] | None = None
    routes: tuple[HostRoute, ...] | None = None
    rules: tuple[HostRule, ...] | None = None
    chains: Listing | None = None


@attrs.frozen
class Step:
    """Something to do.

    Attributes:
        why: what is wrong, in a few words.
        command: that mends it.
    """

    why: str
    command: tuple[str, ...]


def closing_steps(wanted: Sequence[Address], actual: HostNetwork) -> Iterator[Step]:
    """Routes that refuse what the link cannot take, everything in the mesh's own table and in the main one the mesh's own addresses.

    They come first of all, and stay whatever happens to the link, so that nothing passes in the clear meanwhile.
    """
    if actual.routes is None:
        return
    there = {(route.version, route.table, route.destination) for route in actual.routes if _is_closing(route)}
    places: list[tuple[int, int, IPPrefix | None]] = [(version, ROUTING_TABLE, None) for version in _VERSIONS]
    places += [(address.address.address.version, MAIN, _network(address.address)) for address in wanted]
    for version, table, target in places:
        if (version, table, target) not in there:
            command = ("ip", f"-{version}", "route", "replace", *_closing(table, target), "proto", "static")
            yield Step(f"IPv{version} was not closed", command)


def opening_steps(actual: HostNetwork) -> Iterator[Step]:
    """Takes the routes of `closing_steps` away, when the node leaves the mesh."""
    for route in filter(_is_closing, actual.routes or ()):
        yield Step("the node leaves", ("ip", f"-{route.version}", "route", "delete", *_closing(route.table, route.destination)))


def _closing(table: int, target: IPPrefix | None) -> tuple[str, ...]:
    return "unreachable", "default" if target is None else str(target), "table", str(table), "metric", str(LAST_METRIC)


def _network(prefix: IPPrefix) -> IPPrefix:
    return IPPrefix(prefix.network.network_address, prefix.length)


def link_steps(wanted: Link, actual: HostNetwork) -> Iterator[Step]:
    """What makes the link that is there the wanted one; its device is not looked at here."""
    if actual.links is None:
        return
    found = next((link for link in actual.links if link.name == wanted.name), None)
    if found is None or found.mtu != wanted.mtu:
        yield Step("MTU", ("ip", "link", "set", wanted.name, "mtu", str(wanted.mtu)))
    if found is None or not found.is_up:
        yield Step("link down", ("ip", "link", "set", wanted.name, "up"))


def address_steps(wanted: Sequence[Address], actual: HostNetwork) -> Iterator[Step]:
    """Adds the addresses that are not there."""
    if actual.addresses is None:
        return
    there = {(found.link, found.address) for found in actual.addresses}
    for address in wanted:
        if (address.link, address.address) not in there:
            yield Step("address gone", ("ip", "address", "replace", str(address.address), "dev", address.link))


def route_steps(wanted: Sequence[DefaultRoute], actual: HostNetwork) -> Iterator[Step]:
    """Makes the mesh's own routing table hold the wanted routes and nothing else."""
    if actual.routes is None:
        return
    own = [route for route in actual.routes if route.table == ROUTING_TABLE]
    for route in wanted:
        if not any(_is_wanted(found, route) for found in own):
            ways = ("dev", route.link, "table", str(route.table), "proto", "static", "scope", "global", "metric", str(route.priority))
            mtu = ("mtu", str(route.mtu)) if route.mtu else ()
            yield Step(f"IPv{route.version} route gone", ("ip", f"-{route.version}", "route", "replace", "default", *ways, *mtu))
    for found in own:
        # One of the wanted metric has been replaced by the wanted one.
        same = any(found.version == route.version and found.destination is None and found.metric == route.priority for route in wanted)
        if not same and not _is_closing(found):
            target = "default" if found.destination is None else str(found.destination)
            place = ("table", str(found.table), "metric", str(found.metric))
            yield Step(f"foreign route in table {ROUTING_TABLE}", ("ip", f"-{found.version}", "route", "delete", target, *place))


def rule_steps(wanted: Sequence[PolicyRule], actual: HostNetwork) -> Iterator[Step]:
    """Makes the rules for the mesh's own routing table exactly the wanted ones."""
    if actual.rules is None:
        return
    own = [rule for rule in actual.rules if rule.table == ROUTING_TABLE]
    for rule in wanted:
        if not any(_looks_as(found, rule) for found in own):
            words = ("fwmark", f"{rule.mark:#x}/{rule.mask:#x}", "table", str(rule.table), "priority", str(rule.priority))
            yield Step(f"IPv{rule.version} rule gone", ("ip", f"-{rule.version}", "rule", "add", *words))
    for found in own:
        if not any(_looks_as(found, rule) for rule in wanted):
            place = ("priority", str(found.priority), "table", str(found.table))
            yield Step("foreign or old rule", ("ip", f"-{found.version}", "rule", "delete", *place))


def _is_closing(route: HostRoute) -> bool:
    """Whether it is one of `closing_steps`: who else refuses KubeSpan's own addresses with this metric?"""
    if route.type != UNREACHABLE or route.metric != LAST_METRIC:
        return False
    if route.destination is None:
        return route.table == ROUTING_TABLE
    return route.table == MAIN and is_ula(route.destination.address, Purpose.KUBESPAN)


def _is_wanted(found: HostRoute, wanted: DefaultRoute) -> bool:
    return (
        found.version == wanted.version
        and found.destination is None
        and found.link == wanted.link
        and found.metric == wanted.priority
        and (found.type, found.protocol, found.scope, found.mtu) == (UNICAST, STATIC, 0, wanted.mtu)
    )


def _looks_as(found: HostRule, wanted: PolicyRule) -> bool:
    plain = found.source is None and found.destination is None and not found.in_link and not found.out_link and found.action == UNICAST
    return plain and (found.version, found.mark, found.mask, found.table, found.priority) == (
        wanted.version,
        wanted.mark,
        wanted.mask,
        wanted.table,
        wanted.priority,
    )
