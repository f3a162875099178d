"""What the expressions of a configuration can talk of."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import attrs

from talos_resources.machineconfig.cel.check import Checker, Functions, Records, Variables
from talos_resources.machineconfig.cel.tokens import CelError

_UNITS: Final[Variables] = dict.fromkeys(("kB", "KB", "MB", "GB", "TB", "PB", "EB", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"), "uint")


def _fields(**types: str) -> Mapping[str, str]:
    """A record from `type="field field …"`."""
    return MappingProxyType({field: kind.replace("list_", "list:") for kind, fields in types.items() for field in fields.split()})


_RECORDS: Final[Records] = {
    "disk": _fields(
        uint="size io_size sector_size",
        bool="readonly cdrom rotational",
        string="dev_path pretty_size model firmware_version serial modalias wwid uuid bus_path sub_system transport",
        list_string="secondary_disks symlinks",
    ),
    "volume": _fields(
        uint="size sector_size io_size block_size filesystem_block_size probed_size partition_index offset",
        string="dev_path type device_path parent parent_dev_path pretty_size name uuid label partition_uuid partition_type partition_label",
    ),
    "link": _fields(
        uint="index link_index flags mtu master_index",
        int="type operational_state speed_megabits port duplex",
        bool="link_state",
        bytes="hardware_addr permanent_addr broadcast_addr",
        string="alias queue_disc kind slave_kind bus_path pciid driver driver_version firmware_version product_id vendor_id product vendor",
        list_string="alt_names",
        dyn="vlan bridge_master bond_master vrf_master wireguard veth",
    ),
}
_GLOB: Final[Functions] = {"glob": (("string", "string"), "bool")}
_MAC: Final[Functions] = {"mac": (("bytes",), "string")}
_OF_MEMORY: Final[Functions] = {"multiply_qos_vectors": (("dyn", "dyn"), "double")}


@attrs.frozen
class Scope:
    """Where an expression stands.

    Attributes:
        variables: name → type.
        functions: name → types of its arguments, type of its value.
        is_open: it may talk of more than we know, so names and types are not checked.
    """

    variables: Variables
    functions: Functions = attrs.field(factory=dict)
    is_open: bool = False


DISK: Final = Scope({"disk": "disk", "system_disk": "bool", **_UNITS}, _GLOB)
"""A disk for the system, a volume or the installation."""

VOLUME: Final = Scope({"volume": "volume", "disk": "disk", **_UNITS})
"""A volume that is there already, also as a part of LVM or RAID."""

LINK: Final = Scope({"link": "link"}, {**_GLOB, **_MAC})
"""A physical network link."""

OUT_OF_MEMORY: Final = Scope(_UNITS, _OF_MEMORY, is_open=True)
"""What is to be done when memory is short: many figures of the machine and its control groups."""


def fault_of(text: str, scope: Scope, *, wanted: str = "bool") -> str:
    """Why an expression cannot stand where it does; empty if it can.

    Args:
        text: the expression.
        scope: where it stands.
        wanted: the type that its value has to have.
    """
    try:
        found = Checker(text, scope.variables, _RECORDS, scope.functions, is_open=scope.is_open).type()
    except CelError as error:
        return str(error)
    if found not in {wanted, "dyn"}:
        return f"expression output type is {found}, expected {wanted}"
    return ""
