"""`machine.network`: interfaces and KubeSpan.

Source: Talos v1.12.3 and v1.14.0-rc.1, configuration validation; verdicts observed on talosctl.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any, Final

from talos_resources.machineconfig.schema.enums import VALUES
from talos_resources.machineconfig.validate.report import (
    Report,
    Section,
    is_address,
    is_address_or_cidr,
    is_cidr,
    is_filter,
    section,
)
from talos_resources.releases import ValidationRules

MINIMUM_MTU: Final = 1280
"""The least that IPv6 allows, hence for the KubeSpan link."""

DEFAULT_MTU: Final = 1420

_BOND_WORDS: Final = {
    "mode": "BondMode",
    "xmitHashPolicy": "BondXmitHashPolicy",
    "lacpRate": "LACPRate",
    "arpValidate": "ARPValidate",
    "arpAllTargets": "ARPAllTargets",
    "primaryReselect": "PrimaryReselect",
    "failOverMac": "FailOverMAC",
    "adSelect": "ADSelect",
}


def check_kubespan(report: Report, machine: Section, cluster: Section, rules: ValidationRules) -> None:
    """Checks KubeSpan, if it is enabled."""
    kubespan = section(machine, "network.kubespan")
    if not kubespan.get("enabled"):
        return
    path = "machine.network.kubespan"
    if (mtu := kubespan.get("mtu") or DEFAULT_MTU) < MINIMUM_MTU:
        report.error(f"{path}.mtu", f"{mtu} is too small, the KubeSpan link needs {MINIMUM_MTU} at least")
    if rules.kubespan_needs_legacy_identity:
        if section(cluster, "discovery").get("enabled") is not True:
            report.error("cluster.discovery.enabled", "must be true, KubeSpan finds its peers through discovery")
        for key in ("id", "secret"):
            if not cluster.get(key):
                report.error(f"cluster.{key}", "KubeSpan needs it")
    filters = section(kubespan, "filters")
    for entry in filters.get("excludeAdvertisedNetworks") or ():
        if not is_cidr(entry):
            report.error(f"{path}.filters.excludeAdvertisedNetworks", f'"{entry}" is not a network such as 10.0.0.0/8')
    for entry in filters.get("endpoints") or ():
        if not is_filter(entry):
            report.error(f"{path}.filters.endpoints", f'"{entry}" is neither an address nor a network such as !10.0.0.0/8')


def check_network(report: Report, network: Section | None, *, is_worker: bool) -> None:
    """Checks the interfaces; None if there is no such section."""
    devices = (network or {}).get("interfaces") or []
    owners = _secondary(report, devices)
    for index, device in enumerate(devices):
        path = f"machine.network.interfaces[{index}]"
        if device is None:
            report.error(path, "is null")
            continue
        if is_worker:
            _check_no_vip(report, path, device)
        if not device.get("ignore"):
            _check_device(report, path, device)
            _check_addressing(report, path, device, owners)
            _check_routes(report, path, device)


def _secondary(report: Report, devices: list[Section]) -> dict[str, str]:
    """Which links are part of a bond or bridge, and of which."""
    owners: dict[str, str] = {}
    for index, device in enumerate(devices):
        path, device = f"machine.network.interfaces[{index}]", device or {}  # noqa: PLW2901 - null is reported elsewhere
        bond, bridge, name = device.get("bond"), device.get("bridge"), device.get("interface", "")
        if bond is not None and bridge is not None:
            report.error(path, "can be a bond or a bridge, not both")
        if bond is not None and bond.get("interfaces") and bond.get("deviceSelectors"):
            report.error(f"{path}.bond", "can have interfaces or deviceSelectors, not both")
        for link in (bridge or bond or {}).get("interfaces") or ():
            if owners.setdefault(link, name) != name:
                report.error(path, f'"{link}" is part of two links: "{owners[link]}" and "{name}"')
            owners[link] = name
    return owners


def _check_no_vip(report: Report, path: str, device: Section) -> None:
    vlans = [vlan for vlan in device.get("vlans") or () if vlan is not None]
    for _ in filter(None, (holder.get("vip") is not None for holder in [device, *vlans])):
        report.error(path, "a virtual (shared) address is not allowed on workers")


def _check_device(report: Report, path: str, device: Section) -> None:
    selector = device.get("deviceSelector")
    if bool(device.get("interface")) == (selector is not None):
        report.error(path, "needs either an interface or a deviceSelector")
    if selector is not None and not any(value not in ("", None) for value in selector.values()):
        report.error(f"{path}.deviceSelector", "must have at least one field")
    if device.get("bond") is not None:
        _check_bond(report, f"{path}.bond", device["bond"])
    if device.get("wireguard") is not None:
        _check_wireguard(report, f"{path}.wireguard", device["wireguard"])
    vlans: Sequence[Any] = device.get("vlans") or ()
    for number, vlan in enumerate(vlans):
        where = f"{path}.vlans[{number}]"
        if vlan is None:
            report.error(where, "is null")
            continue
        if vlan.get("addresses") and vlan.get("cidr"):
            report.error(where, "can have cidr or addresses, not both")
        for address in [*filter(None, [vlan.get("cidr")]), *(vlan.get("addresses") or ())]:
            if not is_address_or_cidr(address):
                report.error(where, f'"{address}" is no address')


def _check_bond(report: Report, path: str, bond: Section) -> None:
    for key, enum in _BOND_WORDS.items():
        word = bond.get(key, "")
        if (word or key == "mode") and word not in VALUES[f"nethelpers.{enum}"]:
            report.error(f"{path}.{key}", f'"{word}" is none of {", ".join(VALUES[f"nethelpers.{enum}"])}')
    mode, monitor = bond.get("mode", ""), bond.get("miimon", 0)
    for key in ("updelay", "downdelay"):
        delay = bond.get(key, 0)
        if delay and (not monitor or delay % monitor):
            report.error(f"{path}.{key}", "has to be a multiple of miimon")
    lacp, active, balancing = mode == "802.3ad", mode == "active-backup", mode in {"balance-tlb", "balance-alb"}
    refused = {
        "arpIPTarget": True,
        "adActorSystem": True,
        "lacpRate": not lacp,
        "adActorSysPrio": not lacp,
        "adUserPortKey": not lacp,
        "arpValidate": lacp or balancing,
        "arpInterval": lacp or balancing,
        "primary": not (active or balancing),
        "tlbDynamicLb": not balancing,
    }
    for key, is_refused in refused.items():
        if is_refused and bond.get(key):
            report.error(f"{path}.{key}", f'is not available in the mode "{mode}"')
    if bond.get("packetsPerSlave", 0) > 1 and mode != "balance-rr":
        report.error(f"{path}.packetsPerSlave", f'is not available in the mode "{mode}"')


def _check_wireguard(report: Report, path: str, wireguard: Section) -> None:
    _check_key(report, f"{path}.privateKey", wireguard.get("privateKey", ""))
    peers: Sequence[Any] = wireguard.get("peers") or ()
    for number, peer in enumerate(peers):
        where = f"{path}.peers[{number}]"
        _check_key(report, f"{where}.publicKey", (peer or {}).get("publicKey", ""))
        endpoint = (peer or {}).get("endpoint", "")
        if endpoint and not endpoint.rpartition(":")[2].isdigit():
            report.error(f"{where}.endpoint", f'"{endpoint}" has no port')
        for network in (peer or {}).get("allowedIPs") or ():
            if not is_cidr(network):
                report.error(f"{where}.allowedIPs", f'"{network}" is no network')


def _check_key(report: Report, path: str, text: str) -> None:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if len(data) != 32:
        report.error(path, "is not a WireGuard key (32 bytes in base64)")


def _check_addressing(report: Report, path: str, device: Section, owners: dict[str, str]) -> None:
    addresses, cidr, vip = device.get("addresses") or [], device.get("cidr", ""), device.get("vip")
    if device.get("interface", "") in owners and (device.get("dhcp") or cidr or addresses or vip is not None):
        report.error(path, "is part of a bond or bridge and should not have addresses")
    if addresses and cidr:
        report.error(path, "can have cidr or addresses, not both")
    if cidr:
        report.warn(f"{path}.cidr", "is deprecated, use addresses")
    for address in [*filter(None, [cidr]), *addresses]:
        if not is_address_or_cidr(address):
            report.error(f"{path}.addresses", f'"{address}" is no address')
    if vip is not None and not is_address(vip.get("ip", "")):
        report.error(f"{path}.vip.ip", f'"{vip.get("ip", "")}" is no address')


def _check_routes(report: Report, path: str, device: Section) -> None:
    for number, route in enumerate(device.get("routes") or ()):
        where = f"{path}.routes[{number}]"
        network, gateway, source = ((route or {}).get(key, "") for key in ("network", "gateway", "source"))
        if network and not is_cidr(network):
            report.error(f"{where}.network", f'"{network}" is no network')
        for key, address in (("gateway", gateway), ("source", source)):
            if address and not is_address(address):
                report.error(f"{where}.{key}", f'"{address}" is no address')
        if not network and not gateway:
            report.error(where, "needs a network or a gateway")
