"""Resources of several kinds one after the other: a table each, as kubectl prints them, or one stream of documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

from talos_resources.views.output import ListPrinter, Output, WatchPrinter, list_printer, watch_printer

if TYPE_CHECKING:
    from talos_resources.model.kind import Kind
    from talos_resources.model.resource import Resource
    from talos_resources.state.events import AnyEvent
    from talos_resources.views.html import HtmlPrinter
    from talos_resources.views.output import Piece

_BY_KIND: Final = frozenset({"table", "wide", "csv", "csv-safe"})
"""The formats whose columns are those of a kind; an empty line stands between two kinds."""


class SeveralPrinter:
    """Prints lists, kind after kind; what follows is of the kind begun last."""

    def __init__(self, output: Output, *, nodes: Sequence[str], width: int | None = None) -> None:
        """Takes what `list_printer` takes."""
        self._output = output
        self._nodes = nodes
        self._width = width
        self._printer: ListPrinter | None = None

    def begin(self, kind: Kind[Any]) -> Iterator[Piece]:
        """What ends the kind before, and begins this one.

        Raises:
            QueryError: a column of the kind has a JSONPath that cannot be understood.
        """
        last = self._printer
        if last is not None and self._output.format == "html":
            yield from cast("HtmlPrinter", last).turn(kind)
        elif last is None or self._output.format in _BY_KIND:
            if last is not None:
                yield from last.finish()
                yield "\n"
            self._printer = None  # what has ended must not end twice
            self._printer = list_printer(self._output, kind, nodes=self._nodes, width=self._width)

    def resources(self, node: str, resources: Iterable[Resource[Any]]) -> Iterator[Piece]:
        """See `ListPrinter`."""
        assert self._printer is not None, "begin a kind first"
        return self._printer.resources(node, resources)

    def finish(self) -> Iterator[Piece]:
        """See `ListPrinter`."""
        return iter(()) if self._printer is None else self._printer.finish()


class SeveralWatchPrinter:
    """Prints the events of several kinds as they come; where the kind changes, headings say so."""

    def __init__(
        self, output: Output, kinds: Sequence[Kind[Any]], *, nodes: Mapping[str, Sequence[str]], single: bool, width: int | None = None
    ) -> None:
        """Takes what `watch_printer` takes, but the nodes of each type.

        Raises:
            QueryError: a column of a kind has a JSONPath that cannot be understood.
        """
        self._by_kind = output.format in _BY_KIND
        self._is_html = output.format == "html"
        every = tuple(dict.fromkeys(node for some in nodes.values() for node in some))
        shared = None if self._by_kind else watch_printer(output, kinds[0], nodes=every, single=single, width=width)
        self._printers: dict[str, WatchPrinter] = {
            kind.type: shared or watch_printer(output, kind, nodes=nodes[kind.type], single=single, width=width) for kind in kinds
        }
        self._kinds = {kind.type: kind for kind in kinds}
        self._last = kinds[0].type if self._is_html else ""
        self._begun: set[str] = set()

    def event(self, type: str, node: str, event: AnyEvent) -> Iterator[Piece]:
        """What can be printed after this event of a node, which is about this type.

        Raises:
            QueryError: a JSONPath that does not fit a resource.
        """
        printer = self._printers[type]
        if not self._by_kind:
            if self._is_html and type != self._last:
                from talos_resources.views.watch import shown  # lists do without events

                if shown(event) is not None:
                    self._last = type
                    yield from cast("HtmlPrinter", printer).turn(self._kinds[type])
            yield from printer.event(node, event)
            return
        yield from self._led(type, [*printer.event(node, event)])

    def finish(self) -> Iterator[Piece]:
        """What is left to print when the watch ends, however it ends."""
        if not self._by_kind:
            yield from next(iter(self._printers.values())).finish()
            return
        for full, printer in self._printers.items():
            yield from self._led(full, [*printer.finish()])

    def _led(self, type: str, pieces: list[Piece]) -> Iterator[Piece]:
        """The pieces, led by headings where others stand before them."""
        if pieces:
            if self._last not in ("", type):
                yield "\n"
                if type in self._begun:
                    yield from self._printers[type].headings()
            self._last = type
            self._begun.add(type)
            yield from pieces
