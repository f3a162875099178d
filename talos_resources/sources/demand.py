"""A state in memory whose types are brought in when somebody asks for them."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from talos_resources.backends.collection import Collection
from talos_resources.backends.memory import MemoryState
from talos_resources.model.metadata import Reference
from talos_resources.model.resource import Resource


class DemandState(MemoryState):
    """Resources that are there once their type has been asked for: read, listed, watched or written."""

    def __init__(self) -> None:
        """Nothing has been asked for yet."""
        super().__init__()
        self._asking = threading.RLock()

    def held_kinds(self) -> Sequence[tuple[str, str]]:
        """See `MemoryState.held_kinds`; brings in everything."""
        with self._asking:
            self._bring_all()
        return super().held_kinds()

    @abstractmethod
    def _bring(self, type: str) -> None:
        """Adds what there is of a type, if that has not been done."""

    @abstractmethod
    def _bring_all(self) -> None:
        """Adds everything."""

    def _add(self, resources: Iterable[Resource[Any]]) -> None:
        for resource in resources:
            super()._open(resource.namespace, resource.type).restore(resource)

    def _find(self, about: Reference) -> Collection | None:
        self._ask(about.type)
        return super()._find(about)

    def _open(self, namespace: str, type: str) -> Collection:
        self._ask(type)
        return super()._open(namespace, type)

    def _watched(self, namespace: str, type: str) -> tuple[Collection, Callable[[], None] | None]:
        self._ask(type)
        return super()._watched(namespace, type)

    def _ask(self, type: str) -> None:
        with self._asking:
            self._bring(type)
