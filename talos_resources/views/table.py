"""Tables as text: the guide's (`-o table`) and talosctl's (`-o wide`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from talos_resources.model.kind import Kind
from talos_resources.model.resource import Resource
from talos_resources.views.cells import Cells, Shape
from talos_resources.views.tabwriter import TabWriter


class TablePrinter:
    """A table of resources, printed when it is finished: columns are as wide as their widest cell."""

    def __init__(self, kind: Kind[Any], shape: Shape) -> None:
        self._cells = Cells(kind, shape)
        self._writer = TabWriter()
        self._writer.write(self._cells.headings)

    def resources(self, node: str, resources: Iterable[Resource[Any]]) -> Iterator[str]:
        """Takes resources of a node; nothing is printed yet."""
        for resource in resources:
            self._writer.write(self._cells.row(resource, node=node))
        return iter(())

    def finish(self) -> Iterator[str]:
        """The table; just its headings if there was nothing."""
        yield self._writer.flush()
