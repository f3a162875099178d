"""Moments of a recording: where one is between its beginning and its end, and one step further."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from talos_resources.model.errors import ConfigError, UnsupportedError
from talos_resources.model.timestamp import Timestamp
from talos_resources.sources.cluster import Cluster
from talos_resources.sources.looking_back import recorded
from talos_resources.tui.live import Happening, Live
from talos_resources.tui.past import happenings
from talos_resources.views.changes import clock

STEPS: Final = 60
"""About so many steps lead from the beginning to the end."""
_LEAST_S: Final = 1


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

    def check(self) -> None:
        """Says before anything is shown that there is nothing to show of the moment: no waiting makes it come.

        Raises:
            ConfigError: the recording begins later.
            UnsupportedError: the source keeps no past.
        """
        if self.moment is None or (span := self.span()) is None or self.moment >= span[0]:
            return
        first = Timestamp.from_seconds(_first_second(span))
        raise ConfigError(f"{self.cluster.source} has no data before {first}; name that moment or a later one")

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
        self.moment = Timestamp.from_seconds(max(at, _first_second(span)))

    def span(self) -> tuple[Timestamp, Timestamp] | None:
        """The first and the last moment of which something is known.

        Raises:
            UnsupportedError: the source keeps no past.
        """
        spans = [span for node in self.nodes if (span := recorded(self.cluster, node).span()) is not None]
        return (min(span[0] for span in spans), max(span[1] for span in spans)) if spans else None

    def point(self, span: tuple[Timestamp, Timestamp], share: float) -> None:
        """Goes to a share of a span; its end is the present."""
        first, last = span
        at = first.seconds + round(share * (last.seconds - first.seconds))
        self.moment = None if share >= 1 else Timestamp.from_seconds(max(at, _first_second(span)))

    def share(self, span: tuple[Timestamp, Timestamp]) -> float:
        """Where the moment lies in a span, from 0 to 1."""
        if self.moment is None:
            return 1.0
        return max(0.0, min(1.0, (self.moment - span[0]) / max(1, span[1] - span[0])))

    def happenings(self, until: Timestamp) -> list[Happening]:
        """The last things that were recorded until the moment, or in the present until this one.

        Raises:
            UnsupportedError: the source keeps no past.
        """
        recordings = {node: recorded(self.cluster, node) for node in self.nodes}
        span = self.span()
        return [] if span is None else happenings(recordings, span[0], until if self.moment is None else self.moment)

    @property
    def words(self) -> str:
        """The moment; empty in the present."""
        return "" if self.moment is None else clock(self.moment)


def _first_second(span: tuple[Timestamp, Timestamp]) -> int:
    """The first whole second of which there is data: the beginning itself may lie within one."""
    return span[0].seconds + (span[0].nanos > 0)
