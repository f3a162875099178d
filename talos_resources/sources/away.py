"""Which nodes are away, told once for all the watches of a node."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Protocol, runtime_checkable

from talos_resources.model.errors import TalosResourcesError


@runtime_checkable
class Interruptible(Protocol):
    """A watch that goes on by itself after an interruption, and tells of it."""

    def tell_interruptions(self, tell: Callable[[TalosResourcesError | None], None]) -> None:
        """Has `tell` called with the reason when it is interrupted, and with None when what was missed has been told."""
        ...


class Away:
    """Nodes of which a watch is interrupted; for any thread."""

    def __init__(self, tell: Callable[[str, TalosResourcesError | None], None]) -> None:
        """Has `tell` called with a node and the reason once it is away, and with None once all of its watches go on."""
        self._tell = tell
        self._lock = threading.Lock()
        # Node → its watches that wait for it to come back.
        self._waiting: dict[str, set[Hashable]] = {}

    def note(self, node: str, watch: Hashable, reason: TalosResourcesError | None) -> None:
        """Takes that a watch of a node is interrupted, or (without a reason) that it goes on."""
        with self._lock:  # also while it is told, so that the words come in order
            waiting = self._waiting.setdefault(node, set())
            already = bool(waiting)
            if reason is None:
                waiting.discard(watch)
            else:
                waiting.add(watch)
            if bool(waiting) is not already:
                self._tell(node, reason)

    def forget(self, node: str, watch: Hashable) -> None:
        """Counts a watch no more, whose end is told otherwise."""
        with self._lock:
            self._waiting.get(node, set()).discard(watch)


def away_text(reason: TalosResourcesError | None) -> str:
    """What is said of a node that is away, or (without a reason) back."""
    return "is followed again" if reason is None else f"is not followed for now: {reason.message}"
