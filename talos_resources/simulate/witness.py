"""Who sees every State of a simulated cluster come and go: a node that is switched on begins with a fresh one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from talos_resources.backends.memory import MemoryState
from talos_resources.model.timestamp import Timestamp

SERVED_EVENTS: Final = 1000
"""Events of each kind that a watcher of a served node may fall behind, as on a Talos node."""


class Witness:
    """Makes the States of nodes; this one only that."""

    def attend(self, now: Callable[[], Timestamp]) -> None:
        """Called once, with the true time of the cluster."""

    def begin(self, node: str, clock: Callable[[], Timestamp]) -> MemoryState:
        """A node is switched on.

        Args:
            node: its name.
            clock: its own time.

        Returns:
            The State that it begins with, empty.
        """
        del node
        return MemoryState(clock=clock)

    def end(self, node: str, state: MemoryState) -> None:
        """A node is switched off; its State stays to be looked at."""

    def settle(self) -> None:
        """Called now and then, by whoever lets time pass."""


class ServingWitness(Witness):
    """For nodes that others watch: who watches one that is switched off loses it, as with a real one."""

    def begin(self, node: str, clock: Callable[[], Timestamp]) -> MemoryState:
        """See `Witness`."""
        del node
        return MemoryState(clock=clock, capacity=SERVED_EVENTS, gap=0)

    def end(self, node: str, state: MemoryState) -> None:
        """See `Witness`."""
        del node
        state.close()
