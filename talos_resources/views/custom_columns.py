"""Tables whose columns are chosen: `-o custom-columns=NAME:.metadata.id,MTU:.spec.mtu`, as kubectl has them.

The expressions are evaluated over a resource as `-o json` shows it: `node`, `metadata`, `spec`, and `event` in a watch.

Source: kubectl's reference, custom columns: `<none>` for what is not there, several results with commas between
them, lists and mappings in Go's notation, columns at least six wide.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from talos_resources.codec.shown import shown as plain_of
from talos_resources.model.errors import QueryError
from talos_resources.model.printable import printable
from talos_resources.model.resource import Resource
from talos_resources.model.spec import REDACTED
from talos_resources.state.events import AnyEvent
from talos_resources.views.jsonpath import Path
from talos_resources.views.jsonpath.relaxed import relaxed, results
from talos_resources.views.jsonpath.text import float_text
from talos_resources.views.tabwriter import GrowingColumns, TabWriter
from talos_resources.views.watch import shown

NONE: Final = "<none>"
_SMALLEST: Final = 6


class CustomColumn(NamedTuple):
    """A column: its heading and what finds its cells."""

    heading: str
    path: Path


def parse_columns(text: str) -> tuple[CustomColumn, ...]:
    """Reads `HEADING:EXPRESSION,HEADING:EXPRESSION`.

    Raises:
        QueryError: there is none, or one cannot be understood.
    """
    if not text:
        raise QueryError("custom-columns needs columns, such as custom-columns=ID:.metadata.id,MTU:.spec.mtu")
    columns = []
    for part in text.split(","):
        heading, colon, expression = part.partition(":")
        if not colon:
            raise QueryError(f'custom column "{part}" has no expression; one looks like MTU:.spec.mtu')
        columns.append(_column(heading, expression))
    return tuple(columns)


def parse_template(text: str) -> tuple[CustomColumn, ...]:
    """Reads a template of two lines, headings and expressions, with blanks between them; what follows is not read.

    Raises:
        QueryError: a line lacks, one has more words than the other, or an expression cannot be understood.
    """
    lines = text.splitlines()
    if len(lines) < 2:
        raise QueryError("a template of custom columns is a line of headings and one of expressions, with blanks between them")
    headings, expressions = lines[0].split(), lines[1].split()
    if len(headings) != len(expressions) or not headings:
        raise QueryError(f"the template of custom columns has {len(headings)} headings and {len(expressions)} expressions; give as many")
    return tuple(map(_column, headings, expressions))


def _column(heading: str, expression: str) -> CustomColumn:
    try:
        return CustomColumn(heading, relaxed(expression))
    except QueryError as error:
        raise QueryError(f"custom column {heading}: {error}") from error


class CustomTablePrinter:
    """One table of all resources, of whatever kinds: printed at its end, or as events come."""

    def __init__(self, columns: Sequence[CustomColumn]) -> None:
        """Begins a table."""
        self._columns = columns
        self._headings = [printable(column.heading) for column in columns]
        self._writer = TabWriter(smallest=_SMALLEST)
        self._growing = GrowingColumns(smallest=_SMALLEST)
        self._begun = False

    def resources(self, node: str, resources: Iterable[Resource[Any]]) -> Iterator[str]:
        """Takes resources of a node; nothing is printed yet."""
        self._begin()
        for resource in resources:
            self._writer.write(self._row(resource, {"node": node}))
        return iter(())

    def event(self, node: str, event: AnyEvent) -> Iterator[str]:
        """The line of an event, if there is anything to show; columns keep their width and grow where they must."""
        if (what := shown(event)) is not None:
            row = self._row(what.resource, {"node": node, "event": what.name})
            rows = [row] if self._begun else [self._headings, row]
            self._begun = True
            yield "".join([f"{''.join(line)}\n" for line in self._growing.lines(rows)])

    def finish(self) -> Iterator[str]:
        """The table; just its headings if there was nothing."""
        self._begin()
        yield self._writer.flush()

    def headings(self) -> Iterator[str]:
        """Nothing: all kinds share one table."""
        return iter(())

    def _begin(self) -> None:
        if not self._begun:
            self._writer.write(self._headings)
            self._begun = True

    def _row(self, resource: Resource[Any], head: Mapping[str, str]) -> list[str]:
        plain = {**plain_of(resource), **head}
        nothing = REDACTED if plain["spec"] == REDACTED else NONE
        found = [results(column.path, plain) for column in self._columns]
        return [printable(",".join(map(_go_text, values))) if values else nothing for values in found]


def _go_text(value: Any) -> str:
    """A value in Go's `%v` notation."""
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return float_text(value)
    if isinstance(value, Mapping):
        return f"map[{' '.join(f'{key}:{_go_text(value[key])}' for key in sorted(value, key=str))}]"
    if isinstance(value, list | tuple):
        return f"[{' '.join(map(_go_text, value))}]"
    return str(value)
