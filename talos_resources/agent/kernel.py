"""What the kernel has now of this host's network: links, addresses, routes, policy rules.

Read with `ip -json` of iproute2, numbers as numbers. Flags and types are the kernel's (linux/if.h, if_addr.h,
rtnetlink.h), as they are in Talos's resources.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

import attrs

from talos_resources.agent.link_details import hardware, link_details, permanent_address
from talos_resources.agent.tools import run_json
from talos_resources.model.net import IPAddress, IPPrefix
from talos_resources.model.values import HardwareAddr
from talos_resources.resources.network.link_status import LinkFlags

T = TypeVar("T")

MAIN: Final = 254
"""The main routing table."""
UNICAST, UNREACHABLE = 1, 7
STATIC: Final = 4
"""The protocol of routes that an administrator or a program wants."""

_LINK_FLAGS: Final = {**LinkFlags.texts(), "POINTOPOINT": LinkFlags.POINTTOPOINT}
_RUNNING: Final = 64
_LINK_TYPES: Final = {"ether": 1, "loopback": 772, "none": 65534}
_STATES: Final = {"UNKNOWN": 0, "NOTPRESENT": 1, "DOWN": 2, "LOWERLAYERDOWN": 3, "TESTING": 4, "DORMANT": 5, "UP": 6}
_ADDRESS_FLAGS: Final = {
    "temporary": 1, "nodad": 2, "optimistic": 4, "dadfailed": 8, "home": 16, "deprecated": 32, "tentative": 64, "mngtmpaddr": 256,
    "noprefixroute": 512, "autojoin": 1024, "stable-privacy": 2048,
}  # fmt: skip
_ROUTE_FLAGS: Final = {"dead": 1, "pervasive": 2, "onlink": 4, "offload": 8, "linkdown": 16, "unresolved": 32, "trap": 64, "notify": 256}
_SECONDARY: Final = {4: "secondary", 6: "temporary"}
_PERMANENT: Final = 128
_ACTIONS: Final = {"goto": 2, "nop": 3, "blackhole": 6, "unreachable": 7, "prohibit": 8}


@attrs.frozen(kw_only=True)
class HostLink:
    """A link; indexes are 0 where there is none.

    Attributes:
        details: what only links of its kind have, by its name in LinkStatuses.
    """

    index: int
    name: str
    type: int
    parent: int
    flags: int
    hardware: HardwareAddr
    permanent: HardwareAddr
    broadcast: HardwareAddr
    mtu: int
    queue: str
    master: int
    state: int
    kind: str
    slave_kind: str
    alias: str = ""
    alt_names: tuple[str, ...] = ()
    details: Mapping[str, Any] = attrs.field(factory=dict)

    @property
    def is_up(self) -> bool:
        """Whether somebody has put it up."""
        return bool(self.flags & 1)

    @property
    def carries(self) -> bool:
        """Whether what is below it is there."""
        return bool(self.flags & _LINK_FLAGS["LOWER_UP"])

    @property
    def is_physical(self) -> bool:
        """As Talos judges it: Ethernet, and not made of something else."""
        return self.type == 1 and not self.kind


@attrs.frozen(kw_only=True)
class HostAddress:
    """An address of a link.

    Attributes:
        address: of the other end where the link has one, with the prefix length.
        local: the host's own; None for IPv6 without another end.
        scope: 0 for the whole world, 253 for the link, 254 for the host.
    """

    link: str
    index: int
    address: IPPrefix
    local: IPAddress | None
    broadcast: IPAddress | None
    anycast: IPAddress | None
    scope: int
    flags: int
    metric: int


@attrs.frozen(kw_only=True)
class NextHop:
    """One of several ways of a route, and how many packets take it in proportion to the others."""

    gateway: IPAddress | None
    link: str
    weight: int


@attrs.frozen(kw_only=True)
class HostRoute:
    """A route; None for a destination means everywhere. One with several ways has neither gateway nor link of its own."""

    version: int
    destination: IPPrefix | None
    source: IPAddress | None
    gateway: IPAddress | None
    link: str
    table: int
    metric: int
    scope: int
    type: int
    protocol: int
    flags: int
    mtu: int
    hops: tuple[NextHop, ...] = ()


@attrs.frozen(kw_only=True)
class HostRule:
    """A policy rule; None for a source or destination means every one, empty texts any link."""

    version: int
    priority: int
    source: IPPrefix | None
    destination: IPPrefix | None
    mark: int
    mask: int
    table: int
    action: int
    in_link: str
    out_link: str


def read_links() -> tuple[tuple[HostLink, ...], tuple[HostAddress, ...]]:
    """All links and all addresses.

    Raises:
        OSError: `ip` is not there, hangs, fails or prints nonsense.
    """
    command = ("ip", "-json", "-details", "-Numeric", "address", "show")
    entries = _entries(command)
    indexes = {str(entry.get("ifname")): int(entry.get("ifindex", 0)) for entry in entries}
    links = _understood(command, lambda: tuple(_link(entry, indexes) for entry in entries))
    addresses = _understood(
        command, lambda: tuple(_address(entry, info) for entry in entries for info in entry.get("addr_info", ()) if info)
    )
    return links, addresses


def read_routes() -> tuple[HostRoute, ...]:
    """All routes of all tables, IPv4 first; raises as `read_links`."""
    return tuple(route for version in (4, 6) for route in _read(version, _route, "route", "show", "table", "all"))


def read_rules() -> tuple[HostRule, ...]:
    """All policy rules, IPv4 first; raises as `read_links`."""
    return tuple(rule for version in (4, 6) for rule in _read(version, _rule, "rule", "show"))


def _read(version: int, parse: Callable[[int, Mapping[str, Any]], T], *what: str) -> list[T]:
    command = ("ip", f"-{version}", "-json", "-details", "-Numeric", *what)
    entries = _entries(command)
    return _understood(command, lambda: [parse(version, entry) for entry in entries])


def _entries(command: Sequence[str]) -> list[Mapping[str, Any]]:
    entries = run_json(*command)
    if entries is None:
        return []
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise OSError(f"`{' '.join(command)}` printed no list of objects")
    return [entry for entry in entries if entry]  # some versions print an empty object for what they filter out


def _understood(command: Sequence[str], parse: Callable[[], T]) -> T:
    try:
        return parse()
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise OSError(f"`{' '.join(command)}` printed what cannot be understood: {error!r}") from None


def _link(entry: Mapping[str, Any], indexes: Mapping[str, int]) -> HostLink:
    names = set(entry["flags"])
    flags = sum(int(bit) for name, bit in _LINK_FLAGS.items() if name in names)
    if "UP" in names and "NO-CARRIER" not in names:
        flags |= _RUNNING  # `ip` shows this flag by its absence
    info = entry.get("linkinfo") or {}
    text = str(entry.get("link_type", "")).strip("[]")
    return HostLink(
        index=int(entry["ifindex"]),
        name=str(entry["ifname"]),
        type=_LINK_TYPES[text] if text in _LINK_TYPES else int(text),
        parent=int(entry.get("link_index") or indexes.get(str(entry.get("link")), 0)),
        flags=flags,
        hardware=hardware(entry.get("address")),
        permanent=permanent_address(entry),
        broadcast=hardware(entry.get("broadcast")),
        mtu=int(entry["mtu"]),
        queue=str(entry.get("qdisc", "")),
        master=indexes.get(str(entry.get("master")), 0),
        state=_STATES.get(str(entry.get("operstate")), 0),
        kind=str(info.get("info_kind", "")),
        slave_kind=str(info.get("info_slave_kind", "")),
        alias=str(entry.get("ifalias", "")),
        alt_names=tuple(map(str, entry.get("altnames", ()))),
        details=link_details(entry),
    )


def _address(link: Mapping[str, Any], info: Mapping[str, Any]) -> HostAddress:
    local, other = ipaddress.ip_address(info["local"]), info.get("address")
    flags = sum(bit for name, bit in _ADDRESS_FLAGS.items() if info.get(name))
    if info.get(_SECONDARY[local.version]):
        flags |= 1
    if not info.get("dynamic"):
        flags |= _PERMANENT
    return HostAddress(
        link=str(link["ifname"]),
        index=int(link["ifindex"]),
        address=IPPrefix(local if other is None else ipaddress.ip_address(other), int(info["prefixlen"])),
        local=local if local.version == 4 or other is not None else None,
        broadcast=_ip(info.get("broadcast")),
        anycast=_ip(info.get("anycast")),
        scope=int(info.get("scope", 0)),
        flags=flags,
        metric=int(info.get("metric", 0)),
    )


def _route(version: int, entry: Mapping[str, Any]) -> HostRoute:
    metrics = {name: value for metric in entry.get("metrics", ()) for name, value in metric.items()}
    return HostRoute(
        version=version,
        destination=_prefix(entry["dst"], None),
        source=_ip(entry.get("prefsrc")),
        gateway=_gateway(entry),
        link=str(entry.get("dev", "")),
        table=int(entry.get("table", MAIN)),
        metric=int(entry.get("metric", 0)),
        scope=int(entry.get("scope", 0)),
        type=int(entry.get("type", UNICAST)),
        protocol=int(entry.get("protocol", 3)),
        flags=sum(_ROUTE_FLAGS.get(str(name), 0) for name in entry.get("flags", ())),
        mtu=int(metrics.get("mtu", 0)),
        hops=tuple(
            NextHop(gateway=_gateway(hop), link=str(hop.get("dev", "")), weight=int(hop.get("weight", 1)))
            for hop in entry.get("nexthops", ())
        ),
    )


def _gateway(entry: Mapping[str, Any]) -> IPAddress | None:
    return _ip(entry.get("gateway") or (entry.get("via") or {}).get("host"))


def _rule(version: int, entry: Mapping[str, Any]) -> HostRule:
    mark = int(str(entry.get("fwmark", "0")), 0)
    action = next((key for key in ("goto", "nop") if key in entry), str(entry.get("action", "")))  # these two say so by a key of their own
    return HostRule(
        version=version,
        priority=int(entry["priority"]),
        source=_prefix(entry.get("src", "all"), entry.get("srclen")),
        destination=_prefix(entry.get("dst", "all"), entry.get("dstlen")),
        mark=mark,
        mask=int(str(entry.get("fwmask", "0xffffffff" if mark else "0")), 0),
        table=int(entry.get("table", 0)),
        action=int(action) if action.isdecimal() else _ACTIONS.get(action, UNICAST),
        in_link=str(entry.get("iif", "")),
        out_link=str(entry.get("oif", "")),
    )


def _ip(text: Any) -> IPAddress | None:
    return None if not text else ipaddress.ip_address(text)


def _prefix(text: str, length: Any) -> IPPrefix | None:
    if text in ("all", "default"):
        return None
    bare, _, digits = text.partition("/")
    address = ipaddress.ip_address(bare)
    size = digits or length
    return IPPrefix(address, address.max_prefixlen if size is None or size == "" else int(size))
