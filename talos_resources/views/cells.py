"""The cells of a kind's tables: what tables, CSV, HTML and the terminal show of a resource."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from talos_resources.codec.shown import shown_spec
from talos_resources.model.errors import QueryError
from talos_resources.model.kind import Column, Kind
from talos_resources.model.printable import printable
from talos_resources.model.resource import Resource
from talos_resources.model.spec import REDACTED

_SIMPLE: Final = re.compile(r"\{\.(\w+)\}")

Cell = Callable[[Any], str]
"""The cell of a plain spec."""


class Shape(NamedTuple):
    """Which columns a table has.

    Attributes:
        node: NODE comes first.
        event: a column for what happened follows.
        full: NAMESPACE and TYPE too, as in talosctl's table.
        literal: cells keep their control characters, as in talosctl's table.
        null: the cell of a null; one that is missing is empty.
    """

    node: bool = False
    event: bool = False
    full: bool = False
    literal: bool = False
    null: str = ""


class Cells:
    """Turns resources of one kind into rows of text."""

    def __init__(self, kind: Kind[Any], shape: Shape, *, event_heading: str = "*") -> None:
        """Prepares the columns.

        Raises:
            QueryError: the kind's definition has a column whose JSONPath cannot be understood.
        """
        self.kind = kind
        self.shape = shape
        self._columns = [_cell(column, shape.null) for column in kind.columns]
        leading = [*["NODE"] * shape.node, *[event_heading] * shape.event, *["NAMESPACE", "TYPE"] * shape.full, "ID", "VERSION"]
        self.headings = self._shown([*leading, *(column.name.upper() for column in kind.columns)])

    def row(self, resource: Resource[Any], *, node: str = "", event: str = "") -> list[str]:
        """The row of a resource; its cells are empty where it has no value.

        Args:
            resource: of the kind.
            node: shown if the shape has nodes.
            event: shown if the shape has events.
        """
        shape, metadata = self.shape, resource.metadata
        row = [node] if shape.node else []
        if shape.event:
            row.append(event)
        if shape.full:
            row += (metadata.namespace, self.kind.display_type)
        row += (metadata.id, str(metadata.version or "undefined"))
        if self._columns:
            plain = shown_spec(resource)
            if plain == REDACTED:
                row += [REDACTED, *[""] * (len(self._columns) - 1)]
            else:
                row += [cell({} if plain is None else plain) for cell in self._columns]
        return self._shown(row)

    def _shown(self, row: list[str]) -> list[str]:
        return row if self.shape.literal else [printable(cell) for cell in row]


def _cell(column: Column, null: str) -> Cell:
    """What computes a column's cells: an expression over the spec, missing keys being nothing."""
    simple = _SIMPLE.fullmatch(column.path)
    if simple is None:
        return _path_cell(column, null)
    name = simple[1]

    def field(spec: Any) -> str:
        value = spec.get(name, "") if isinstance(spec, dict) else ""  # a spec may be a mere text, as that of MachineTypes
        if type(value) is str:
            return value
        return str(value) if type(value) is int else _text(value, null)

    return field


def _text(value: Any, null: str) -> str:
    if value is None:
        return null
    from talos_resources.views.jsonpath.text import value_text

    return value_text(value, indent=None, null=null)


def _path_cell(column: Column, null: str) -> Cell:
    from talos_resources.views import jsonpath

    try:
        path = jsonpath.compile(column.path)
    except QueryError as error:
        raise QueryError(f"error parsing column {column.name}: {error}") from error

    def cell(spec: Any) -> str:
        try:
            return path.render(spec, missing_ok=True, null=null)
        except QueryError:  # one odd resource shall not cost the others' rows
            return ""

    return cell
