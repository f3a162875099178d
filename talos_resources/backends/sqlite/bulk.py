"""What is done with all resources of a node, or with all nodes, at a time."""

from __future__ import annotations

import sqlite3
from collections.abc import Container, Iterable, Iterator
from typing import Any, Final

from talos_resources.backends.sqlite import log
from talos_resources.codec.wire import body_to_wire, with_body
from talos_resources.model.errors import AlreadyExistsError
from talos_resources.model.resource import Resource

_REMEMBERED: Final = 1 << 14


def knows(connection: sqlite3.Connection, node: str) -> bool:
    """Whether there is, or was, a resource of a node."""
    return connection.execute("SELECT 1 FROM resources WHERE node = ? LIMIT 1", (node,)).fetchone() is not None


def nodes(connection: sqlite3.Connection) -> list[str]:
    """The nodes of which there is, or was, a resource, sorted; from one to the next, without the millions in between."""
    query = (
        "WITH RECURSIVE names (name) AS (SELECT min(node) FROM resources UNION ALL"
        " SELECT (SELECT min(node) FROM resources WHERE node > name) FROM names WHERE name IS NOT NULL)"
        " SELECT name FROM names WHERE name IS NOT NULL"
    )
    found = [name for (name,) in connection.execute(query)]
    if not all(isinstance(name, str) for name in found):
        raise log.DamagedError
    return found


class SpecMemory:
    """What specs are in the file, for as long as many resources in a row share them: nodes of a cluster say the same of each other."""

    def __init__(self) -> None:
        # By identity, which holds as long as the spec is kept beside its bytes.
        self._known: dict[int, tuple[Any, bytes]] = {}

    def encode(self, resource: Resource[Any]) -> bytes:
        """As `log.encode`."""
        if type(resource) is not Resource:  # it may hold more than its spec
            return log.encode(resource)
        spec = resource.spec
        known = self._known.get(id(spec))
        if known is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            known = self._known[id(spec)] = spec, body_to_wire(resource, with_yaml=False)
        return with_body(resource.metadata, known[1])


def append_new(connection: sqlite3.Connection, node: str, resources: Iterable[Resource[Any]], now: int, memory: SpecMemory) -> None:
    """Adds the first events of resources of a node of which the file knows nothing; a third of the cost of one by one.

    Args:
        connection: in a transaction.
        node: of the resources.
        resources: what they are.
        now: see `log.Write`.
        memory: of what was written before.

    Raises:
        AlreadyExistsError: two have the same identity.
    """
    last = connection.execute("SELECT at FROM events ORDER BY seq DESC LIMIT 1").fetchone()
    at = now if last is None else max(now, last[0])
    key = connection.execute("SELECT coalesce(max(key), 0) FROM resources").fetchone()[0]
    seq = log.last_seq(connection)

    def rows() -> Iterator[tuple[Any, ...]]:
        for number, resource in enumerate(_once_each(resources), 1):
            metadata = resource.metadata
            yield key + number, node, metadata.namespace, metadata.type, metadata.id, seq + number, memory.encode(resource)

    connection.executemany(
        "INSERT INTO resources (key, node, namespace, type, id, seq, wire, loose) VALUES (?, ?, ?, ?, ?, ?, ?, 1)", rows()
    )
    # Within SQLite, which takes a quarter of what it costs to hand each over again.
    copied = "INSERT INTO events (seq, key, at, op, wire) SELECT seq, key, ?, ?, wire FROM resources WHERE key > ? ORDER BY key"
    connection.execute(copied, (at, log.CREATED, key))


def _once_each(resources: Iterable[Resource[Any]]) -> Iterator[Resource[Any]]:
    """The resources.

    Raises:
        AlreadyExistsError: two have the same identity.
    """
    seen = set()
    for resource in resources:
        metadata = resource.metadata
        identity = metadata.namespace, metadata.type, metadata.id
        if identity in seen:
            raise AlreadyExistsError(resource.reference)
        seen.add(identity)
        yield resource


def since(connection: sqlite3.Connection, node: str, at: int, types: Container[str] | None) -> Iterator[log.Row]:
    """The events of resources of a node at a time or later, in order; the connection must stay at one moment.

    Resources of one node mostly lie together in the file. Then only they are read: who asks for one node after the
    other does not go through the whole file each time.

    Args:
        connection: for reading.
        node: whose.
        at: nothing older.
        types: full names of the types; None for all.
    """
    begin = log.first_since(connection, at)
    [(count, first, last)] = connection.execute("SELECT count(*), min(key), max(key) FROM resources WHERE node = ?", (node,))
    if begin is None or not count:
        return iter(())
    rows: Iterable[log.Row] = log.after(connection, begin - 1)
    if last - first < 2 * count and not (rows := _between(connection, first, last, begin)):
        return iter(())
    query = "SELECT key, type FROM resources WHERE node = ?"
    keys = {key for key, name in connection.execute(query, (node,)) if types is None or name in types}
    return (row for row in rows if row.at >= at and row.key in keys)


def _between(connection: sqlite3.Connection, first: int, last: int, begin: int) -> list[log.Row]:
    """The events from a number on of the resources between two, in order."""
    place = first, last, begin
    packs = connection.execute("SELECT key, data FROM packs WHERE key BETWEEN ? AND ? AND last_seq >= ?", place)
    rows = [row for key, data in packs for row in log.unpacked(key, data) if row.seq >= begin]
    query = "SELECT seq, key, at, op, wire FROM events INDEXED BY events_of_key WHERE key BETWEEN ? AND ? AND seq >= ?"
    rows += map(log.Row._make, connection.execute(query, place))
    rows.sort()  # by number, which comes first
    return rows
