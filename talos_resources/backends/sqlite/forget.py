"""Old versions are forgotten: which, and from when on the past is known after that."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple


def prune(connection: sqlite3.Connection, *, before_at: int | None, versions: int | None) -> int:
    """Forgets old versions; what is there now is kept, and what was there at `before_at` stays known.

    Args:
        connection: in a transaction.
        before_at: nothing older is kept, but for the last version before it of each resource.
        versions: about how many versions of each resource are kept, in whole packs.

    Returns:
        How many versions were forgotten.
    """
    gone: list[_Gone] = []
    if before_at is not None:
        gone += _forget(
            connection,
            "packs",
            "last_at < :at AND (EXISTS (SELECT 1 FROM packs AS n WHERE n.key = packs.key AND n.first_seq > packs.last_seq"
            " AND n.first_at <= :at) OR EXISTS (SELECT 1 FROM events AS e WHERE e.key = packs.key AND e.at <= :at))",
            {"at": before_at},
        )
        gone += _forget(
            connection,
            "events",
            "at < :at AND EXISTS (SELECT 1 FROM events AS n WHERE n.key = events.key AND n.seq > events.seq AND n.at <= :at)",
            {"at": before_at},
        )
        connection.execute("UPDATE store SET horizon_at = max(horizon_at, ?) WHERE ?", (before_at, bool(gone)))
    if versions is not None:
        rest = "(SELECT total(count) FROM packs AS n WHERE n.key = packs.key AND n.first_seq > packs.first_seq)"
        loose = "(SELECT loose FROM resources AS r WHERE r.key = packs.key)"
        found = _forget(connection, "packs", f"{rest} + {loose} >= :versions", {"versions": versions})
        # Before the oldest version that is left of a resource nobody knows what it was, or whether it was there.
        for key in {one.key for one in found}:
            connection.execute("UPDATE store SET horizon_at = max(horizon_at, ?)", (_first_at(connection, key),))
        gone += found
    if gone:
        connection.execute("UPDATE store SET horizon = max(horizon, ?)", (max(one.last_seq for one in gone),))
        connection.execute("UPDATE resources SET loose = (SELECT count(*) FROM events WHERE events.key = resources.key)")
    return sum(one.versions for one in gone)


class _Gone(NamedTuple):
    """Events of a resource that were forgotten."""

    key: int
    last_seq: int
    versions: int


def _forget(connection: sqlite3.Connection, table: str, condition: str, values: dict[str, int]) -> list[_Gone]:
    what = "key, last_seq, count" if table == "packs" else "key, seq, 1"
    query = f"DELETE FROM {table} WHERE {condition} RETURNING {what}"  # noqa: S608 - of our own words
    return [_Gone(*row) for row in connection.execute(query, values)]


def _first_at(connection: sqlite3.Connection, key: int) -> int:
    """When the oldest version that is kept of a resource was written."""
    query = "SELECT min(at) FROM (SELECT first_at AS at FROM packs WHERE key = :key UNION ALL SELECT at FROM events WHERE key = :key)"
    return int(connection.execute(query, {"key": key}).fetchone()[0])
