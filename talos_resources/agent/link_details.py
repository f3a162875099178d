"""What a link is made of, from what `ip -json -details` prints of it; what bonds are set to is left out.

Source: iproute2 6.1, its JSON.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from typing import Any, Final

from talos_resources.model.values import HardwareAddr
from talos_resources.resources.network.bridge_master_spec import BridgeMasterSpec, BridgeVLANSpec, STPSpec
from talos_resources.resources.network.routing_table import RoutingTable
from talos_resources.resources.network.veth_spec import VethSpec
from talos_resources.resources.network.vlan_spec import VLANProtocol, VLANSpec
from talos_resources.resources.network.vrf_master_spec import VRFMasterSpec


def hardware(text: Any) -> HardwareAddr:
    """An address of a link; those of tunnels, which are IP addresses, are printed as such.

    Raises:
        ValueError: it is neither.
    """
    try:
        return HardwareAddr.parse(str(text or ""))
    except ValueError:
        return HardwareAddr(ipaddress.ip_address(text).packed)


def permanent_address(entry: Mapping[str, Any]) -> HardwareAddr:
    """The hardware address that a device was made with; `ip` tells it only where the present one is another."""
    is_made_up = bool((entry.get("linkinfo") or {}).get("info_kind")) or "LOOPBACK" in entry["flags"]
    return hardware(entry.get("permaddr") or ("" if is_made_up else entry.get("address")))


def link_details(entry: Mapping[str, Any]) -> dict[str, Any]:
    """What only links of some kinds have, by its name in LinkStatuses.

    Raises:
        KeyError, TypeError, ValueError: it is something else.
    """
    info = entry.get("linkinfo") or {}
    details = _DETAILS.get(str(info.get("info_kind")))
    return {} if details is None else details(entry, info.get("info_data") or {})


def _vlan(_entry: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    protocol = VLANProtocol(str(data.get("protocol", VLANProtocol.IEEE_802_1Q)).lower())
    return {"vlan": VLANSpec(vlan_id=int(data["id"]), vlan_protocol=protocol)}


def _bridge(_entry: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    stp, filtering = bool(data.get("stp_state")), bool(data.get("vlan_filtering"))
    return {"bridge_master": BridgeMasterSpec(stp=STPSpec(enabled=stp), vlan=BridgeVLANSpec(filtering_enabled=filtering))}


def _vrf(_entry: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    return {"vrf_master": VRFMasterSpec(table=RoutingTable.of(int(data["table"])))}


def _veth(entry: Mapping[str, Any], _data: Mapping[str, Any]) -> dict[str, Any]:
    """The other end has no name here where it is in another network namespace."""
    return {"veth": VethSpec(peer_name=str(entry["link"]))} if "link" in entry else {}


_DETAILS: Final[Mapping[str, Callable[[Mapping[str, Any], Mapping[str, Any]], dict[str, Any]]]] = {
    "vlan": _vlan,
    "bridge": _bridge,
    "vrf": _vrf,
    "veth": _veth,
}
