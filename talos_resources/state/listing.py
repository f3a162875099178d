"""What `list` returns: a tuple of resources that knows how to show itself."""

from __future__ import annotations

from typing import Any, TypeVar

from talos_resources.model.resource import Resource

S = TypeVar("S")


class ResourceList(tuple[Resource[S], ...]):
    """Resources of one kind, sorted by id: the very objects of the store.

    Notebooks show it as a table, `records` feeds pandas or polars.
    """

    __slots__ = ()

    def records(self) -> list[dict[str, Any]]:
        """One plain dictionary per resource: id, version, namespace, then the spec's fields in Python's spelling."""
        from talos_resources.codec.records import records

        return records(self)
