"""What changed between two moments: a value that prints as the command `diff` does and has records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import attrs

from talos_resources.codec.records import spelled
from talos_resources.codec.timetext import TimeText
from talos_resources.insight.changes import FieldChange, ResourceChange
from talos_resources.insight.mesh_changes import MeshChanges, summarise
from talos_resources.model.records import finished
from talos_resources.model.spec import UntypedSpec
from talos_resources.model.tabular import Tabular
from talos_resources.model.timestamp import Timestamp
from talos_resources.model.wrapping import wrapped
from talos_resources.state.named import names_of
from talos_resources.views import changes as view


@attrs.frozen(kw_only=True, repr=False)
class Difference(Tabular):
    """What changed on some nodes.

    Attributes:
        begin: the earlier moment of which there is data.
        end: the later one.
        nodes: those that have data.
        asked: how many nodes were asked for.
        changes: what came, went and changed, node by node, counters too.
        notes: what the recording lacks of that time, a line each.
    """

    begin: Timestamp
    end: Timestamp
    nodes: tuple[str, ...]
    asked: int
    changes: tuple[ResourceChange, ...]
    notes: tuple[str, ...] = ()

    @property
    def summary(self) -> MeshChanges:
        """What it means for the mesh."""
        return summarise(self.changes)

    def shown(self, *, counters: bool = False) -> tuple[ResourceChange, ...]:
        """The changes of more than counters, or all of them."""
        return tuple(change for change in self.changes if counters or not change.is_noise)

    def records(self, *, json: bool = False) -> list[dict[str, Any]]:
        """One plain dictionary for each field that changed, counters too, and for each resource that came or went.

        Args:
            json: texts in place of times, so that `json.dumps` takes them.
        """
        return [finished(row, json=json) for change in self.changes for row in _rows(change)]

    def text(self, *, counters: bool = False, width: int | None = None, colour: bool = False) -> str:
        """As the command prints it.

        Args:
            counters: also where nothing but counters changed.
            width: columns of a terminal, at which lines wrap at words; None leaves them as they are.
            colour: with the colours of a terminal.
        """
        return "".join(self._lines(self.shown(counters=counters), width, colour=colour))

    def __str__(self) -> str:
        return self.text().rstrip("\n")

    def __repr__(self) -> str:
        return f"<Difference {self.begin} to {self.end}: {self.summary.text(nodes=len(self.nodes))}>"

    def _lines(self, shown: Sequence[ResourceChange], width: int | None, *, colour: bool) -> Iterator[str]:
        span = f"{view.clock(self.begin)} to {view.clock(self.end)}: {self.summary.text(nodes=len(self.nodes))}"
        yield from (f"{line}\n" for line in wrapped("", span, width))
        several = self.asked > 1
        if shown:
            rows = []
            for change in shown:
                fields = [field for field in change.fields if not field.is_counter] or change.fields
                cells = [view.type_name(change.resource), view.subject(change.resource), view.change_text(change.change, fields)]
                rows.append([*([change.node] if several else []), *cells])
            yield "\n"
            yield from view.table([*(["NODE"] if several else []), "TYPE", "ID", "CHANGE"], rows, width=width, colour=colour)
        if hidden := len(self.changes) - len(shown):
            yield f"{hidden} more changed nothing but counters; --all shows them\n"


def _rows(change: ResourceChange) -> Iterator[dict[str, Any]]:
    resource = change.resource
    first = {
        "node": change.node,
        "event": change.change,
        "type": resource.type,
        "namespace": resource.namespace,
        "id": resource.id,
        "label": next(iter(names_of(resource)), ""),
        "version": resource.version,
    }
    for field in change.fields or (FieldChange("", None, None),):
        name = field.path if isinstance(resource.spec, UntypedSpec) else spelled(type(resource.spec), field.path)
        yield {**first, "field": name or None, "old": _value(field.old), "new": _value(field.new)}


def _value(value: Any) -> Any:
    return Timestamp.parse(value) if isinstance(value, TimeText) else value
