"""Specs as YAML text without a detour: one writer per class, made at first use.

It writes what `dump(spec_to_plain(spec))` writes, several times faster; tests hold one against the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from ipaddress import IPv4Address
from operator import attrgetter
from typing import Any, Final

from talos_resources.codec.fields import FieldInfo, Shape, cached, fields_of, inlined
from talos_resources.codec.goyaml.emit import Written, deeper, dump, dump_entry, leaf, scalar, verbatim
from talos_resources.codec.goyaml.resolve import resolve
from talos_resources.codec.plain import left_out, spec_to_plain, to_plain
from talos_resources.codec.value_text import address_text, addrport_text, clock_text, prefix_text
from talos_resources.releases import NEWEST
from talos_resources.releases.release import YamlStyle

Writer = Callable[[Any], str]
_STYLE: Final = NEWEST.yaml
"""Of the nodes that write such specs."""


def _addrport(value: Any) -> str:
    text = addrport_text(value)
    return f"'{text}'" if text.startswith("[") else text or '""'


def _network(value: Any, text: str) -> str:
    # An IPv6 address can look like a base-60 number, or end in a colon.
    return text if value is not None and value.version == 4 else scalar(text, _STYLE)


# Shapes whose None is null; an address that is none is an empty text.
_NULLABLE: Final = frozenset({"text", "flag", "number", "enum"})
_LEAVES: Final[dict[Shape, Writer]] = {
    "flag": lambda value: "true" if value else "false",
    "number": int.__repr__,
    "address": lambda value: _network(value, address_text(value)),
    "prefix": lambda value: scalar(prefix_text(value), _STYLE),
    "addrport": _addrport,
    "time": clock_text,
}


def spec_text(spec: Any, *, column: int = 0, style: YamlStyle = _STYLE) -> str:
    """The YAML of an instance of a spec class, its keys at `column`, with a newline at its end; empty if there is nothing in it.

    Args:
        spec: the instance.
        column: of its keys.
        style: of the node that would write it.
    """
    if spec.unknown is None and not inlined(type(spec)) and (style is _STYLE or style == _STYLE):
        return _writer(type(spec), column)(spec)
    plain = spec_to_plain(spec)
    for info in fields_of(type(spec)):
        if info.form == "entries" and info.key in plain:
            plain[info.key] = _bare(plain[info.key])
    return "" if plain == {} else dump(plain, indent=column, style=style)


def _bare(entries: Mapping[str, str]) -> dict[str, str]:
    """Entries that Go writes plain whatever they are: `off`, also `null`, which has quotes here, or it would not be read back."""
    return {_bare_text(key): _bare_text(value) for key, value in entries.items()}


def _bare_text(text: str) -> str:
    return Written(verbatim(text)) if "\n" not in text and type(resolve(text)) is str else text


@cached
def _writer(cls: type[Any], column: int) -> Writer:
    infos = fields_of(cls)
    # Two more names than there may be fields: attrgetter gives a tuple for several names only.
    values_of = attrgetter(*(info.name for info in infos), "unknown", "unknown")
    steps = tuple(_step(info, column) for info in infos)

    def write(spec: Any) -> str:
        return "".join([step(value) for step, value in zip(steps, values_of(spec), strict=False)])

    return write


def _step(info: FieldInfo, column: int) -> Writer:
    """The function that writes a field with its key and the newline; nothing where it is left out."""
    lead = f"{' ' * column}{info.key}:"
    if info.shape not in _LEAVES.keys() | {"text", "enum"} or info.mapping or info.form or (info.optional and info.shape in _NULLABLE):
        return _nested_step(info, column, lead)
    inner = deeper(column)
    if info.repeated:
        item_lead = f"{' ' * inner}- "
        item = _leaf_writer(info, inner + 2, inner)

        def write_list(values: Any) -> str:
            if not values:
                return "" if info.omit_empty else f"{lead} []\n"
            return f"{lead}\n" + "".join([f"{item_lead}{item(value)}\n" for value in values])

        return write_list
    if not info.omit_empty and info.shape in _LINES:
        return _LINES[info.shape](lead)
    one = _leaf_writer(info, inner, column)
    empty = left_out(info)
    if empty is not None:
        return lambda value: "" if empty(value) else f"{lead} {one(value)}\n"
    return lambda value: f"{lead} {one(value)}\n"


def _addrport_line(lead: str) -> Writer:
    def write(value: Any) -> str:
        if value is None:
            return f'{lead} ""\n'
        address = value.address
        if type(address) is IPv4Address:
            number = int(address)
            return f"{lead} {number >> 24}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}:{value.port}\n"
        return f"{lead} {_addrport(value)}\n"

    return write


# The shapes of fields that there are most of, without a call for the value within that for the line.
_LINES: Final[dict[Shape, Callable[[str], Writer]]] = {
    "addrport": _addrport_line,
    "number": lambda lead: lambda value: f"{lead} {value}\n",
    "time": lambda lead: lambda value: f"{lead} {clock_text(value)}\n",
}


def _leaf_writer(info: FieldInfo, indent: int, parent: int) -> Writer:
    if info.shape == "text":
        return lambda value: leaf(value, indent=indent, parent=parent, style=_STYLE)
    if info.shape == "enum":
        written = {member: scalar(str(member), _STYLE) for member in info.cls}
        return lambda value: written.get(value) or scalar(str(value), _STYLE)
    return _LEAVES[info.shape]


def _nested_step(info: FieldInfo, column: int, lead: str) -> Writer:
    """Messages, mappings and the like are rare: they go through plain values."""
    plain, empty = to_plain(info), left_out(info)
    if info.form == "entries":
        read = plain
        plain = lambda value: _bare(read(value))  # noqa: E731

    def write(value: Any) -> str:
        if empty is not None and empty(value):
            return ""
        if not info.key:
            inlined = plain(value)
            return dump(inlined, indent=column, style=_STYLE) if inlined else ""
        return f"{lead}{dump_entry(plain(value), column=column, style=_STYLE)}"

    return write
