"""Changes of resources as lines for people and as plain values for programs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from talos_resources.insight.changes import FieldChange
from talos_resources.model.kind import typed_kind
from talos_resources.model.printable import printable
from talos_resources.model.resource import Resource
from talos_resources.model.timestamp import Timestamp
from talos_resources.model.wrapping import wrapped

_LONGEST: Final = 60
_GAP: Final = "   "
_CODES: Final = {"up": "32", "down": "1;31", "unknown": "33", "absent": "35"}
_LEAST: Final = 40
"""The columns that a change needs beside the others."""
_OF_CHANGES: Final = {"created": "32", "destroyed": "31"}
_BECAME: Final = re.compile(r"(→ )(up|down|unknown|absent)(?![^,])")


def fields_text(fields: Iterable[FieldChange]) -> str:
    """`state: up → down, endpoint: 203.0.113.7:40112 → 192.168.7.9:51820`."""
    return ", ".join(f"{field.path}: {_value(field.old)} → {_value(field.new)}" for field in fields)


def change_text(change: str, fields: Sequence[FieldChange]) -> str:
    """What happened in words: `created`, `destroyed`, or the fields that changed."""
    return fields_text(fields) if fields else change


def painted(change: str) -> str:
    """A change for a terminal: what it became in the colour of its state, what came in green and what went in red."""
    if change in _OF_CHANGES:
        return f"\x1b[{_OF_CHANGES[change]}m{change}\x1b[0m"
    return _BECAME.sub(lambda match: f"{match[1]}\x1b[{_CODES[match[2]]}m{match[2]}\x1b[0m", change)


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


def table(heading: Sequence[str], rows: Iterable[Sequence[str]], *, width: int | None = None, colour: bool = False) -> Iterator[str]:
    """Lines of aligned columns; the last one, a change, is as wide as it is.

    Args:
        heading: of the columns.
        rows: their cells.
        width: columns of a terminal, at which the change wraps at words; None for a pipe or a file.
        colour: with the colours of a terminal.
    """
    every = [heading, *rows]
    widths = [max(len(row[i]) for row in every) for i in range(len(heading) - 1)]
    for row in every:
        yield line(row, widths, width=width, colour=colour and row is not heading)


def line(row: Sequence[str], widths: Sequence[int], *, width: int | None = None, colour: bool = False) -> str:
    """One line of such a table; a change for which there is no room beside the rest stands below it."""
    lead = "".join(f"{cell:{wide}}{_GAP}" for cell, wide in zip(row, widths, strict=False))
    change = row[-1]
    if width is None or len(lead) + len(change) <= width:
        return f"{lead}{painted(change) if colour else change}".rstrip() + "\n"
    beside = len(lead) + _LEAST <= width
    texts = list(wrapped("", change, width - len(lead) if beside else width - 4))
    texts = [painted(text) for text in texts] if colour else texts
    first, further = (f"{lead}{texts[0]}", texts[1:]) if beside else (lead.rstrip(), texts)
    return "\n".join([first, *(f"{' ' * (len(lead) if beside else 4)}{text}" for text in further)]) + "\n"


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
