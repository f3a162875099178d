"""Tables of a watch as text: talosctl's (`-o wide`), and one whose columns stay aligned (`-o table`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from talos_resources.model.kind import Kind
from talos_resources.state.events import AnyEvent, Bootstrapped
from talos_resources.views.cells import Cells, Shape
from talos_resources.views.tabwriter import GrowingColumns, TabWriter, align
from talos_resources.views.watch import shown


class WatchTablePrinter:
    """talosctl's table of a watch.

    What the watch starts with is one table, every event after it a line with widths of its own. The
    watch of a single resource never tells where its start ends: up to v1.13 it is one table, printed at the
    end; from v1.14 on each line is one, the headings with the first.
    """

    def __init__(self, kind: Kind[Any], shape: Shape, nodes: Sequence[str], *, by_line: bool = False) -> None:
        """Begins a table; `by_line` prints every event at once, wherever the start ends."""
        self._by_line = by_line
        self._cells = Cells(kind, shape)
        self._writer = TabWriter()
        self._writer.write(self._cells.headings)
        self._starting = set(nodes)

    def event(self, node: str, event: AnyEvent) -> Iterator[str]:
        """The lines that can be printed now."""
        if (what := shown(event)) is not None:
            self._writer.write(self._cells.row(what.resource, node=node, event=what.mark))
        if isinstance(event, Bootstrapped):
            self._starting.discard(node)
        if self._by_line or not self._starting:
            yield from self.finish()

    def headings(self) -> Iterator[str]:
        """The headings, once more."""
        yield align("\t".join(self._cells.headings) + "\n")

    def finish(self) -> Iterator[str]:
        """What has not been printed yet."""
        if text := self._writer.flush():
            yield text


class LiveTable:
    """A table that grows line by line and stays aligned: columns keep their width and grow where they must.

    What the watch starts with comes together, as soon as each node has told all of it.

    Attributes:
        headings: of its columns.
    """

    def __init__(self, kind: Kind[Any], shape: Shape, nodes: Sequence[str], *, single: bool, width: int | None = None) -> None:
        """Begins a table.

        Args:
            kind: of the resources.
            shape: the columns; its cells must not be literal.
            nodes: those that will be heard.
            single: one resource is watched, so that its first event is all that a node starts with.
            width: what lines must not exceed; None for any.
        """
        self._cells = Cells(kind, shape)
        self.headings = self._cells.headings
        self._columns = GrowingColumns(width, yielding=self.headings.index("ID"))
        self._starting = set(nodes)
        self._single = single
        self._rows = [self.headings]

    def event(self, node: str, event: AnyEvent) -> list[list[str]]:
        """The lines that can be shown now, as padded cells."""
        if (what := shown(event)) is not None:
            self._rows.append(self._cells.row(what.resource, node=node, event=what.mark))
        if self._single or isinstance(event, Bootstrapped):
            self._starting.discard(node)
        return [] if self._starting else self.finish()

    def headed(self) -> list[list[str]]:
        """The line of headings, once more, as wide as what has been shown."""
        return self._columns.lines([self.headings])

    def finish(self) -> list[list[str]]:
        """The lines that have not been shown yet."""
        rows, self._rows = self._rows, []
        return self._columns.lines(rows)


class LiveTablePrinter:
    """A `LiveTable` as text."""

    def __init__(self, table: LiveTable) -> None:
        self._table = table

    def event(self, node: str, event: AnyEvent) -> Iterator[str]:
        """The lines that can be printed now."""
        return _text(self._table.event(node, event))

    def headings(self) -> Iterator[str]:
        """The headings, once more."""
        return _text(self._table.headed())

    def finish(self) -> Iterator[str]:
        """The lines that have not been printed yet."""
        return _text(self._table.finish())


def _text(lines: list[list[str]]) -> Iterator[str]:
    if lines:
        yield "".join([f"{''.join(line)}\n" for line in lines])
