"""Resources as HTML: a table for notebooks, a page for `-o html`.

Everything is escaped and secrets are redacted: pages and notebooks are passed on.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from typing import Any, Final

from talos_resources.model.kind import Kind, typed_kind, untyped
from talos_resources.model.redact import redacted
from talos_resources.model.resource import Resource
from talos_resources.state.events import AnyEvent
from talos_resources.views import page
from talos_resources.views.cells import Cells, Shape
from talos_resources.views.documents import gathered
from talos_resources.views.states import COLOURS, state_column
from talos_resources.views.watch import shown

_COLOURS: Final = {**COLOURS, "unknown": "darkgoldenrod"}  # CSS's yellow cannot be read on white


def table_html(resources: Sequence[Resource[Any]], *, kind: Kind[Any] | None = None, nodes: Sequence[str] | None = None) -> str:
    """A table of resources of one kind.

    Args:
        resources: any number; none makes an empty table.
        kind: for the columns of types without a class; found by the first resource's type if None.
        nodes: the node of each resource, for a column; None for no such column.
    """
    if kind is None:
        kind = _kind(resources[0]) if resources else untyped("Resources", "")
    table = _Table(kind, Shape(node=nodes is not None))
    rows = (table.row(resource, node=node) for resource, node in zip(resources, nodes or repeat(""), strict=False))
    return "".join([table.start(), *rows, table.END])


def resource_html(resource: Resource[Any]) -> str:
    """One resource: its metadata and the fields of its spec, name by name.

    A spec without a class is left out: nothing tells its secrets from the rest.
    """
    from talos_resources.codec.plain import resource_to_plain
    from talos_resources.views.jsonpath.text import value_text

    plain = resource_to_plain(redacted(resource, sensitive=True))
    fields = plain["metadata"] | (plain["spec"] if isinstance(plain["spec"], dict) else {})
    rows = [
        f"<tr><th>{html.escape(str(name))}</th><td>{html.escape(value_text(value, indent=None, null=''))}</td></tr>\n"
        for name, value in fields.items()
    ]
    return "".join(['<table class="talos-resource">\n', *rows, "</table>\n"])


def _kind(resource: Resource[Any]) -> Kind[Any]:
    return typed_kind(resource.type) or untyped(resource.type, resource.namespace)


class HtmlPrinter:
    """A page with a table, or one for each of several kinds; in a watch it grows by a row with each event."""

    def __init__(self, kind: Kind[Any], *, nodes: bool, events: bool) -> None:
        self._shape = Shape(node=nodes, event=events, full=True)
        self._table = _Table(kind, self._shape, in_page=True)
        self._start = page.begin(kind.display_type) + self._section(kind)

    def turn(self, kind: Kind[Any]) -> Iterator[str]:
        """Ends the table and begins one of another kind."""
        yield self._once()
        self._table = _Table(kind, self._shape, in_page=True)
        yield f"{_SECTION_END}{self._section(kind)}"

    def resources(self, node: str, resources: Iterable[Resource[Any]]) -> Iterator[str]:
        """The rows of a node's resources."""
        yield self._once()
        yield from gathered(self._table.row(resource, node=node) for resource in resources)

    def event(self, node: str, event: AnyEvent) -> Iterator[str]:
        """The row of an event, if there is anything to show."""
        if (what := shown(event)) is not None:
            yield self._once() + self._table.row(what.resource, node=node, event=what.name)

    def headings(self) -> Iterator[str]:
        """Nothing: each table has its own."""
        return iter(())

    def finish(self) -> Iterator[str]:
        """The end of the page."""
        yield f"{self._once()}{_SECTION_END}{page.END}"

    def _section(self, kind: Kind[Any]) -> str:
        return f'<section class="card">\n<h2>{html.escape(kind.display_type)}</h2>\n<div class="scroll">\n{self._table.start()}'

    def _once(self) -> str:
        start, self._start = self._start, ""
        return start


_ASIDE: Final = ("NAMESPACE", "TYPE", "VERSION")
"""What all rows of a table share, or nobody looks for: a phone has no room for it, and the headline says the type."""
_LONGEST_WORD: Final = 30
"""An id that is longer and nothing but a word is a key, of which a phone shows the beginning."""
_SECTION_END: Final = "</tbody>\n</table>\n</div>\n</section>\n"


class _Table:
    END: Final = "</tbody>\n</table>\n"

    def __init__(self, kind: Kind[Any], shape: Shape, *, in_page: bool = False) -> None:
        self._in_page = in_page
        self._sensitive = kind.sensitive
        self._cells = Cells(kind, shape, event_heading="EVENT")
        self._state = state_column(self._cells.headings)
        self._id = self._cells.headings.index("ID")
        self._aside = [self._cells.headings.index(heading) for heading in _ASIDE if in_page and heading in self._cells.headings]

    def start(self) -> str:
        classes = dict.fromkeys(self._aside, ' class="aside"')
        headings = "".join(f"<th{classes.get(i, '')}>{html.escape(heading)}</th>" for i, heading in enumerate(self._cells.headings))
        return f'<table class="talos-resources">\n<thead>\n<tr>{headings}</tr>\n</thead>\n<tbody>\n'

    def row(self, resource: Resource[Any], *, node: str = "", event: str = "") -> str:
        row = self._cells.row(redacted(resource, sensitive=self._sensitive), node=node, event=event)
        cells = [f"<td>{html.escape(cell)}</td>" for cell in row]
        if self._in_page:
            name = row[self._id]
            look = "id key" if len(name) > _LONGEST_WORD and not set(name) & set("-.: ") else "id"
            cells[self._id] = f'<td class="{look}">{html.escape(name)}</td>'
            for index in self._aside:
                cells[index] = f'<td class="aside">{html.escape(row[index])}</td>'
        if self._state is not None and (state := row[self._state]) in _COLOURS:
            # A page has classes, light and dark; a notebook knows nothing of them.
            look = f'class="state {state}"' if self._in_page else f'style="color: {_COLOURS[state]}"'
            cells[self._state] = f"<td {look}>{html.escape(state)}</td>"
        return f"<tr>{''.join(cells)}</tr>\n"
