"""The table of types, structures and enumerations, with what Go's source does not say of them."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

import attrs

from talos_resources.resources.generate.names import snake

_HERE: Final = Path(__file__).parent

# Structures of other projects and of hand-written codecs: their fields are not in the source that the table is from.
_KNOWN: Final[dict[str, list[dict[str, Any]]]] = {
    "specs.LinuxIDMapping": [
        {"number": 1, "type": "uint32", "yaml": "containerid"},
        {"number": 2, "type": "uint32", "yaml": "hostid"},
        {"number": 3, "type": "uint32", "yaml": "size"},
    ],
    "specs.Mount": [
        {"number": 1, "type": "string", "yaml": "destination"},
        {"number": 2, "type": "string", "yaml": "type"},
        {"number": 3, "type": "string", "yaml": "source"},
        {"number": 4, "type": "[]string", "yaml": "options"},
        {"number": 5, "type": "[]specs.LinuxIDMapping", "yaml": "uidmappings"},
        {"number": 6, "type": "[]specs.LinuxIDMapping", "yaml": "gidmappings"},
    ],
    "x509.PEMEncodedCertificateAndKey": [
        {"number": 1, "type": "v1alpha1.Base64Bytes", "yaml": "crt"},
        {"number": 2, "type": "v1alpha1.Base64Bytes", "yaml": "key"},
    ],
    "x509.PEMEncodedCertificate": [{"number": 1, "type": "v1alpha1.Base64Bytes", "yaml": "crt"}],
    "x509.PEMEncodedKey": [{"number": 1, "type": "v1alpha1.Base64Bytes", "yaml": "key"}],
    "config.machineTypeSpec": [{"number": 1, "type": "machine.Type", "yaml": "", "name": "machine_type"}],
    "config.machineConfigSpec": [{"number": 1, "type": "string", "yaml": "", "name": "text"}],
    "network.DeviceConfigSpecSpec": [{"number": 1, "type": "config.Device", "yaml": "device"}],
    "k8s.ManifestSpec": [{"number": 1, "type": "[]k8s.SingleManifest", "yaml": "", "name": "items"}],
}
# The kernel's further bits, which Talos names too; the table ends at 512.
_BITS: Final = {
    "nethelpers.LinkFlags": "ALLMULTI MASTER SLAVE MULTICAST PORTSEL AUTOMEDIA DYNAMIC LOWER_UP DORMANT ECHO",
    "nethelpers.AddressFlags": "noprefixroute mcautojoin stableprivacy",
}
# What fields without a key of their own are called here.
_NAMES: Final = {
    "cri.BaseRuntimeSpecConfigSpec": "overrides",
    "k8s.SingleManifest": "object",
    "k8s.StaticPodSpec": "pod",
    "k8s.StaticPodStatusSpec": "pod_status",
    "network.LinkSpecSpec": "bond_slave",
}
_FIELDS: Final = {("v1alpha1.ServiceSpec", "unknown"): "health_unknown"}  # every class has an attribute `unknown`
_SPECS: Final = {"MachineConfigs.config.talos.dev": "config.machineConfigSpec"}
# Types of one display name.
_CLASSES: Final = {
    "MountStatuses.block.talos.dev": "BlockMountStatus",
    "MountStatuses.runtime.talos.dev": "RuntimeMountStatus",
    "MachineTypes.config.talos.dev": "MachineTypeConfig",
}


@attrs.frozen(kw_only=True)
class Field:
    """A field of a structure; see the table's `about`."""

    number: int
    type: str
    key: str
    name: str
    omit_empty: bool


@attrs.frozen(kw_only=True)
class Type:
    """A resource type.

    Attributes:
        spec: its structure.
        class_name: what its class is called here.
        rest: as in the table.
    """

    name: str
    class_name: str
    spec: str
    namespace: str
    columns: tuple[tuple[str, str], ...]
    display_type: str
    aliases: tuple[str, ...]
    all_aliases: tuple[str, ...]
    sensitive: bool


@attrs.frozen
class Table:
    """All of it."""

    types: dict[str, Type]
    structs: dict[str, tuple[Field, ...]]
    enums: dict[str, dict[str, str]]


@cache
def table() -> Table:
    """Reads the table."""
    data = json.loads((_HERE / "fields-1.14.json").read_text(encoding="utf-8"))
    structs = {}
    for name, listed in (data["structs"] | _KNOWN).items():
        structs[name] = tuple(
            Field(
                number=field["number"],
                type=field["type"],
                key=field["yaml"],
                name=field.get("name") or _FIELDS.get((name, field["yaml"])) or snake(field["yaml"] or _NAMES.get(name, "")),
                omit_empty=field.get("omitempty", False),
            )
            for field in listed
            if "number" in field
        )
    types: dict[str, Type] = {}
    for name, entry in data["types"].items():
        spec = str(_SPECS.get(name, entry["spec"]))
        if any(other.spec == spec for other in types.values()):  # two types of one structure: a class each
            twin = f"{spec.partition('.')[0]}.{name.partition('.')[0]}"
            structs[twin], spec = structs[spec], twin
        types[name] = Type(
            name=name,
            class_name=str(_CLASSES.get(name, entry["display_type"])),
            spec=spec,
            namespace=entry["namespace"],
            columns=tuple((column["name"], column["path"]) if isinstance(column, dict) else tuple(column) for column in entry["columns"]),
            display_type=entry["display_type"],
            aliases=tuple(entry["aliases"]),
            all_aliases=tuple(entry["all_aliases"]),
            sensitive=entry.get("sensitivity") == "sensitive",
        )
    for name, bits in _BITS.items():
        data["enums"][name] |= {str(512 << index): bit for index, bit in enumerate(bits.split())}
    return Table(types, structs, data["enums"])
