"""The one entry for printing resources: what `-o` says becomes a printer.

A printer yields pieces of text; on a terminal also rich objects, which a rich console prints. It never
prints by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from talos_resources.model.errors import QueryError
from talos_resources.model.near import did_you_mean

if TYPE_CHECKING:
    from rich.console import RenderableType

    from talos_resources.model.kind import Kind
    from talos_resources.model.resource import Resource
    from talos_resources.releases import Release
    from talos_resources.state.events import AnyEvent
    from talos_resources.views.csv import CsvPrinter
    from talos_resources.views.custom_columns import CustomColumn, CustomTablePrinter
    from talos_resources.views.documents import DocumentPrinter
    from talos_resources.views.html import HtmlPrinter
    from talos_resources.views.jsonpath import Path

    Piece = str | RenderableType

FORMATS: Final = (
    *("table", "wide", "yaml", "json", "jsonpath=TEMPLATE", "name", "csv", "csv-safe", "html"),
    *("custom-columns=HEADING:PATH", "custom-columns-file=FILE"),
)
"""What `-o` may say."""


class ListPrinter(Protocol):
    """Prints the resources of one kind."""

    def resources(self, node: str, resources: Iterable[Resource[Any]]) -> Iterator[Piece]:
        """What can be printed after these resources of a node.

        Raises:
            QueryError: a JSONPath that does not fit a resource, after the pieces that were fine.
        """
        ...

    def finish(self) -> Iterator[Piece]:
        """What is left to print, also after an error."""
        ...


class WatchPrinter(Protocol):
    """Prints the events of one kind as they come."""

    def event(self, node: str, event: AnyEvent) -> Iterator[Piece]:
        """What can be printed after this event of a node.

        Raises:
            QueryError: a JSONPath that does not fit a resource.
        """
        ...

    def headings(self) -> Iterator[Piece]:
        """The headings of what has been begun, once more; nothing where lines need none."""
        ...

    def finish(self) -> Iterator[Piece]:
        """What is left to print when the watch ends, however it ends."""
        ...


class Output(NamedTuple):
    """An output format; `parse_output` makes it.

    Attributes:
        format: table, wide, yaml, json, jsonpath, name, csv, csv-safe, html or custom-columns.
        path: the template of jsonpath.
        columns: those of custom-columns.
        compat: the talosctl to imitate, also where that is worse; None for the newest, where it is not.
    """

    format: str
    path: Path | None = None
    columns: tuple[CustomColumn, ...] = ()
    compat: Release | None = None

    @property
    def release(self) -> Release:
        """The talosctl whose output it is."""
        if self.compat is not None:
            return self.compat
        from talos_resources.releases import NEWEST

        return NEWEST


def parse_output(text: str) -> Output:
    """Reads what `-o` says; the file of `custom-columns-file` is for whoever reads files, see `output_of_template`.

    Raises:
        QueryError: there is no such format, or its JSONPath cannot be understood.
    """
    name, equals, template = text.partition("=")
    if name == "jsonpath" and equals:
        from talos_resources.views import jsonpath

        try:
            return Output("jsonpath", jsonpath.compile(template))
        except QueryError as error:
            raise QueryError(f"error parsing jsonpath: {error}") from error
    if name == "custom-columns":
        from talos_resources.views.custom_columns import parse_columns

        return Output("custom-columns", columns=parse_columns(template))
    if equals or text not in FORMATS:
        near = did_you_mean(text, FORMATS)
        raise QueryError(f'output format "{text}" is not supported, there are {", ".join(FORMATS)}{near}')
    return Output(text)


def output_of_template(text: str) -> Output:
    """The output that a template of custom columns describes, two lines with blanks between words.

    Raises:
        QueryError: it cannot be understood.
    """
    from talos_resources.views.custom_columns import parse_template

    return Output("custom-columns", columns=parse_template(text))


def list_printer(output: Output, kind: Kind[Any], *, nodes: Sequence[str], width: int | None = None) -> ListPrinter:
    """What prints resources of a kind.

    Args:
        output: the format.
        kind: with the columns of its tables.
        nodes: all nodes whose resources will come.
        width: of the terminal; None for anything else, which gets plain and complete text.

    Raises:
        QueryError: a column of the kind has a JSONPath that cannot be understood.
    """
    if output.format not in ("table", "wide"):
        return _stream(output, kind, nodes, events=False)
    from talos_resources.views.cells import Shape

    wide = output.format == "wide"
    node = wide or len(nodes) > 1
    if width is None:
        from talos_resources.views.table import TablePrinter

        return TablePrinter(kind, Shape(node=node, full=wide, literal=wide, null="null" if wide else ""))
    from talos_resources.views.rich_table import RichTablePrinter

    return RichTablePrinter(kind, Shape(node=node, full=wide), width=width)


def watch_printer(output: Output, kind: Kind[Any], *, nodes: Sequence[str], single: bool = False, width: int | None = None) -> WatchPrinter:
    """What prints the events of a kind.

    Args:
        output: the format.
        kind: with the columns of its tables.
        nodes: all nodes whose events will come.
        single: one resource is watched, not all of the kind.
        width: of the terminal; None for anything else, which gets plain and complete text.

    Raises:
        QueryError: a column of the kind has a JSONPath that cannot be understood.
    """
    if output.format not in ("table", "wide"):
        return _stream(output, kind, nodes, events=True)
    from talos_resources.views.cells import Shape
    from talos_resources.views.watch_table import LiveTable, LiveTablePrinter, WatchTablePrinter

    wide = output.format == "wide"
    if wide and width is None:
        shape = Shape(node=True, event=True, full=True, literal=True, null="null")
        return WatchTablePrinter(kind, shape, nodes, by_line=single and output.release.get.single_watch_by_line)
    table = LiveTable(kind, Shape(node=wide or len(nodes) > 1, event=True, full=wide), nodes, single=single, width=width)
    if width is None:
        return LiveTablePrinter(table)
    from talos_resources.views.rich_table import RichWatchPrinter

    return RichWatchPrinter(table, width=width)


def _stream(
    output: Output, kind: Kind[Any], nodes: Sequence[str], *, events: bool
) -> CsvPrinter | HtmlPrinter | DocumentPrinter | CustomTablePrinter:
    """What prints piece by piece, the resources of a list or the events of a watch."""
    if output.format == "custom-columns":
        from talos_resources.views.custom_columns import CustomTablePrinter

        return CustomTablePrinter(output.columns)
    if output.format in ("csv", "csv-safe"):
        from talos_resources.views.csv import CsvPrinter

        return CsvPrinter(kind, events=events, defuse=output.format == "csv-safe")
    if output.format == "html":
        from talos_resources.views.html import HtmlPrinter

        return HtmlPrinter(kind, nodes=len(nodes) > 1, events=events)
    from talos_resources.views import documents

    match output.format:
        case "yaml":
            document: documents.Document = documents.YamlDocument(output.release.yaml, talosctl=output.compat is not None)
        case "json":
            document = documents.JsonDocument(talosctl=output.compat is not None)
        case "jsonpath" if output.path is not None:
            document = documents.JsonPathDocument(output.path, goes_on=output.release.get.jsonpath_goes_on)
        case _:
            document = documents.NameDocument()
    return documents.DocumentPrinter(document)
