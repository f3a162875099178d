"""The events in the file: written, packed, read again in order.

Every write of a resource is an event: its number, when it happened, what happened, and the resource as it was
then. The events of a resource are loose rows until there are many; then the older ones are packed together,
which takes a sixteenth of the room, for most of a resource stays as it was.
"""

from __future__ import annotations

import lzma
import sqlite3
import struct
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from typing import Any, Final, NamedTuple

from talos_resources.codec.wire import resource_as_it_is, resource_to_wire
from talos_resources.model.resource import Resource

CREATED: Final = 0
UPDATED: Final = 1
DESTROYED: Final = 2

PACKED: Final = 128
"""How many events a pack has."""

PACK_BYTES: Final = 1 << 30
"""What a pack may be once it is unpacked; a damaged one of a megabyte could be thousands."""

_SPREAD: Final = 64
"""Resources that change in step are not all packed in one write: each waits for so many more events at most."""

_HEAD: Final = struct.Struct("<qqBI")
_FILTERS: Final = [{"id": lzma.FILTER_LZMA2, "preset": 6}]


class DamagedError(sqlite3.DatabaseError):
    """A pack cannot be read, or a value is of another kind than we write: the file is damaged where SQLite itself does not look."""

    sqlite_errorname = "SQLITE_CORRUPT"


class Row(NamedTuple):
    """An event as the file has it.

    Attributes:
        seq: its number, above those of all before.
        key: the resource's number in the file.
        at: when, in nanoseconds since 1970; never before the event before.
        op: CREATED, UPDATED or DESTROYED.
        wire: the resource then, or what it was last.
    """

    seq: int
    key: int
    at: int
    op: int
    wire: bytes

    def resource(self) -> Resource[Any]:
        """The resource; a spec that cannot be read is kept as it is."""
        return resource_as_it_is(self.wire)


class Held(NamedTuple):
    """What the file knows of a resource: its number, its last event, and what it is now (None: gone)."""

    key: int
    seq: int
    wire: bytes | None
    loose: int


def encode(resource: Resource[Any]) -> bytes:
    """The resource as the file has it: without the YAML that follows from the message."""
    return resource_to_wire(resource, with_yaml=False)


def held(connection: sqlite3.Connection, node: str, namespace: str, type: str, id: str) -> Held | None:
    """What is known of a resource; None if nothing ever was."""
    query = "SELECT key, seq, wire, loose FROM resources WHERE node = ? AND namespace = ? AND type = ? AND id = ?"
    row = connection.execute(query, (node, namespace, type, id)).fetchone()
    if row is None:
        return None
    _, seq, wire, loose = row
    if not (isinstance(seq, int) and isinstance(wire, bytes | None) and isinstance(loose, int) and 0 <= loose < 1 << 32):
        raise DamagedError
    return Held(*row)


class Write(NamedTuple):
    """An event to be written.

    Attributes:
        node: of the resource.
        known: what `held` gave.
        op: see `Row`.
        resource: see `Row`.
        now: the time; that of the last event, if that is later.
    """

    node: str
    known: Held | None
    op: int
    resource: Resource[Any]
    now: int


def append(connection: sqlite3.Connection, write: Write, wire: bytes | None = None) -> tuple[int, int]:
    """Adds an event and makes it what the resource is now.

    Args:
        connection: in a transaction.
        write: the event.
        wire: the resource encoded, if somebody has done that already.

    Returns:
        The number of the resource, and that of the event.
    """
    node, known, op, resource, now = write
    wire = encode(resource) if wire is None else wire
    last = connection.execute("SELECT at FROM events ORDER BY seq DESC LIMIT 1").fetchone()
    if last is not None and not isinstance(last[0], int):
        raise DamagedError
    at = now if last is None else max(now, last[0])
    kept = None if op == DESTROYED else wire
    if known is None:
        query = "INSERT INTO resources (node, namespace, type, id, seq, wire, loose) VALUES (?, ?, ?, ?, 0, NULL, 0)"
        metadata = resource.metadata
        values = (node, metadata.namespace, metadata.type, metadata.id)
        key, loose = connection.execute(query, values).lastrowid or 0, 0
    else:
        key, loose = known.key, known.loose
    query = "INSERT INTO events (key, at, op, wire) VALUES (?, ?, ?, ?)"
    seq = connection.execute(query, (key, at, op, wire)).lastrowid or 0
    connection.execute("UPDATE resources SET seq = ?, wire = ?, loose = ? WHERE key = ?", (seq, kept, loose + 1, key))
    if loose + 1 > PACKED + key % _SPREAD:
        _pack(connection, key)
    return key, seq


def of_kind(connection: sqlite3.Connection, node: str, namespace: str, type: str) -> Iterable[tuple[int, int, bytes]]:
    """The resources of a kind, in no order: the number of each, that of its last event, and what it is."""
    wanted, place = "node = ? AND namespace = ? AND type = ?", (node, namespace, type)
    query = f"SELECT count(*), min(key), max(key) FROM resources WHERE {wanted}"  # noqa: S608 - our words
    [(count, first, last)] = connection.execute(query, place)
    if count and last - first == count - 1:  # and nothing else lies between them
        query = "SELECT key, seq, wire FROM resources WHERE key BETWEEN ? AND ? AND wire IS NOT NULL"
        return connection.execute(query, (first, last))
    # Where they lie together, to go through the table costs a third of what it costs to look up each.
    how = f"NOT INDEXED WHERE key BETWEEN {first} AND {last} AND" if count and last - first < 2 * count else "WHERE"
    query = f"SELECT key, seq, wire FROM resources {how} {wanted} AND wire IS NOT NULL"  # noqa: S608 - our words and numbers
    return connection.execute(query, place)


def last_seq(connection: sqlite3.Connection) -> int:
    """The number of the last event; 0 if there was none."""
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'events'").fetchone()
    return 0 if row is None else int(row[0])


def horizon(connection: sqlite3.Connection) -> int:
    """The number of the last event that may have been forgotten; all after it are there."""
    return int(connection.execute("SELECT horizon FROM store").fetchone()[0])


def after(connection: sqlite3.Connection, seq: int) -> Iterator[Row]:
    """All events after a number, in order; the connection must stay at one moment."""
    packed = [
        row
        for key, data in connection.execute("SELECT key, data FROM packs WHERE last_seq > ?", (seq,))
        for row in unpacked(key, data)
        if row.seq > seq
    ]
    packed.sort()
    loose = connection.execute("SELECT seq, key, at, op, wire FROM events WHERE seq > ? ORDER BY seq", (seq,))
    yield from merge(packed, map(Row._make, loose))


def first_since(connection: sqlite3.Connection, at: int) -> int | None:
    """A number that no event at a time or later is before; None if there is no such event."""
    first: int | None = connection.execute("SELECT min(first_seq) FROM packs WHERE last_at >= ?", (at,)).fetchone()[0]
    low, high = connection.execute("SELECT (SELECT min(seq) FROM events), (SELECT max(seq) FROM events)").fetchone()

    def next_at(seq: int) -> int:
        return int(connection.execute("SELECT at FROM events WHERE seq >= ? ORDER BY seq LIMIT 1", (seq,)).fetchone()[0])

    if high is None or next_at(high) < at:
        return first
    # Times do not run backwards in the file, so that a few looks find the place among millions.
    loose: int = low + bisect_left(range(low, high + 1), at, key=next_at)
    return loose if first is None else min(first, loose)


def of_key(connection: sqlite3.Connection, key: int, *, since: int | None = None, until: int | None = None) -> list[Row]:
    """The events of one resource in order.

    Args:
        connection: for reading.
        key: the resource's number.
        since: only what happened at this time or later, and the event before it.
        until: nothing that happened later.
    """
    upper = (1 << 63) - 1 if until is None else until
    packs = "SELECT data FROM packs WHERE key = ? AND first_at <= ? ORDER BY first_seq"
    rows = [row for (data,) in connection.execute(packs, (key, upper)) for row in unpacked(key, data)]
    loose = "SELECT seq, key, at, op, wire FROM events WHERE key = ? ORDER BY seq"
    rows += map(Row._make, connection.execute(loose, (key,)))
    rows = [row for row in rows if row.at <= upper]
    if since is None:
        return rows
    begin = next((i for i, row in enumerate(rows) if row.at >= since), len(rows))
    return rows[max(0, begin - 1) :]


def last_until(connection: sqlite3.Connection, key: int, at: int) -> Row | None:
    """The last event of a resource that happened at a time or before."""
    loose = "SELECT seq, key, at, op, wire FROM events WHERE key = ? AND at <= ? ORDER BY seq DESC LIMIT 1"
    row = connection.execute(loose, (key, at)).fetchone()
    if row is not None:
        return Row(*row)
    pack = connection.execute(
        "SELECT data FROM packs WHERE key = ? AND first_at <= ? ORDER BY first_seq DESC LIMIT 1", (key, at)
    ).fetchone()
    if pack is None:
        return None
    return next((row for row in reversed(list(unpacked(key, pack[0]))) if row.at <= at), None)


def before(connection: sqlite3.Connection, row: Row) -> Row | None:
    """The event of the same resource before this one."""
    loose = "SELECT seq, key, at, op, wire FROM events WHERE key = ? AND seq < ? ORDER BY seq DESC LIMIT 1"
    found = connection.execute(loose, (row.key, row.seq)).fetchone()
    if found is not None:
        return Row(*found)
    pack = connection.execute(
        "SELECT data FROM packs WHERE key = ? AND first_seq < ? ORDER BY first_seq DESC LIMIT 1", (row.key, row.seq)
    ).fetchone()
    return None if pack is None else next((old for old in reversed(list(unpacked(row.key, pack[0]))) if old.seq < row.seq), None)


def _pack(connection: sqlite3.Connection, key: int) -> None:
    query = "SELECT seq, key, at, op, wire FROM events WHERE key = ? ORDER BY seq LIMIT ?"
    rows = [Row(*row) for row in connection.execute(query, (key, PACKED))]
    first, last = rows[0], rows[-1]
    try:
        framed = b"".join(_framed(rows))
    except (struct.error, TypeError):
        raise DamagedError from None
    data = lzma.compress(framed, lzma.FORMAT_RAW, filters=_FILTERS)
    values = (key, first.seq, last.seq, first.at, last.at, len(rows), data)
    connection.execute("INSERT INTO packs VALUES (?, ?, ?, ?, ?, ?, ?)", values)
    connection.execute("DELETE FROM events WHERE key = ? AND seq <= ?", (key, last.seq))
    connection.execute("UPDATE resources SET loose = loose - ? WHERE key = ?", (len(rows), key))


def _framed(rows: Iterable[Row]) -> Iterator[bytes]:
    for row in rows:
        yield _HEAD.pack(row.seq, row.at, row.op, len(row.wire))
        yield row.wire


def unpacked(key: int, data: bytes) -> Sequence[Row]:
    """The events of a pack, in order."""
    rows, position = [], 0
    reader = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=_FILTERS)
    try:
        whole = reader.decompress(data, PACK_BYTES)
        while position < len(whole):
            seq, at, op, size = _HEAD.unpack_from(whole, position)
            position += _HEAD.size
            rows.append(Row(seq, key, at, op, whole[position : position + size]))
            position += size
    except (lzma.LZMAError, struct.error, TypeError):
        raise DamagedError from None
    if not reader.eof:
        raise DamagedError
    return rows
