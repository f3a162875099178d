"""From typed fields to the YAML that Talos writes: keys in the order of the table, zero values filled in.

Source: Talos v1.12.3 and v1.14.0-rc.1, configuration encoder without comments, over go.yaml.in/yaml v4.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from talos_resources.codec.goyaml.emit import Written, double_quoted, dump
from talos_resources.codec.goyaml.keys import natural_key
from talos_resources.codec.goyaml.resolve import OLD_WORDS, is_old_number
from talos_resources.codec.timetext import TimeText
from talos_resources.machineconfig.schema.scalars import SCALARS
from talos_resources.machineconfig.schema.types import ArgValue, FreeForm, ListOf, MapOf, Scalar, Struct, Type
from talos_resources.releases import NEWEST, YamlStyle

_DECIDING: Final = {"block.EncryptionSpec": ("provider", "keys")}
"""Structs that are left out without these fields, whatever else they say."""


def argument(text: str) -> str:
    """The text of an argument as the emitter takes it: Talos quotes only what YAML 1.2 takes for something else."""
    if text == "<<":
        return Written(double_quoted(text))
    if text in OLD_WORDS or is_old_number(text):
        return Written(text)
    if text and not text.strip("\n"):
        return Written(f"|+\n{text[1:]}")
    return text


class _OctalText(TimeText):
    """A file mode: a number that Talos writes as 0o644. The emitter writes texts of this family plain."""

    __slots__ = ()


def encode(kind: Struct, fields: Mapping[str, Any], style: YamlStyle = NEWEST.yaml) -> str:
    """A document as YAML text, one newline at its end."""
    return dump(to_plain(kind, fields), style=style)


def to_plain(kind: Type, value: Any, *, complete: bool = True) -> Any:
    """A typed value as the emitter takes it: in order and complete.

    Args:
        kind: the type of the value.
        value: as `decode` gives it; None for a null pointer.
        complete: fill in the zero values that Talos writes; else only what is set is there.
    """
    if value is None:
        return [] if isinstance(kind, ListOf) else {} if isinstance(kind, MapOf | FreeForm) else None
    match kind:
        case Struct():
            return _struct(kind, value, complete=complete)
        case ListOf():
            return [to_plain(kind.item, item, complete=complete) for item in value]
        case MapOf():
            return {key: to_plain(kind.item, value[key], complete=complete) for key in sorted(value, key=natural_key)}
        case FreeForm():
            return free_form(value)
        case ArgValue():
            return [argument(item) for item in value] if isinstance(value, list) else argument(value) if value else None
        case Scalar():
            return _OctalText(f"0o{value:o}") if kind.name == "os.FileMode" else value


def _struct(kind: Struct, fields: Mapping[str, Any], *, complete: bool) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for field in kind.fields.values():
        if not complete and field.key not in fields:
            continue
        value = fields.get(field.key)
        if value is None and not field.pointer:
            value = zero(field.type)
        if complete and field.omit_empty and (value is None if field.pointer else is_zero(field.type, value)):
            continue
        plain[field.key] = to_plain(field.type, value, complete=complete)
    return plain


def zero(kind: Type) -> Any:
    """The value that an absent field has in Talos; None for lists and maps."""
    match kind:
        case Struct() | FreeForm():
            return {}
        case Scalar():
            return SCALARS[kind.name].zero
        case ArgValue():
            return ""
        case _:
            return None


def is_zero(kind: Type, value: Any) -> bool:
    """Whether a value is left out where the table says "omitempty"."""
    match kind:
        case Struct():
            fields = [kind.fields[key] for key in _DECIDING.get(kind.name, kind.fields)]
            return all(field.key not in value or (not field.pointer and is_zero(field.type, value[field.key])) for field in fields)
        case Scalar():
            return bool(value == SCALARS[kind.name].zero)
        case _:
            return not value


def free_form(value: Any) -> Any:
    """A free-form value with the keys of its mappings in Go's order."""
    if isinstance(value, dict):
        return {key: free_form(value[key]) for key in sorted(value, key=natural_key)}
    return [free_form(item) for item in value] if isinstance(value, list) else value
