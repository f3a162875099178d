"""BGPInstanceConfig.

Source: Talos v1.14.0-rc.1, validation of its documents; verdicts and texts observed on talosctl where recorded.
"""

from __future__ import annotations

import ipaddress

import attrs

from talos_resources.machineconfig.validate.report import Section, Subject


@attrs.frozen
class _Imported:
    """A network that is imported, and where it is said."""

    place: str
    network: ipaddress.IPv4Network | ipaddress.IPv6Network

    @property
    def first(self) -> int:
        return int(self.network.network_address)

    @property
    def last(self) -> int:
        return int(self.network.broadcast_address)


def check_bgp(subject: Subject) -> None:
    """Checks the document."""
    if not subject.text("name"):
        subject.error("name must be specified")
    if not subject.fields.get("localASN"):
        subject.error("localASN must be specified")
    router = subject.text("routerID")
    if router and ipaddress.ip_address(router).version != 4:
        subject.error("routerID must be an IPv4 address")
    neighbors = subject.fields.get("neighbors") or ()
    if not neighbors:
        subject.warn("BGPInstanceConfig has no neighbors configured")
    seen: set[str] = set()
    for index, neighbor in enumerate(neighbors):
        _check_neighbor(subject, f"neighbor[{index}]", neighbor, seen)
    _check_imports(subject, subject.fields.get("importRoutes") or ())


def _check_neighbor(subject: Subject, where: str, neighbor: Section, seen: set[str]) -> None:
    address, link = neighbor.get("address", ""), neighbor.get("link", "")
    if bool(address) == bool(link):
        subject.error(f"{where}: exactly one of address or link must be set")
    if str(neighbor.get("holdTime", "")).startswith("-"):
        subject.error(f"{where}: holdTime must not be negative")
    bfd = neighbor.get("bfd")
    if bfd is not None:
        if subject.text("vrf"):
            subject.error(f"{where}: bfd is not supported for VRF-bound BGP instances")
        for key in ("transmitInterval", "receiveInterval"):
            if str(bfd.get(key, "")).startswith("-"):
                subject.error(f"{where}: bfd.{key} must not be negative")
    key = address or link
    if bool(address) != bool(link):
        if key in seen:
            subject.error(f'{where}: duplicate neighbor "{key}"')
        seen.add(key)


def _check_imports(subject: Subject, routes: tuple[Section, ...] | list[Section]) -> None:
    sources: set[str] = set()
    networks: list[_Imported] = []
    for index, route in enumerate(routes):
        where = f"importRoutes[{index}]"
        source, prefixes = route.get("bgpInstance", ""), route.get("prefixes") or ()
        if not source:
            subject.error(f"{where}: bgpInstance must be specified")
        elif source == subject.text("name"):
            subject.error(f'{where}: cannot import from the same BGP instance "{source}"')
        if source and source in sources:
            subject.error(f'{where}: duplicate source BGP instance "{source}"')
        sources.add(source)
        if not prefixes:
            subject.error(f"{where}: at least one prefix must be specified")
        for number, prefix in enumerate(prefixes):
            place = f"{where}.prefixes[{number}]"
            if not prefix:
                subject.error(f"{place}: invalid prefix")
                continue
            interface = ipaddress.ip_interface(prefix)
            if interface.ip != interface.network.network_address:
                subject.error(f"{place}: prefix {prefix} must be masked")
            networks.append(_Imported(place, interface.network))
    _check_overlaps(subject, networks)


def _check_overlaps(subject: Subject, networks: list[_Imported]) -> None:
    """Each imported network may have one source: sorted by address, only the widest so far can reach into the next."""
    widest: _Imported | None = None
    for entry in sorted(networks, key=lambda one: (one.network.version, one.first, -one.last)):
        if widest is not None and entry.network.version == widest.network.version and entry.first <= widest.last:
            subject.error(f"{entry.place}: prefix {entry.network} overlaps {widest.place} {widest.network}")
        if widest is None or entry.network.version != widest.network.version or entry.last > widest.last:
            widest = entry
