"""Changes of resources as lines for people and as plain values for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from talos_resources.insight.changes import FieldChange
from talos_resources.model.kind import typed_kind
from talos_resources.model.printable import printable
from talos_resources.model.resource import Resource
from talos_resources.model.timestamp import Timestamp

_LONGEST: Final = 60
_GAP: Final = "   "


def fields_text(fields: Iterable[FieldChange]) -> str:
    """`state: up → down, endpoint: 203.0.113.7:40112 → 192.168.7.9:51820`."""
    return ", ".join(f"{field.path}: {_value(field.old)} → {_value(field.new)}" for field in fields)


def change_text(change: str, fields: Sequence[FieldChange]) -> str:
    """What happened in words: `created`, `destroyed`, or the fields that changed."""
    return fields_text(fields) if fields else change


def subject(resource: Resource[Any]) -> str:
    """What people call a resource: the label of a peer, else its id."""
    return printable(str(getattr(resource.spec, "label", "") or resource.id))


def type_name(resource: Resource[Any]) -> str:
    """The singular name of its type."""
    kind = typed_kind(resource.type)
    return resource.type.partition(".")[0] if kind is None else kind.display_type


def clock(at: Timestamp) -> str:
    """A time in whole seconds: `2026-11-26T02:14:31Z`."""
    return str(Timestamp.from_seconds(at.seconds))


def table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Lines of aligned columns; the last one is as wide as it is."""
    every = [heading, *rows]
    widths = [max(len(row[i]) for row in every) for i in range(len(heading) - 1)]
    for row in every:
        yield _GAP.join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]).rstrip() + "\n"


def change_plain(change: str, resource: Resource[Any], fields: Sequence[FieldChange]) -> dict[str, Any]:
    """A change as plain values, for JSON."""
    return {
        "change": change,
        "type": resource.type,
        "namespace": resource.namespace,
        "id": resource.id,
        "version": resource.version,
        "fields": [{"path": field.path, "old": field.old, "new": field.new} for field in fields],
    }


def json_line(value: object) -> str:
    """A value as JSON on one line."""
    return json.dumps(value, ensure_ascii=False, default=str) + "\n"


def _value(value: object) -> str:
    if value is None:
        return "-"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    text = printable(text) or '""'
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
