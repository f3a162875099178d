"""When a node was being recorded: without that, no change and nobody who looked are the same thing.

A recorder writes when it has begun to hear a node and, every `HEARTBEAT_S`, until when it has heard it. A file without
such entries of a node was written by the node's own state: it knows everything from its first event on.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from sqlite3 import Connection
from typing import Final

import attrs

from talos_resources.model.timestamp import Timestamp

HEARTBEAT_S: Final = 2.0
"""How often a recorder writes that it still hears a node."""

_LATE_NS: Final = int(3 * HEARTBEAT_S * 1e9)
"""A recorder that has not said that it stopped and wrote so lately is taken to be there still."""

_OVERDUE_NS: Final = int(1.5 * HEARTBEAT_S * 1e9)
"""One that has not written for so long is dead where a later one has begun; before that it may be about to write."""


@attrs.frozen
class Period:
    """A time in which a node was recorded.

    Attributes:
        began: from then on every change is known.
        ended: until then.
        is_open: the recorder has not said that it stopped; it may be at work.
    """

    began: Timestamp
    ended: Timestamp
    is_open: bool = False


def keep(connection: Connection, node: str, period: Period) -> None:
    """Writes a period, or how far one that began at this moment has got; the connection is in a transaction."""
    connection.execute(
        "INSERT INTO periods VALUES (?, ?, ?, ?)"
        " ON CONFLICT (node, began) DO UPDATE SET ended = excluded.ended, is_open = excluded.is_open",
        (node, period.began, period.ended, period.is_open),
    )


def of_node(connection: Connection, node: str, *, now: Timestamp) -> Sequence[Period]:
    """The periods of a node, oldest first, those that touch joined; the last one reaches to `now` if it is going on.

    Two recorders that are both at work touch, also when the later one has begun since the earlier one wrote last.
    """
    found: list[Period] = []
    query = "SELECT began, ended, is_open FROM periods WHERE node = ? ORDER BY began"
    for began, ended, is_open in connection.execute(query, (node,)):
        period = Period(Timestamp(began), Timestamp(ended), bool(is_open) and now - ended < _LATE_NS)
        if found and (period.began <= found[-1].ended or (found[-1].is_open and now - found[-1].ended < _OVERDUE_NS)):
            last = found.pop()
            period = Period(last.began, max(last.ended, period.ended), period.is_open or last.is_open)
        found.append(period)
    if found and (last := found[-1]).is_open:
        found[-1] = attrs.evolve(last, ended=max(now, last.ended))
    return [attrs.evolve(period, is_open=False) for period in found[:-1]] + found[-1:]


def forget(connection: Connection, before: Timestamp) -> None:
    """Forgets periods that ended before a moment, but for the last of each node, which says that it was recorded at all."""
    newer = "EXISTS (SELECT 1 FROM periods AS n WHERE n.node = periods.node AND n.began > periods.began)"
    connection.execute(f"DELETE FROM periods WHERE ended < ? AND {newer}", (before,))  # noqa: S608 - our own words


@attrs.frozen
class Coverage:
    """What is known of a node within a span.

    Attributes:
        begin: from when on there is data, not before the span.
        end: until when, not after the span.
        gaps: times between in which nobody recorded.
        periods: all that there are, for messages.
    """

    begin: Timestamp
    end: Timestamp
    gaps: tuple[Period, ...]
    periods: tuple[Period, ...]


def covered(periods: Sequence[Period], begin: Timestamp, end: Timestamp) -> Coverage | None:
    """What there is of a span; None if there is nothing."""
    inside = [period for period in periods if period.began <= end and period.ended >= begin]
    if not inside:
        return None
    gaps = tuple(Period(one.ended, other.began) for one, other in pairwise(inside))
    return Coverage(max(begin, inside[0].began), min(end, inside[-1].ended), gaps, tuple(periods))
