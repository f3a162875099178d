"""A series of samples out of the events of a file."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from operator import attrgetter
from sqlite3 import Connection
from typing import Any

from talos_resources.backends.sqlite import log
from talos_resources.backends.sqlite.periods import Period
from talos_resources.backends.sqlite.series import Line, rates, sampled
from talos_resources.model.metadata import Reference
from talos_resources.model.resource import Resource
from talos_resources.model.timestamp import Timestamp
from talos_resources.state.named import names_of


def lines(
    connection: Connection,
    node: str,
    about: Reference,
    field: str,
    *,
    times: Sequence[Timestamp],
    periods: Sequence[Period],
    every_ns: int,
    rate: bool,
) -> Iterator[Line]:
    """The samples of every resource of a kind that was there at one of the times; `about.id` is the one wanted, if any.

    Only what is sampled is decoded: of a resource that changes every second a series of hours reads one version an hour.
    """
    query = "SELECT key, id FROM resources WHERE node = ? AND namespace = ? AND type = ? ORDER BY id"
    known = [any(period.began <= at <= period.ended for period in periods) for at in times]
    for key, name in connection.execute(query, (node, about.namespace, about.type)).fetchall():
        if about.id not in {"", name} or not times:
            continue
        rows = log.of_key(connection, key, since=times[0], until=times[-1])
        found = list(_held(rows, times))
        last = next((resource for resource in reversed(found) if resource is not None), None)
        if last is None:
            continue
        values = tuple(
            sampled(resource, field) if resource is not None and told else None for resource, told in zip(found, known, strict=True)
        )
        label = next(iter(names_of(last)), "")
        yield Line(node, name, label, rates(values, every_ns) if rate else values)


def _held(rows: Sequence[log.Row], times: Sequence[Timestamp]) -> Iterator[Resource[Any] | None]:
    """The resource as it was at each time, None where it was not there."""
    ends = list(map(attrgetter("at"), rows))
    place, held = -1, None
    for at in times:
        now = bisect_right(ends, at) - 1
        if now != place:
            place = now
            held = None if now < 0 or rows[now].op == log.DESTROYED else rows[now].resource()
        yield held
