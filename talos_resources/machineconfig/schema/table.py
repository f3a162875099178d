"""The field table: which keys a document has, in which order, of which type, merged how.

The table is data (fields.txt, made by `compile`); this module reads it on first use and hands out types.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

import attrs

from talos_resources.machineconfig.schema.atoms import ATOMS

FIELDS_FILE: Final = Path(__file__).with_name("fields.txt")

DOCUMENT_KINDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        **{f"{name}Config": f"block.{name}ConfigV1Alpha1" for name in (
            "ExistingVolume", "RawVolume", "SwapVolume", "UserVolume", "Volume", "Zswap")},
        **{f"Registry{name}Config": f"cri.Registry{name}ConfigV1Alpha1" for name in ("Auth", "Mirror", "TLS")},
        **{f"{name}Config": f"network.{name}ConfigV1Alpha1" for name in (
            "Bond", "Bridge", "DHCPv4", "DHCPv6", "DummyLink", "Ethernet", "HCloudVIP", "Hostname", "Layer2VIP",
            "LinkAlias", "Link", "Resolver", "StaticHost", "TimeSync", "VLAN", "Wireguard")},
        **{f"Network{name}Config": f"network.{name}ConfigV1Alpha1" for name in ("DefaultAction", "Rule")},
        **{f"{name}Config": f"runtime.{name}V1Alpha1" for name in ("EventSink", "KmsgLog", "OOM", "WatchdogTimer")},
        "KubeSpanEndpointsConfig": "network.KubespanEndpointsConfigV1Alpha1",
        "ExtensionServiceConfig": "extensions.ServiceConfigV1Alpha1",
        "PCIDriverRebindConfig": "hardware.PCIDriverRebindConfigV1Alpha1",
        "TrustedRootsConfig": "security.TrustedRootsConfigV1Alpha1",
        "SideroLinkConfig": "siderolink.ConfigV1Alpha1",
    }
)  # fmt: skip
"""Kind of a document of apiVersion v1alpha1 → its type in the table."""

MERGE_KEYS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "v1alpha1.NetworkDeviceList": ("interface", "deviceSelector"),
        "v1alpha1.VlanList": ("vlanId",),
        "v1alpha1.AdmissionPluginConfigList": ("name",),
        "extensions.ConfigFileList": ("mountPath",),
    }
)
"""Lists whose items are merged when one of these fields is set and equal, instead of being appended."""


@attrs.frozen
class Atom:
    """A value without parts. `name` is a key of `ATOMS`: string, bool, uint32, time.Duration and so on."""

    name: str


@attrs.frozen
class FreeForm:
    """A mapping that Talos does not look into: Kubernetes objects and configuration of other programs."""

    name: str = "map[string]any"


@attrs.frozen
class ListOf:
    """A list; `merge_keys` as in `MERGE_KEYS`, empty where items are appended."""

    name: str
    item: Type
    pointers: bool
    merge_keys: tuple[str, ...] = ()


@attrs.frozen
class MapOf:
    """A mapping from any text to values of one type."""

    name: str
    item: Type
    pointers: bool


@attrs.frozen
class Field:
    """A key of a struct.

    Attributes:
        pointer: absent differs from the zero value.
        omit_empty: not written while it is the zero value.
        replace: a patch replaces the whole value.
    """

    key: str
    type: Type
    pointer: bool
    omit_empty: bool
    replace: bool


@attrs.frozen
class Struct:
    """A mapping with known keys; `atomic` ones are replaced as a whole by a patch."""

    name: str
    fields: Mapping[str, Field] = attrs.field(repr=False)
    atomic: bool = False


Type = Atom | FreeForm | ListOf | MapOf | Struct

_PEM: Final = {  # declared outside of the configuration package, hence not in the table
    "x509.PEMEncodedCertificateAndKey": ("crt", "key"),
    "x509.PEMEncodedCertificate": ("crt",),
    "x509.PEMEncodedKey": ("key",),
}


@cache
def document_type(kind: str) -> Struct | None:
    """The type of a kind of document, `v1alpha1` for the main one; None for an unknown kind."""
    name = "v1alpha1.Config" if kind == "v1alpha1" else DOCUMENT_KINDS.get(kind)
    if name is None:
        return None
    found = named(name)
    assert isinstance(found, Struct)
    return found


@cache
def named(name: str) -> Type:
    """A type by its name in the table, or a basic type."""
    if name in ATOMS:
        return Atom(name)
    if name in _PEM:
        fields = [Field(key=key, type=Atom("base64"), pointer=False, omit_empty=False, replace=False) for key in _PEM[name]]
        return Struct(name, MappingProxyType({field.key: field for field in fields}), atomic=True)
    entry = _table()[name]
    if isinstance(entry, str):
        return _parse(entry, package=name.split(".", maxsplit=1)[0], alias=name)
    if any(words[1] == "map[string]any" for words in entry):
        return FreeForm()
    fields = [field for words in entry for field in _fields(words, name.split(".", maxsplit=1)[0])]
    return Struct(name, MappingProxyType({field.key: field for field in fields}))


def _fields(words: list[str], package: str) -> list[Field]:
    key, text, *flags = words
    kind = _parse(text.removeprefix("*"), package=package)
    if "inline" in flags:
        assert isinstance(kind, Struct)
        return list(kind.fields.values())
    return [Field(key=key, type=kind, pointer=text.startswith("*"), omit_empty="omitempty" in flags, replace="replace" in flags)]


def _parse(text: str, *, package: str, alias: str = "") -> Type:
    name = alias or text
    for prefix, cls in (("[]", ListOf), ("map[string]", MapOf)):
        if text.startswith(prefix):
            inner = text.removeprefix(prefix)
            item = _parse(inner.removeprefix("*"), package=package)
            pointers = inner.startswith("*")
            if cls is ListOf:
                return ListOf(name, item, pointers, MERGE_KEYS.get(alias, ()))
            return MapOf(name, item, pointers)
    if text in ATOMS or "." in text:
        return named(text)
    return named(f"{package}.{text}")


@cache
def _table() -> dict[str, list[list[str]] | str]:
    """Type name → the words of its fields, or what it is an alias of."""
    table: dict[str, list[list[str]] | str] = {}
    fields: list[list[str]] = []
    for line in FIELDS_FILE.read_text().splitlines():
        if line.startswith(" "):
            fields.append(line.split())
            continue
        name, _, alias = line.partition(" = ")
        fields = []
        table[name] = alias or fields
    return table
