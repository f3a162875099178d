"""Tables for a terminal: coloured, and no wider than it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from rich.style import Style
from rich.text import Text

from talos_resources.model.kind import Kind
from talos_resources.model.printable import printable
from talos_resources.model.resource import Resource
from talos_resources.state.events import AnyEvent
from talos_resources.views.cells import Cells, Shape
from talos_resources.views.states import COLOURS, state_column
from talos_resources.views.tabwriter import GrowingColumns, align
from talos_resources.views.watch_table import LiveTable

MAX_ROWS: Final = 1000
"""More rows are printed as plain text, complete: rich is no way for bulk."""

_HEADING: Final = Style(bold=True)


class RichTablePrinter:
    """The table of a list: laid out like the plain one, long cells cut to fit."""

    def __init__(self, kind: Kind[Any], shape: Shape, *, width: int) -> None:
        self._cells = Cells(kind, shape)
        self._width = width
        self._rows: list[list[str]] = [self._cells.headings]

    def resources(self, node: str, resources: Iterable[Resource[Any]]) -> Iterator[Text | str]:
        """Takes resources of a node; nothing is printed yet."""
        self._rows += [self._cells.row(resource, node=node) for resource in resources]
        return iter(())

    def finish(self) -> Iterator[Text | str]:
        """The table, a `Text` for each line."""
        if len(self._rows) > MAX_ROWS:
            yield align("".join(["\t".join(row) + "\n" for row in self._rows]))
            return
        lines = GrowingColumns(self._width, yielding=self._cells.headings.index("ID")).lines(self._rows)
        painter = _Painter(self._cells.headings, self._width)
        yield from (painter.line(line) for line in lines)


class RichWatchPrinter:
    """The lines of a `LiveTable`, coloured."""

    def __init__(self, table: LiveTable, *, width: int) -> None:
        self._table = table
        self._painter = _Painter(table.headings, width)

    def event(self, node: str, event: AnyEvent) -> Iterator[Text]:
        """The lines that can be printed now."""
        return map(self._painter.line, self._table.event(node, event))

    def headings(self) -> Iterator[Text]:
        """The headings, once more."""
        return map(self._painter.heading, self._table.headed())

    def finish(self) -> Iterator[Text]:
        """The lines that have not been printed yet."""
        return map(self._painter.line, self._table.finish())


class _Painter:
    """Makes the lines of one table: first the headings, then rows with their state coloured."""

    def __init__(self, headings: Sequence[str], width: int) -> None:
        self._width = width
        self._state = state_column(headings)
        self._headed = False

    def heading(self, cells: Sequence[str]) -> Text:
        self._headed = False
        return self.line(cells)

    def line(self, cells: Sequence[str]) -> Text:
        text = Text(style="" if self._headed else _HEADING)
        for index, cell in enumerate(cells):
            is_state = self._headed and index == self._state
            text.append(printable(cell), style=COLOURS.get(cell.rstrip()) if is_state else None)
        text.truncate(self._width, overflow="crop")  # where even the narrowest columns are too many
        self._headed = True
        return text
