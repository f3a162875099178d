"""What the consumer of a watch has asked for."""

from __future__ import annotations

from typing import NamedTuple

from talos_resources.model.metadata import Reference
from talos_resources.model.query import Labels


class WatchSpec(NamedTuple):
    """A watch of one resource, or of a kind where `id` is None; see `State.watch_kind`."""

    namespace: str
    type: str
    id: str | None = None
    bootstrap: bool = False
    bootstrap_bookmark: bool = False
    tail_events: int = 0
    start_from_bookmark: bytes | None = None
    labels: Labels = ()
    ids: str | None = None

    @property
    def about(self) -> Reference:
        """What is watched; without an id for a kind."""
        return Reference(self.namespace, self.type, self.id or "")

    @property
    def from_elsewhere(self) -> bool:
        """Whether the watch begins with earlier events, and not with what is there."""
        return self.tail_events > 0 or self.start_from_bookmark is not None

    @property
    def tells_contents(self) -> bool:
        """Whether the watch begins with what is there."""
        return not self.from_elsewhere and (self.bootstrap or self.id is not None)


def check_start(tail_events: int, start_from_bookmark: bytes | None) -> None:
    """Refuses what no watch can begin with.

    Raises:
        ValueError: options that exclude each other, or a negative number of events.
    """
    if tail_events < 0:
        raise ValueError(f"tail_events is {tail_events}, it counts events")
    if tail_events > 0 and start_from_bookmark is not None:
        raise ValueError("tail_events and start_from_bookmark both say where to begin; give one of them")
