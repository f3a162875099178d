"""Resources as CSV: the columns of talosctl's table, one line of headings."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from typing import Any, Final

from talos_resources.model.kind import Kind
from talos_resources.model.resource import Resource
from talos_resources.state.events import AnyEvent
from talos_resources.views.cells import Cells, Shape
from talos_resources.views.documents import gathered
from talos_resources.views.watch import shown

# The writer quotes those line breaks only that its own terminator has, so it has to have both.
_END: Final = "\r\n"

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet computes instead of showing it: a node's name may be `=HYPERLINK(…)`."""


class CsvPrinter:
    """Lines of comma-separated values, quoted where they must be; lines end with a line feed."""

    def __init__(self, kind: Kind[Any], *, events: bool, defuse: bool = False) -> None:
        """Prepares the headings.

        Args:
            kind: with the columns.
            events: a column more says what happened.
            defuse: cells that a spreadsheet would take for a formula get an apostrophe before them, which it hides.
        """
        self._defuse = defuse
        self._cells = Cells(kind, Shape(node=True, event=events, full=True, literal=True), event_heading="EVENT")
        self._headings: list[str] | None = self._cells.headings

    def resources(self, node: str, resources: Iterable[Resource[Any]]) -> Iterator[str]:
        """The lines of a node's resources."""
        return gathered(self._line(self._cells.row(resource, node=node)) for resource in resources)

    def event(self, node: str, event: AnyEvent) -> Iterator[str]:
        """The line of an event, if there is anything to show."""
        if (what := shown(event)) is not None:
            yield self._line(self._cells.row(what.resource, node=node, event=what.name))

    def headings(self) -> Iterator[str]:
        """The headings, once more."""
        yield _csv([self._cells.headings])

    def finish(self) -> Iterator[str]:
        """The headings, if nothing came."""
        if self._headings is not None:
            headings, self._headings = self._headings, None
            yield _csv([headings])

    def _line(self, row: list[str]) -> str:
        if self._defuse:
            row = [f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in row]
        headings, self._headings = self._headings, None
        return _csv([row] if headings is None else [headings, row])


def _csv(rows: list[list[str]]) -> str:
    lines = _Lines()
    csv.writer(lines, lineterminator=_END).writerows(rows)
    return "".join(lines)


class _Lines(list[str]):
    """Takes lines from a writer that ends them with `_END`."""

    def write(self, line: str) -> None:
        self.append(line.removesuffix(_END) + "\n")
