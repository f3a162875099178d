"""Go's types as annotations, defaults and the arguments of `wire`."""

from __future__ import annotations

from typing import Final

import attrs

from talos_resources.resources.generate.names import class_name, member
from talos_resources.resources.generate.table import Table

_MODEL: Final = "talos_resources.model"


@attrs.frozen(kw_only=True)
class Shape:
    """How a field is written.

    Attributes:
        annotation: its type.
        default: its default, as an expression.
        arguments: of `wire`, beside number, default and doc.
        imports: what both need: (module, name).
        uses: the structures and enumerations in it.
        holds: what sort of value it is, for deciding about secrets: text, bytes, free or other.
    """

    annotation: str
    default: str
    arguments: tuple[str, ...] = ()
    imports: frozenset[tuple[str, str]] = frozenset()
    uses: frozenset[str] = frozenset()
    holds: str = "other"


def _plain(annotation: str, default: str, *arguments: str, holds: str = "other", module: str = "") -> Shape:
    imports = frozenset({(f"{_MODEL}.{module}", annotation.partition(" ")[0])}) if module else frozenset()
    return Shape(annotation=annotation, default=default, arguments=arguments, imports=imports, holds=holds)


_ANY: Final = frozenset({("collections.abc", "Mapping"), ("typing", "Any"), (f"{_MODEL}.spec", "NO_ENTRIES")})
_SIMPLE: Final[dict[str, Shape]] = {
    "string": _plain("str", '""', holds="text"),
    "bool": _plain("bool", "False"),
    "float64": _plain("float", "0.0"),
    "int": _plain("int", "0"),
    "int64": _plain("int", "0"),
    **{name: _plain("int", "0", f'width="{name}"') for name in ("int32", "uint64", "uint32", "uint16", "uint8")},
    "uint": _plain("int", "0", 'width="uint64"'),
    "fs.FileMode": _plain("int", "0", 'width="uint32"'),
    "nethelpers.ICMPType": _plain("int", "0", 'width="uint8"'),
    "[]uint8": _plain("bytes", 'b""', holds="bytes"),
    "yamlutils.StringBytes": _plain("bytes", 'b""', 'form="text"', holds="bytes"),
    "v1alpha1.Base64Bytes": _plain("bytes", 'b""', 'form="base64"', holds="bytes"),
    "config.Device": _plain("str", '""', 'form="yaml"', holds="text"),
    "netip.Addr": _plain("IPAddress | None", "None", module="net"),
    "netip.Prefix": _plain("IPPrefix | None", "None", module="net"),
    "netip.AddrPort": _plain("AddrPort | None", "None", module="net"),
    "time.Time": _plain("Timestamp", "Timestamp.ZERO", module="timestamp"),
    "time.Duration": _plain("Duration", "Duration.ZERO", module="duration"),
    "*url.URL": _plain("URL | None", "None", module="values"),
    "nethelpers.HardwareAddr": _plain("HardwareAddr", "HardwareAddr()", module="values"),
    "cel.Expression": _plain("Expression", "Expression()", module="values"),
    "map[string]interface {}": Shape(annotation="Mapping[str, Any]", default="NO_ENTRIES", imports=_ANY, holds="free"),
    "network.EthernetFeatureStatusList": Shape(
        annotation="Mapping[str, str]",
        default="NO_ENTRIES",
        arguments=('form="entries"',),
        imports=_ANY - {("typing", "Any")},
        holds="text",
    ),
}


def shape(go_type: str, table: Table) -> Shape:
    """The shape of a field of a type of Go.

    Raises:
        KeyError: nothing is known of the type.
    """
    if go_type in _SIMPLE:
        return _SIMPLE[go_type]
    if go_type in table.enums:
        return _enum(go_type, table)
    if go_type in table.structs:
        name = class_name(go_type)
        return Shape(annotation=name, default=f"{name}()", uses=frozenset({go_type}))
    if go_type.startswith("map[string]"):
        value = shape(go_type.removeprefix("map[string]").removeprefix("*"), table)
        imports = value.imports | _ANY - {("typing", "Any")}
        return attrs.evolve(value, annotation=f"Mapping[str, {value.annotation}]", default="NO_ENTRIES", imports=imports, holds="free")
    if go_type.startswith("[]"):
        value = shape(go_type.removeprefix("[]"), table) if go_type.removeprefix("[]") in _SIMPLE else shape(go_type[2:].lstrip("*"), table)
        return attrs.evolve(value, annotation=f"tuple[{value.annotation}, ...]", default="()")
    if go_type.startswith("*"):
        value = shape(go_type.removeprefix("*"), table)
        return attrs.evolve(value, annotation=f"{value.annotation} | None", default="None")
    raise KeyError(go_type)


def _enum(go_type: str, table: Table) -> Shape:
    name = class_name(go_type)
    entries = table.enums[go_type]
    if entries[""].endswith("bit set"):
        return Shape(annotation=name, default=f"{name}(0)", uses=frozenset({go_type}))
    return Shape(annotation=name, default=f"{name}.{_zero(entries)}" if "0" in entries else f"{name}.of(0)", uses=frozenset({go_type}))


def _zero(entries: dict[str, str]) -> str:
    return member(entries["0"])
