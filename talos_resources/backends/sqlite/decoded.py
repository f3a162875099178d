"""What was read out of a file, decoded once: for who asks again, and for all nodes that hold the same."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final

from talos_resources.codec.wire import resource_of_store
from talos_resources.model.build import no_collector
from talos_resources.model.resource import Resource

CACHED: Final = 200_000
"""How many resources are kept decoded."""
_SHARED: Final = 1 << 14
"""So many are shared by those that hold the same: a few nodes' worth, because nodes are read one after the other."""


class Decoded:
    """Resources by their number in the file and that of their last event."""

    def __init__(self) -> None:
        """Begins with none."""
        self._known: dict[int, tuple[int, Resource[Any]]] = {}
        # Nodes say the same of each other, some to the nanosecond: what is written alike is one object.
        self._read = lru_cache(maxsize=_SHARED)(resource_of_store)

    def one(self, key: int, seq: int, wire: bytes) -> Resource[Any]:
        """The resource of a row."""
        held = self._known.get(key)
        if held is None or held[0] != seq:
            held = seq, self._read(wire)
            self._keep({key: held})
        return held[1]

    def every(self, rows: Iterable[tuple[int, int, bytes]]) -> list[Resource[Any]]:
        """The resources of rows, of which a large cluster has millions."""
        known, read, found = self._known, self._read, []
        new: dict[int, tuple[int, Resource[Any]]] = {}
        with no_collector():
            for key, seq, wire in rows:
                held = known.get(key)
                if held is None or held[0] != seq:
                    held = new[key] = seq, read(wire)
                found.append(held[1])
        self._keep(new)
        return found

    def put(self, key: int, seq: int, resource: Resource[Any]) -> None:
        """Keeps a resource that was just written."""
        self._keep({key: (seq, resource)})

    def clear(self) -> None:
        """Forgets all: numbers of events that were undone are given to others."""
        self._known.clear()

    def _keep(self, new: dict[int, tuple[int, Resource[Any]]]) -> None:
        if len(self._known) + len(new) > CACHED:
            self._known.clear()
        self._known.update(new)
