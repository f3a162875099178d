"""The last events of a kind or of a resource, without those before them: a file may have a million."""

from __future__ import annotations

import sqlite3
from heapq import heappush, heappushpop

from talos_resources.backends.sqlite import log


def last_of_kind(connection: sqlite3.Connection, place: tuple[str, str, str], count: int) -> list[log.Row]:
    """The last events of a kind, in order.

    Args:
        connection: at one moment.
        place: node, namespace and type.
        count: how many.
    """
    # They are events of the resources that changed last: each of these has one that is later than all of the others'.
    query = "SELECT key, seq FROM resources WHERE node = ? AND namespace = ? AND type = ? ORDER BY seq DESC LIMIT ?"
    latest: list[log.Row] = []
    for key, seq in connection.execute(query, (*place, count)).fetchall():
        if len(latest) == count and seq < latest[0].seq:
            break
        _gather(connection, key, count, latest)
    return sorted(latest)


def last_of_key(connection: sqlite3.Connection, key: int, count: int) -> list[log.Row]:
    """The last events of a resource, in order."""
    latest: list[log.Row] = []
    _gather(connection, key, count, latest)
    return sorted(latest)


def _gather(connection: sqlite3.Connection, key: int, count: int, latest: list[log.Row]) -> None:
    """Puts a resource's events into the heap of the latest, as far as they belong there."""
    oldest = log.horizon(connection)
    query = "SELECT seq, key, at, op, wire FROM events WHERE key = ? AND seq > ? ORDER BY seq DESC LIMIT ?"
    for row in connection.execute(query, (key, oldest, count)):
        if not _put(log.Row(*row), count, latest):
            return
    packs = "SELECT data FROM packs WHERE key = ? AND last_seq > ? ORDER BY first_seq DESC"
    for (data,) in connection.execute(packs, (key, oldest)):
        for unpacked in reversed(log.unpacked(key, data)):
            if unpacked.seq <= oldest or not _put(unpacked, count, latest):
                return


def _put(row: log.Row, count: int, latest: list[log.Row]) -> bool:
    if len(latest) < count:
        heappush(latest, row)
        return True
    return heappushpop(latest, row) is not row
