"""What `list` returns: a tuple of resources that knows how to show itself."""

from __future__ import annotations

from typing import Any, Final, Self, TypeVar

from talos_resources.model.kind import Kind
from talos_resources.model.resource import Resource
from talos_resources.model.tabular import Tabular

S = TypeVar("S")

SHOWN: Final = 5
"""So many resources are in the repr of a longer list."""


class ResourceList(tuple[Resource[S], ...], Tabular):
    """Resources of one kind, sorted by id: the very objects of the store.

    Notebooks show it as a table, `records` and data frames feed whoever analyses.
    """

    __slots__ = ()

    def records(self, *, json: bool = False) -> list[dict[str, Any]]:
        """One plain dictionary per resource: id, version, namespace, then the spec's fields, see `talos_resources.codec.records`.

        Args:
            json: texts in place of times and lengths of time, so that `json.dumps` takes them.
        """
        from talos_resources.codec.records import records

        return records(self, json=json)

    def __repr__(self) -> str:
        shown = ",\n ".join(map(repr, self[:SHOWN]))
        more = f",\n … and {len(self) - SHOWN} more, {len(self)} in all" if len(self) > SHOWN else ""
        return f"[{shown}{more}]"


class EmptyList(ResourceList[S]):
    """No resources, of a kind that is known.

    Attributes:
        kind: what there is none of.
    """

    kind: Kind[S]

    @classmethod
    def of(cls, kind: Kind[S]) -> Self:
        """Nothing of a kind."""
        made = cls()
        made.kind = kind
        return made

    def record_columns(self) -> tuple[str, ...]:
        """The names that records of the kind have."""
        from talos_resources.codec.records import record_columns

        return record_columns(self.kind.spec)
