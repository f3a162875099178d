"""Which events a watcher has seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from talos_resources.model.resource import Resource
from talos_resources.state.contract import Watch
from talos_resources.state.events import Bootstrapped, Created, Destroyed, Updated


class Ledger:
    """What a consumer of a watch knows, checked at every event."""

    def __init__(self) -> None:
        self.known: dict[str, Resource[Any]] = {}

    def follow(self, watch: Watch[Any], until: Callable[[], bool]) -> None:
        while not until():
            for event in watch.next_batch(20):
                match event:
                    case Created(resource):
                        assert resource.id not in self.known
                        self.known[resource.id] = resource
                    case Updated(resource, old):
                        assert old == self.known[resource.id]
                        assert resource.version > self.known[resource.id].version
                        self.known[resource.id] = resource
                    case Destroyed(reference):
                        del self.known[reference.id]
                    case Bootstrapped():
                        pass
                    case _:
                        raise AssertionError(event)
