"""Moments of a recording: where one is between its beginning and its end, and one step further."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from talos_resources.backends.sqlite.state import SqliteState
from talos_resources.model.errors import TalosResourcesError, UnsupportedError
from talos_resources.model.timestamp import Timestamp
from talos_resources.sources.cluster import Cluster
from talos_resources.sources.looking_back import recorded
from talos_resources.tui.live import Live
from talos_resources.views.changes import clock

STEPS: Final = 60
"""About so many steps lead from the beginning to the end."""
_LEAST_S: Final = 1
_WIDTH: Final = 20


class Travel:
    """The nodes of a recording as they are, or as they were at a moment.

    Attributes:
        cluster: the recording; of any other source there is nothing but the present.
        nodes: which of its nodes.
        moment: None for the present.
    """

    def __init__(self, cluster: Cluster, nodes: Sequence[str], moment: Timestamp | None = None) -> None:
        """Takes where to begin."""
        self.cluster = cluster
        self.nodes = tuple(nodes)
        self.moment = moment

    def live(self) -> Live:
        """The nodes at the moment, to be started and closed by the caller.

        Raises:
            UnsupportedError: the source keeps no past.
        """
        return Live(self.cluster if self.moment is None else self.cluster.at(self.moment), self.nodes)

    def move(self, steps: int) -> None:
        """Goes so many steps on, or back where negative; beyond the end is the present.

        Raises:
            UnsupportedError: the source keeps no past.
        """
        span = self.span()
        if span is None:
            raise UnsupportedError(f"{self.cluster.source} is empty")
        first, last = span
        step = max(_LEAST_S, (last.seconds - first.seconds) // STEPS)
        at = (last.seconds if self.moment is None else self.moment.seconds) + steps * step
        if at > last.seconds or (self.moment is None and steps > 0):
            self.moment = None
            return
        # Rounded up: the beginning itself lies within its second.
        self.moment = Timestamp.from_seconds(max(at, first.seconds + (first.nanos > 0)))

    def span(self) -> tuple[Timestamp, Timestamp] | None:
        """The first and the last moment of which something is known.

        Raises:
            UnsupportedError: the source keeps no past.
        """
        spans = [span for node in self.nodes if (span := recorded(self.cluster, node).span()) is not None]
        return (min(span[0] for span in spans), max(span[1] for span in spans)) if spans else None

    @property
    def is_possible(self) -> bool:
        """Whether the source keeps its past."""
        try:
            return isinstance(self.cluster.state(self.nodes[0]), SqliteState)
        except TalosResourcesError:
            return False

    @property
    def words(self) -> str:
        """The moment and a slider; empty in the present."""
        if self.moment is None or (span := self.span()) is None:
            return ""
        length = max(1, span[1] - span[0])
        at = max(0, min(_WIDTH - 1, round((self.moment - span[0]) / length * (_WIDTH - 1))))
        return f"{clock(self.moment)} {'─' * at}●{'─' * (_WIDTH - 1 - at)}"
