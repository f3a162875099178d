"""What the kernel has, as the resources in which Talos shows it.

Source: Talos v1.14, ids of its status controllers.
"""

from __future__ import annotations

from typing import Any, Final

from talos_resources.agent.kernel import MAIN, HostAddress, HostLink, HostRoute, HostRule
from talos_resources.agent.plan import HostNetwork
from talos_resources.agent.publish import Publisher
from talos_resources.kubespan.host import PUBLIC_ADDRESSES
from talos_resources.kubespan.keys import public_key
from talos_resources.kubespan.network import Chain
from talos_resources.kubespan.network_specs import CHAINS
from talos_resources.kubespan.network_statuses import LINK_STATUSES, POLICY_RULE_STATUSES, ROUTE_STATUSES
from talos_resources.kubespan.wireguard import DeviceConfig
from talos_resources.model.duration import Duration
from talos_resources.model.net import IPAddress, IPPrefix, format_address
from talos_resources.resources.network.address_flags import AddressFlags
from talos_resources.resources.network.address_status import AddressStatus
from talos_resources.resources.network.duplex import Duplex
from talos_resources.resources.network.family import Family
from talos_resources.resources.network.link_status import LinkFlags, LinkStatus, OperationalState
from talos_resources.resources.network.link_type import LinkType
from talos_resources.resources.network.port import Port
from talos_resources.resources.network.route_flags import RouteFlags
from talos_resources.resources.network.route_next_hop import RouteNextHop
from talos_resources.resources.network.route_protocol import RouteProtocol
from talos_resources.resources.network.route_status import RouteStatus
from talos_resources.resources.network.route_type import RouteType
from talos_resources.resources.network.routing_rule_action import RoutingRuleAction
from talos_resources.resources.network.routing_rule_status import RoutingRuleStatus
from talos_resources.resources.network.routing_table import RoutingTable
from talos_resources.resources.network.scope import Scope
from talos_resources.resources.network.wireguard_spec import WireguardPeer, WireguardSpec

ADDRESS_STATUSES: Final = PUBLIC_ADDRESSES.kind

_FAMILIES: Final = {4: Family.INET4, 6: Family.INET6}
_SECOND_NS: Final = 1_000_000_000


def publish_statuses(to: Publisher, seen: HostNetwork, device: DeviceConfig | None, link: str, wanted: tuple[Chain, ...] | None) -> None:
    """Shows what the host has; what could not be read stays as it was shown.

    Args:
        to: where.
        seen: what the host has.
        device: how the WireGuard device is configured; None if it is away.
        link: the name of its link.
        wanted: the packet chains if the kernel has exactly these; None to show what can be read of those it has.
    """
    if seen.links is not None:
        links = {found.name: link_status(found, device if found.name == link else None) for found in seen.links}
        to.replace(LINK_STATUSES, links, owner="network.LinkStatusController")
    if seen.addresses is not None:
        addresses = {f"{found.link}/{found.address}": address_status(found) for found in seen.addresses}
        to.replace(ADDRESS_STATUSES, addresses, owner="network.AddressStatusController")
    if seen.routes is not None:
        indexes = {found.name: found.index for found in seen.links or ()}
        routes = {route_status_id(found): route_status(found, indexes.get(found.link, 0)) for found in seen.routes}
        to.replace(ROUTE_STATUSES, routes, owner="network.RouteStatusController")
    if seen.rules is not None:
        rules = {f"{_FAMILIES[found.version]}/{found.priority:05d}": rule_status(found) for found in seen.rules}
        to.replace(POLICY_RULE_STATUSES, rules, owner="network.RoutingRuleStatusController")
    if seen.chains is not None:
        chains = seen.chains.chains if wanted is None else wanted
        to.replace(CHAINS.kind, {chain.name: CHAINS.spec(chain) for chain in chains}, owner="kubespan.ManagerController")


def link_status(link: HostLink, device: DeviceConfig | None) -> LinkStatus:
    """A link; keys of WireGuard are left out, as Talos does."""
    own: dict[str, Any] = dict(link.details)
    if device is not None:
        own["wireguard"] = _wireguard(device)
    return LinkStatus(
        alias=link.alias,
        alt_names=link.alt_names,
        index=link.index,
        type=LinkType.of(link.type),
        link_index=link.parent,
        flags=LinkFlags(link.flags),
        hardware_addr=link.hardware,
        permanent_addr=link.permanent,
        broadcast_addr=link.broadcast,
        mtu=link.mtu,
        queue_disc=link.queue,
        master_index=link.master,
        operational_state=OperationalState.of(link.state),
        kind=link.kind if device is None else "wireguard",  # also where a program in user space runs it
        slave_kind=link.slave_kind,
        link_state=link.carries,
        port=Port.OTHER,
        duplex=Duplex.UNKNOWN,
        **own,
    )


def _wireguard(device: DeviceConfig) -> WireguardSpec:
    return WireguardSpec(
        public_key=public_key(device.private_key),
        listen_port=device.listen_port,
        firewall_mark=device.firewall_mark,
        peers=tuple(
            WireguardPeer(
                public_key=peer.public_key,
                endpoint="" if peer.endpoint is None else str(peer.endpoint),
                persistent_keepalive_interval=Duration(peer.keepalive_s * _SECOND_NS),
                allowed_ips=peer.allowed_ips,
            )
            for peer in device.peers
        ),
    )


def address_status(found: HostAddress) -> AddressStatus:
    """An address."""
    return AddressStatus(
        address=found.address,
        local=found.local,
        broadcast=found.broadcast,
        anycast=found.anycast,
        link_index=found.index,
        link_name=found.link,
        family=_FAMILIES[found.address.address.version],
        scope=Scope.of(found.scope),
        flags=AddressFlags(found.flags),
        priority=found.metric,
    )


def route_status(route: HostRoute, link_index: int) -> RouteStatus:
    """A route."""
    return RouteStatus(
        family=_FAMILIES[route.version],
        dst=route.destination,
        src=route.source,
        gateway=route.gateway,
        out_link_index=link_index,
        out_link_name=route.link,
        table=RoutingTable.of(route.table),
        priority=route.metric,
        scope=Scope.of(route.scope),
        type=RouteType.of(route.type),
        flags=RouteFlags(route.flags),
        protocol=RouteProtocol.of(route.protocol),
        mtu=route.mtu,
        next_hops=tuple(RouteNextHop(gateway=hop.gateway, out_link_name=hop.link, weight=hop.weight) for hop in route.hops),
    )


def route_status_id(route: HostRoute) -> str:
    """The id of a route's status: the table unless it is the main one, for IPv6 the link, then what tells routes apart."""
    table = "" if route.table == MAIN else f"{RoutingTable.of(route.table)}/"
    link = f"{route.link}/" if route.version == 6 else ""
    return f"{table}{link}{_FAMILIES[route.version]}/{_address(route.gateway)}/{_prefix(route.destination)}/{route.metric}"


def rule_status(rule: HostRule) -> RoutingRuleStatus:
    """A policy rule."""
    return RoutingRuleStatus(
        family=_FAMILIES[rule.version],
        src=rule.source,
        dst=rule.destination,
        table=RoutingTable.of(rule.table),
        priority=rule.priority,
        action=RoutingRuleAction.of(rule.action),
        iif_name=rule.in_link,
        oif_name=rule.out_link,
        fw_mark=rule.mark,
        fw_mask=rule.mask,
    )


def _prefix(prefix: IPPrefix | None) -> str:
    return "" if prefix is None else str(prefix)


def _address(address: IPAddress | None) -> str:
    return "" if address is None else format_address(address)
