"""`explain`: what a resource type is, who writes it, and what its fields mean."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Sequence
from enum import Enum
from typing import Any, Final, NamedTuple

import attrs

from talos_resources.codec import fields as codec
from talos_resources.model.errors import QueryError
from talos_resources.model.kind import Kind, typed_kind
from talos_resources.model.near import did_you_mean
from talos_resources.model.spec import UntypedSpec, wire_field
from talos_resources.model.wrapping import folded, wrapped
from talos_resources.views.tabwriter import column_widths

WIDTH: Final = 100
"""Paragraphs are wrapped at this column where no terminal is narrower."""

_TYPE_NAMES: Final[dict[codec.Shape, str]] = {
    "text": "text",
    "flag": "true or false",
    "number": "number",
    "bytes": "bytes in base64",
    "address": "IP address",
    "prefix": "network, 10.0.0.0/8",
    "addrport": "address and port, 10.0.0.1:51820",
    "time": "time, RFC 3339",
    "duration": "duration, 1m30s",
    "float": "number",
    "flags": "names joined by commas",
    "url": "URL",
    "hardware": "hardware address, 52:54:00:12:34:56",
    "expression": "CEL expression",
    "free": "anything",
    "message": "object",
}


class Field(NamedTuple):
    """A field of a spec.

    Attributes:
        path: from the spec, in the spelling of YAML: `kubespan.publicKey`.
        type: for people, with the unit.
        doc: what it means, and whether it is a secret.
    """

    path: str
    type: str
    doc: str


def fields_of(cls: Any, prefix: str = "") -> Iterator[Field]:
    """The fields of a spec class, those of nested objects after their object."""
    attributes = attrs.fields_dict(cls)
    for field in codec.fields_of(cls):
        declared = wire_field(attributes[field.name])
        assert declared is not None  # a codec's field is declared with `wire`
        path = prefix + field.key
        name = _enum_name(field.cls) if field.shape == "enum" else _TYPE_NAMES[field.shape]
        name = f"{'list: ' if field.repeated else 'by name: ' if field.mapping else ''}{name}"
        unit = f", {declared.unit}" if declared.unit else ""
        secret = " Secret." if declared.secret else ""
        yield Field(path, f"{name}{unit}", declared.doc + secret)
        if field.shape == "message":
            yield from fields_of(field.cls, f"{path}.")


def _enum_name(cls: type[Enum]) -> str:
    return "one of " + ", ".join(str(member) or '""' for member in cls)


def explain(kind: Kind[Any], path: Sequence[str] = (), *, width: int | None = None) -> str:
    """The text about a kind, or about one of its fields.

    Args:
        kind: typed or not.
        path: of the field, in the spelling of YAML or of Python, any case.
        width: columns of a terminal; None leaves the lines of tables whole, so that grep finds a whole field.

    Raises:
        QueryError: the kind has no such field, or nothing is known of its fields.
    """
    if path:
        return _explain_field(kind, path, width)
    parts = ["\n".join(wrapped("", _title(kind), width)), *_documentation(kind, width), _names(kind)]
    if kind.columns:
        rows = [(column.name.upper(), column.path) for column in kind.columns]
        parts.append("COLUMNS\n" + _table(rows, width))
    spec = _class(kind)
    if spec is None:
        parts.append("FIELDS\n  There is no class for this type here, only its definition: `get -o yaml` shows the fields.")
    else:
        parts.append("FIELDS\n" + _table(list(fields_of(spec)), width))
    return "\n\n".join(parts) + "\n"


def _class(kind: Kind[Any]) -> type[Any] | None:
    """The class of a kind's spec, if there is one here."""
    typed = typed_kind(kind.type) if kind.spec is UntypedSpec else kind
    return None if typed is None else typed.spec


def _explain_field(kind: Kind[Any], path: Sequence[str], width: int | None) -> str:
    name = f"{kind.display_type}.{'.'.join(path)}"
    spec = _class(kind)
    if spec is None:
        raise QueryError(f"nothing is known of {name}: there is no class for {kind.type} here, only its definition")
    wanted = _flat(".".join(path))
    fields = list(fields_of(spec))
    chosen = [f for f in fields if _flat(f.path) == wanted]
    if not chosen:
        names = [f.path for f in fields]
        near = did_you_mean(".".join(path), names)
        raise QueryError(f"{kind.display_type} has no field {'.'.join(path)}; it has {', '.join(names)}{near}")
    below = [f for f in fields if _flat(f.path).startswith(f"{wanted}.")]
    field = chosen[0]
    text = f"{kind.display_type}.{field.path}   ({field.type})\n\n{_wrapped(field.doc, width)}\n"
    return text + ("\nFIELDS\n" + _table(below, width) + "\n" if below else "")


def _title(kind: Kind[Any]) -> str:
    sensitive = ", only for administrators" if kind.sensitive else ""
    return f"{kind.display_type}   ({kind.type}, namespace {kind.namespace}{sensitive})"


def _documentation(kind: Kind[Any], width: int | None) -> list[str]:
    """The paragraphs of the class, without where the knowledge comes from."""
    spec = _class(kind)
    if spec is None:
        return []
    text = re.sub(r"\s*Source:.*\Z", "", inspect.getdoc(spec) or "", flags=re.DOTALL)
    return [_wrapped(" ".join(paragraph.split()).replace("`", ""), width) for paragraph in text.split("\n\n")]


def _names(kind: Kind[Any]) -> str:
    plural = kind.type.partition(".")[0].lower()
    names = dict.fromkeys((plural, *kind.short_aliases))
    return f"NAMES   {', '.join(names)}"


def _flat(path: str) -> str:
    return path.replace("_", "").lower()


def _wrapped(text: str, width: int | None) -> str:
    return "\n".join(folded(text, min(width or WIDTH, WIDTH)))


def _table(rows: Sequence[Sequence[str]], width: int | None) -> str:
    """Columns two in; where a terminal has no room for the last one, it stands below the others, wrapped."""
    widths = column_widths(rows)
    found = []
    for row in rows:
        line = "  " + "   ".join(cell.ljust(wide) for cell, wide in zip(row, widths, strict=True)).rstrip()
        if width is None or len(line) <= width:
            found.append(line)
            continue
        lead = "  " + "   ".join(cell.ljust(wide) for cell, wide in zip(row[:-1], widths, strict=False)).rstrip()
        found += [*wrapped("  ", lead.strip(), width), *wrapped(" " * 6, row[-1], width)]
    return "\n".join(found)
