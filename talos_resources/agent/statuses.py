"""What the kernel has, as the resources in which Talos shows it.

Source: Talos v1.14, fields and enumerations of the network resources; ids of its status controllers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from talos_resources.agent.kernel import MAIN, HostAddress, HostLink, HostRoute, HostRule
from talos_resources.agent.plan import HostNetwork
from talos_resources.agent.publish import Publisher
from talos_resources.codec.goyaml import emit
from talos_resources.kubespan.host import PUBLIC_ADDRESSES
from talos_resources.kubespan.network import Chain
from talos_resources.kubespan.network_specs import CHAINS
from talos_resources.kubespan.network_statuses import LINK_STATUSES, POLICY_RULE_STATUSES, ROUTE_STATUSES
from talos_resources.kubespan.wireguard import DeviceConfig
from talos_resources.model.net import IPAddress, IPPrefix, format_address
from talos_resources.model.spec import UntypedSpec

ADDRESS_STATUSES: Final = PUBLIC_ADDRESSES.kind

_FAMILIES: Final = {4: "inet4", 6: "inet6"}
_LINK_TYPES: Final = {
    1: "ether", 512: "ppp", 768: "ipip", 769: "tunnel6", 772: "loopback", 776: "sit", 778: "gre", 823: "ip6gre", 824: "netlink",
    65534: "nohdr",
}  # fmt: skip
_STATES: Final = ("unknown", "notPresent", "down", "lowerLayerDown", "testing", "dormant", "up")
_SCOPES: Final = {0: "global", 200: "site", 253: "link", 254: "host", 255: "nowhere"}
_TABLES: Final = {0: "unspec", 253: "default", 254: "main", 255: "local"}
_ROUTE_TYPES: Final = (
    "unspec", "unicast", "local", "broadcast", "anycast", "multicast", "blackhole", "unreachable", "prohibit", "throw", "nat", "xresolve",
)  # fmt: skip
_PROTOCOLS: Final = {
    0: "unspec", 1: "redirect", 2: "kernel", 3: "boot", 4: "static", 9: "ra", 10: "mrt", 11: "zebra", 12: "bird", 13: "dnrouted",
    14: "xorp", 15: "ntk", 16: "dhcp", 17: "mrtd", 18: "keepalived", 42: "babel", 99: "openr", 186: "bgp", 187: "isis", 188: "ospf",
    189: "rip", 192: "eigrp",
}  # fmt: skip
_RULE_ACTIONS: Final = {0: "unspec", 1: "unicast", 6: "blackhole", 7: "unreachable", 8: "prohibit"}
_LINK_FLAGS: Final = {
    1: "UP", 2: "BROADCAST", 4: "DEBUG", 8: "LOOPBACK", 16: "POINTTOPOINT", 32: "NOTRAILERS", 64: "RUNNING", 128: "NOARP", 256: "PROMISC",
    512: "ALLMULTI", 1024: "MASTER", 2048: "SLAVE", 4096: "MULTICAST", 8192: "PORTSEL", 16384: "AUTOMEDIA", 32768: "DYNAMIC",
    65536: "LOWER_UP", 131072: "DORMANT", 262144: "ECHO",
}  # fmt: skip
_ADDRESS_FLAGS: Final = {
    1: "temporary", 2: "nodad", 4: "optimistic", 8: "dadfailed", 16: "homeaddress", 32: "deprecated", 64: "tentative", 128: "permanent",
    256: "mngmtmpaddr", 512: "noprefixroute", 1024: "mcautojoin", 2048: "stableprivacy",
}  # fmt: skip


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
        links = {found.name: _spec(link_status(found, device if found.name == link else None)) for found in seen.links}
        to.replace(LINK_STATUSES, links, owner="network.LinkStatusController")
    if seen.addresses is not None:
        addresses = {f"{found.link}/{found.address}": _spec(address_status(found)) for found in seen.addresses}
        to.replace(ADDRESS_STATUSES, addresses, owner="network.AddressStatusController")
    if seen.routes is not None:
        indexes = {found.name: found.index for found in seen.links or ()}
        routes = {route_status_id(found): _spec(route_status(found, indexes.get(found.link, 0))) for found in seen.routes}
        to.replace(ROUTE_STATUSES, routes, owner="network.RouteStatusController")
    if seen.rules is not None:
        rules = {f"{_FAMILIES[found.version]}/{found.priority:05d}": _spec(rule_status(found)) for found in seen.rules}
        to.replace(POLICY_RULE_STATUSES, rules, owner="network.RoutingRuleStatusController")
    if seen.chains is not None:
        chains = seen.chains.chains if wanted is None else wanted
        to.replace(CHAINS.kind, {chain.name: CHAINS.spec(chain) for chain in chains}, owner="kubespan.ManagerController")


def link_status(link: HostLink, device: DeviceConfig | None) -> dict[str, Any]:
    """A link's fields; keys of WireGuard are left out, as Talos does."""
    plain: dict[str, Any] = {
        "index": link.index,
        "type": _named(_LINK_TYPES, link.type, "LinkType"),
        "linkIndex": link.parent,
        "flags": _flags(_LINK_FLAGS, link.flags),
        "hardwareAddr": link.hardware,
        "permanentAddr": link.permanent,
        "broadcastAddr": link.broadcast,
        "mtu": link.mtu,
        "queueDisc": link.queue,
        **({"masterIndex": link.master} if link.master else {}),
        "operationalState": _STATES[link.state],
        "kind": link.kind,
        "slaveKind": link.slave_kind,
        "linkState": link.carries,
        "port": "Other",
        "duplex": "Unknown",
    }
    if device is not None:
        from talos_resources.kubespan.keys import public_key

        plain["kind"] = "wireguard"  # also where a program in user space runs it
        plain["wireguard"] = {
            "publicKey": public_key(device.private_key),
            "listenPort": device.listen_port,
            "firewallMark": device.firewall_mark,
            "peers": [
                {
                    "publicKey": peer.public_key,
                    "presharedKey": "",
                    "endpoint": "" if peer.endpoint is None else str(peer.endpoint),
                    "persistentKeepaliveInterval": f"{peer.keepalive_s}s",
                    "allowedIPs": [str(prefix) for prefix in peer.allowed_ips],
                }
                for peer in device.peers
            ],
        }
    return plain


def address_status(found: HostAddress) -> dict[str, Any]:
    """An address's fields."""
    others = {"local": found.local, "broadcast": found.broadcast, "anycast": found.anycast}
    return {
        "address": str(found.address),
        **{name: format_address(address) for name, address in others.items() if address is not None},
        "linkIndex": found.index,
        "linkName": found.link,
        "family": _FAMILIES[found.address.address.version],
        "scope": _named(_SCOPES, found.scope, "Scope"),
        "flags": _flags(_ADDRESS_FLAGS, found.flags),
        "priority": found.metric,
    }


def route_status(route: HostRoute, link_index: int) -> dict[str, Any]:
    """A route's fields."""
    return {
        "family": _FAMILIES[route.version],
        "dst": _prefix(route.destination),
        "src": _address(route.source),
        "gateway": _address(route.gateway),
        **({"outLinkIndex": link_index} if link_index else {}),
        **({"outLinkName": route.link} if route.link else {}),
        "table": _named(_TABLES, route.table),
        "priority": route.metric,
        "scope": _named(_SCOPES, route.scope, "Scope"),
        "type": _ROUTE_TYPES[route.type] if route.type < len(_ROUTE_TYPES) else f"RouteType({route.type})",
        "flags": "",
        "protocol": _named(_PROTOCOLS, route.protocol, "RouteProtocol"),
        **({"mtu": route.mtu} if route.mtu else {}),
    }


def route_status_id(route: HostRoute) -> str:
    """The id of a route's status: the table unless it is the main one, for IPv6 the link, then what tells routes apart."""
    table = "" if route.table == MAIN else f"{_named(_TABLES, route.table)}/"
    link = f"{route.link}/" if route.version == 6 else ""
    return f"{table}{link}{_FAMILIES[route.version]}/{_address(route.gateway)}/{_prefix(route.destination)}/{route.metric}"


def rule_status(rule: HostRule) -> dict[str, Any]:
    """A policy rule's fields."""
    plain = {
        "family": _FAMILIES[rule.version],
        "src": _prefix(rule.source),
        "dst": _prefix(rule.destination),
        "table": _named(_TABLES, rule.table),
        "priority": rule.priority,
        "action": _named(_RULE_ACTIONS, rule.action, "RoutingRuleAction"),
    }
    present = {"iifName": rule.in_link, "oifName": rule.out_link, "fwMark": rule.mark, "fwMask": rule.mask}
    return {**plain, **{name: value for name, value in present.items() if value}}


def _spec(plain: dict[str, Any]) -> UntypedSpec:
    return UntypedSpec(emit.dump(plain))


def _named(names: Mapping[int, str], number: int, kind: str = "") -> str:
    return names.get(number, f"{kind}({number})" if kind else str(number))


def _flags(names: Mapping[int, str], flags: int) -> str:
    return ",".join(name for bit, name in names.items() if flags & bit)


def _prefix(prefix: IPPrefix | None) -> str:
    return "" if prefix is None else str(prefix)


def _address(address: IPAddress | None) -> str:
    return "" if address is None else format_address(address)
