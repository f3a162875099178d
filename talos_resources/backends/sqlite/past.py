"""What a SQLite file tells of a node: kinds, moments, histories, and what is forgotten."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Container, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from sqlite3 import Connection
from typing import Any, Final, TypeVar

import attrs

from talos_resources.backends.memory import MemoryState
from talos_resources.backends.sqlite import bulk, forget, log, periods
from talos_resources.backends.sqlite.file import SqliteFile
from talos_resources.backends.sqlite.periods import Period
from talos_resources.backends.sqlite.sampling import lines
from talos_resources.backends.sqlite.series import Series, grid
from talos_resources.codec.records import beside, event_record, records
from talos_resources.model.errors import ConfigError, NotFoundError
from talos_resources.model.kind import Kind
from talos_resources.model.resource import Resource
from talos_resources.model.tabular import Tabular
from talos_resources.model.timestamp import Timestamp
from talos_resources.state.base import reference_to
from talos_resources.state.listing import SHOWN
from talos_resources.state.when import length_of, moment_of

S = TypeVar("S")


@attrs.frozen
class Version:
    """A resource as it was from a moment on.

    Attributes:
        at: when it was written.
        resource: what was written; what it was last, if it was destroyed then.
        change: `created`, `updated` or `destroyed`.
        old: as it was before; None if it was not there, or nobody knows any more.
    """

    at: Timestamp
    resource: Resource[Any]
    change: str
    old: Resource[Any] | None = None

    def to_record(self) -> dict[str, Any]:
        """See `talos_resources.codec.records.records`; `at` goes first."""
        return beside({"at": self.at}, event_record(self.change, self.resource))


class History(tuple[Version, ...], Tabular):
    """Versions of a resource, the oldest first; `records` has a dictionary for each, with `at` and `event`."""

    __slots__ = ()

    def records(self, *, json: bool = False) -> list[dict[str, Any]]:
        """One plain dictionary for each version.

        Args:
            json: texts in place of times and lengths of time, so that `json.dumps` takes them.
        """
        return records(self, json=json)

    def __repr__(self) -> str:
        shown = ", ".join(f"{version.at} {version.change}" for version in self[:SHOWN])
        return f"<{len(self)} versions{f': {shown}' if self else ''}{', …' if len(self) > SHOWN else ''}>"


@attrs.frozen
class Retention:
    """How much of the past is kept; what is there now always is.

    Attributes:
        age: nothing older, but for what was there at that moment; None for no end.
        versions: about how many versions of each resource, in whole packs; None for no end.
    """

    age: timedelta | None = None
    versions: int | None = None


KEEP_ALL: Final = Retention()


class Past:
    """What a state of a file can tell of what it holds and of its past.

    Attributes:
        path: of the file.
        node: whose resources these are.
    """

    path: Path
    node: str
    _file: SqliteFile
    get: Callable[..., Resource[Any]]

    def held_kinds(self, *, ever: bool = False) -> Sequence[tuple[str, str]]:
        """Namespace and type of every kind of which there is a resource, whether or not it has a definition.

        Args:
            ever: also where all resources are gone.
        """
        which = "" if ever else "AND wire IS NOT NULL"
        query = f"SELECT DISTINCT namespace, type FROM resources WHERE node = ? {which} ORDER BY type, namespace"  # noqa: S608 - our words
        with self._file.reading() as connection:
            return [(namespace, name) for namespace, name in connection.execute(query, (self.node,))]

    def nodes(self) -> Sequence[str]:
        """The nodes of which the file holds something, or has."""
        with self._file.reading() as connection:
            return bulk.nodes(connection)

    def at(self, when: Timestamp) -> MemoryState:
        """A copy of what there was at a moment, in memory.

        Raises:
            ConfigError: the history does not go back so far.
        """
        state = MemoryState()
        with self._file.reading() as connection:
            _check_begin(connection, when, self.path)
            keys = [key for (key,) in connection.execute("SELECT key FROM resources WHERE node = ?", (self.node,))]
            rows = [row for key in keys if (row := log.last_until(connection, key, when)) is not None]
            state.restore(row.resource() for row in rows if row.op != log.DESTROYED)
        return state

    def history(
        self,
        kind: type[S] | Kind[S],
        id: str | None = None,
        *,
        label: str | None = None,
        namespace: str | None = None,
        since: Timestamp | None = None,
    ) -> History:
        """Every version of a resource that is kept, oldest first.

        Args:
            kind: a resource class or a Kind.
            id: its id.
            label: instead of the id, what people call the resource now; see `State.get`.
            namespace: instead of the kind's own.
            since: only what was written then or later, and the version before it.

        Raises:
            NotFoundError: there never was such a resource, or none is called so now.
            AmbiguousNameError: several are called so.
        """
        named = id if id is not None and label is None else self.get(kind, id, label=label, namespace=namespace).id
        about = reference_to(kind, named, namespace)
        with self._file.reading() as connection:
            known = log.held(connection, self.node, about.namespace, about.type, named)
            rows = [] if known is None else log.of_key(connection, known.key, since=since)
            if not rows:
                raise NotFoundError(about)
            versions: deque[Version] = deque()
            for row in rows:
                before = versions[-1].resource if versions and row.op != log.CREATED else None
                versions.append(Version(Timestamp(row.at), row.resource(), _CHANGES[row.op], before))
        return History(versions)

    def series(
        self,
        kind: type[S] | Kind[S],
        field: str,
        *,
        every: str | timedelta = "1m",
        since: str | Timestamp | datetime | None = None,
        until: str | Timestamp | datetime | None = None,
        id: str | None = None,
        label: str | None = None,
        namespace: str | None = None,
        rate: bool = False,
    ) -> Series:
        """A field of the resources of a kind over time; `Series` says what a sample is.

        Args:
            kind: a resource class or a Kind.
            field: its name, such as `receive_bytes`; dots lead into structures.
            every: the time between two samples, `90s`, `1m`, `1h30m` or `1d`.
            since: the moment to begin with; None for as far back as there is data.
            until: the last moment; None for as long as there is data.
            id: only this resource.
            label: only what people call so now; see `State.get`.
            namespace: instead of the kind's own.
            rate: differences for each second, of counters.

        Raises:
            QueryError: no such field, moment or length, or too many samples.
            NotFoundError: no resource is called so.
        """
        now = Timestamp(time.time_ns())
        step = length_of(every).nanoseconds
        named = self.get(kind, id, label=label, namespace=namespace).id if label is not None else id or ""
        periods = self.periods(now=now)
        begin = moment_of(since, now=now) if since is not None else periods[0].began if periods else now
        end = moment_of(until, now=now) if until is not None else periods[-1].ended if periods else now
        times = grid(begin, end, step)
        about = reference_to(kind, named, namespace)
        with self._file.reading() as connection:
            found = tuple(lines(connection, self.node, about, field, times=times, periods=periods, every_ns=step, rate=rate))
        return Series(f"{field}_per_s" if rate else field, step, times, found)

    def changes(self, *, since: Timestamp, types: Container[str] | None = None) -> Iterator[Version]:
        """What happened to the resources of the node, oldest first.

        Args:
            since: nothing older.
            types: full names of the types; None for all.
        """
        last: dict[int, Resource[Any]] = {}
        with self._file.reading() as connection:
            for row in bulk.since(connection, self.node, since, types):
                resource = row.resource()
                old = last.get(row.key)
                if old is None and row.op == log.UPDATED and (found := log.before(connection, row)) is not None:
                    old = found.resource()
                last[row.key] = resource
                yield Version(Timestamp(row.at), resource, _CHANGES[row.op], old if row.op == log.UPDATED else None)

    def span(self) -> tuple[Timestamp, Timestamp] | None:
        """The times of the first and the last thing that the file tells of any node; None if it is empty."""
        with self._file.reading() as connection:
            first, last = _span(connection)
            return None if first is None or last is None else (Timestamp(first), Timestamp(last))

    def periods(self, *, now: Timestamp) -> Sequence[Period]:
        """When the node was recorded, oldest first; nothing is known of what happened in between.

        A file that no recorder has written is its own state's: all is known from the first event to now.

        Args:
            now: a recorder that is at work has recorded until now.
        """
        with self._file.reading() as connection:
            found = periods.of_node(connection, self.node, now=now)
            first, horizon = _begin(connection)
            if not found:
                return () if first is None else (Period(Timestamp(max(first, horizon)), now, is_open=True),)
            return [attrs.evolve(period, began=Timestamp(max(period.began, horizon))) for period in found if period.ended >= horizon]

    def keep_period(self, period: Period) -> None:
        """Writes that the node was recorded, or how far the recording that began at this moment has got."""
        with self._file.transaction() as connection:
            periods.keep(connection, self.node, period)

    def prune(self, *, before: Timestamp | None = None, versions: int | None = None) -> int:
        """Forgets old versions of all nodes; see `forget.prune`. What is there now is always kept.

        Args:
            before: older versions go, but for what was there at that moment.
            versions: about how many of each resource are kept.

        Returns:
            How many versions were forgotten.
        """
        with self._file.transaction() as connection:
            if before is not None:
                periods.forget(connection, before)
            return forget.prune(connection, before_at=before, versions=versions)


_CHANGES: Final = {log.CREATED: "created", log.UPDATED: "updated", log.DESTROYED: "destroyed"}


def _check_begin(connection: Connection, when: Timestamp, path: object) -> None:
    begin, horizon = _begin(connection)
    if begin is None:
        raise ConfigError(f"{path} is empty")
    if when < max(begin, horizon):
        # Rounded up, so that there is data of the moment when it is typed in.
        first = Timestamp.from_seconds(-(-max(begin, horizon) // 10**9))
        raise ConfigError(f"{path} has no data before {first}; name that moment or a later one")


def _begin(connection: Connection) -> tuple[int | None, int]:
    """The time of the first event, None if there is none; and the one before which something was forgotten."""
    horizon: int = connection.execute("SELECT horizon_at FROM store").fetchone()[0]
    return _span(connection)[0], horizon


def _span(connection: Connection) -> tuple[int | None, int | None]:
    """The times of the first and the last event; None if there is none."""
    # Times do not run backwards, so the ends are those of the numbers; to look at all would read the whole file.
    query = """
        SELECT min(first), max(last) FROM (
            SELECT (SELECT at FROM events ORDER BY seq LIMIT 1) AS first, (SELECT at FROM events ORDER BY seq DESC LIMIT 1) AS last
            UNION ALL SELECT min(first_at), max(last_at) FROM packs
        )"""
    first, last = connection.execute(query).fetchone()
    return first, last
