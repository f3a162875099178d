"""Which of the host's addresses are the node's: the lists that Talos calls NodeAddresses.

Source: Talos v1.14, NodeAddress controller and its sort algorithms; k8s address filters. A deprecated address is
listed as every other one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cmp_to_key
from typing import Final

import attrs

from talos_resources.agent.kernel import HostAddress, HostLink
from talos_resources.kubespan.ula import Purpose, is_ula
from talos_resources.model.net import IPNetwork, IPPrefix, address_key

_LINK_SCOPE: Final = 253
_STATES_UP: Final = (0, 6)  # unknown, as that of links without a carrier of their own, and up
_FOREIGN_LINKS: Final = ("cilium", "lxc", "veth", "cni", "flannel", "cali", "kube-", "nodelocaldns", "docker", "podman", "virbr")
"""Links with names that begin so belong to other programs of the host, which Talos does not have beside it."""
DEFAULT: Final = "default"
ACCUMULATIVE: Final = "accumulative"
NO_KUBERNETES: Final = "no-k8s"
ONLY_KUBERNETES: Final = "only-k8s"

Lists = Mapping[str, tuple[IPPrefix, ...]]


@attrs.frozen(kw_only=True)
class Filters:
    """What tells the node's addresses from those of Kubernetes.

    Attributes:
        pods: the networks of pods.
        services: the networks of services.
        longest_first: addresses with the longer prefix come first (sort algorithm v2).
    """

    pods: tuple[IPPrefix, ...]
    services: tuple[IPPrefix, ...]
    longest_first: bool = False

    @property
    def algorithm(self) -> str:
        """The name of the sort algorithm."""
        return "v2" if self.longest_first else "v1"


def node_addresses(
    links: Sequence[HostLink], addresses: Sequence[HostAddress], filters: Filters, before: Lists
) -> dict[str, tuple[IPPrefix, ...]]:
    """The lists by their ids.

    Args:
        links: of the host.
        addresses: of the host, those of Kubernetes included.
        filters: what belongs to Kubernetes.
        before: the last lists: what was once there stays in the accumulative ones, and the default one while it is there.
    """
    up = {link.index for link in links if link.state in _STATES_UP and (not link.is_physical or link.carries)}
    kubernetes = [prefix.network for prefix in (*filters.pods, *filters.services)]
    listed = [found for found in addresses if _is_listed(found, kubernetes)]
    order = _order(filters)
    current = _sorted((found.address for found in listed if found.index in up), order)
    routed = tuple(address for address in current if not is_ula(address.address, Purpose.SIDEROLINK))
    ever = _sorted((*before.get(ACCUMULATIVE, ()), *(found.address for found in listed)), order)
    lists = {"current": current, "routed": routed, ACCUMULATIVE: ever}
    for name in tuple(lists):
        lists[f"{name}-{NO_KUBERNETES}"] = tuple(one for one in lists[name] if not _within(one, kubernetes))
        lists[f"{name}-{ONLY_KUBERNETES}"] = tuple(one for one in lists[name] if _within(one, kubernetes))
    first = _default(listed, current, before.get(DEFAULT, ()), order)
    return {DEFAULT: first, **lists} if first else lists


def pod_networks(current: Iterable[IPPrefix], filters: Filters) -> tuple[IPPrefix, ...]:
    """The networks of the host's own pods: those of its addresses within the networks of all pods."""
    pods = [prefix.network for prefix in filters.pods]
    networks = (one.network for one in current if _within(one, pods))
    return tuple(dict.fromkeys(IPPrefix(network.network_address, network.prefixlen) for network in networks))


def first_hardware(links: Sequence[HostLink]) -> HostLink | None:
    """The link whose hardware address the node's identity is made of: the first physical one, by name.

    On a host without any (a network namespace, a container) it is the first Ethernet link of its own.
    """
    ether = sorted((link for link in links if link.type == 1 and link.hardware and not _is_foreign(link.name)), key=lambda link: link.name)
    return next((link for link in ether if link.is_physical and link.carries), None) or next(iter(ether), None)


def _is_foreign(link: str) -> bool:
    return link.startswith(_FOREIGN_LINKS)


def _is_listed(found: HostAddress, kubernetes: Sequence[IPNetwork]) -> bool:
    address = found.address.address
    if found.scope >= _LINK_SCOPE or address.is_loopback or address.is_multicast or address.is_link_local:
        return False
    return not _is_foreign(found.link) or _within(found.address, kubernetes)


def _within(prefix: IPPrefix, networks: Iterable[IPNetwork]) -> bool:
    return any(prefix.address.version == network.version and prefix.address in network for network in networks)


def _default(
    listed: Sequence[HostAddress], current: Sequence[IPPrefix], before: Sequence[IPPrefix], order: Callable[[IPPrefix, IPPrefix], int]
) -> tuple[IPPrefix, ...]:
    if before and before[0] in current:
        return tuple(before)
    if not listed:
        return ()
    link = min(found.link for found in listed)
    return _sorted((found.address for found in listed if found.link == link), order)[:1]


def _sorted(prefixes: Iterable[IPPrefix], order: Callable[[IPPrefix, IPPrefix], int]) -> tuple[IPPrefix, ...]:
    return tuple(sorted(dict.fromkeys(prefixes), key=cmp_to_key(order)))


def _order(filters: Filters) -> Callable[[IPPrefix, IPPrefix], int]:
    return _longest_first if filters.longest_first else _by_address


def _by_address(one: IPPrefix, two: IPPrefix) -> int:
    a, b = (address_key(one.address), one.length or 0), (address_key(two.address), two.length or 0)
    return (a > b) - (a < b)


def _longest_first(one: IPPrefix, two: IPPrefix) -> int:
    """By IP version; then a network within another one before that; then by address."""
    if one.address.version != two.address.version:
        return one.address.version - two.address.version
    if one.address == two.address:
        return (two.length or 0) - (one.length or 0)
    holds, held = two.address in one.network, one.address in two.network
    if holds != held:
        return 1 if holds else -1
    return _by_address(one, two)
