"""SqliteState: a state in a file, durable, shared by processes, with its history."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from operator import attrgetter
from sqlite3 import Connection
from time import time_ns
from typing import Any, Final, Self, TypeVar

from talos_resources.backends.collection import contents
from talos_resources.backends.sqlite import log
from talos_resources.backends.sqlite.file import SqliteFile
from talos_resources.backends.sqlite.past import KEEP_ALL, Past, Retention, reference_to
from talos_resources.backends.sqlite.tail import Moment, Place, Tail, TailWatch
from talos_resources.codec.wire import resource_of_store
from talos_resources.model.build import no_collector
from talos_resources.model.errors import (
    AlreadyExistsError,
    NotFoundError,
    OwnerConflictError,
    PendingFinalizersError,
    PhaseConflictError,
    VersionConflictError,
)
from talos_resources.model.kind import Kind
from talos_resources.model.metadata import Phase, Reference
from talos_resources.model.query import Labels, matcher
from talos_resources.model.resource import Resource
from talos_resources.model.timestamp import Timestamp
from talos_resources.state.contract import Watch
from talos_resources.state.events import AnyEvent, Bootstrapped, Created, Destroyed, Noop
from talos_resources.state.listing import ResourceList
from talos_resources.state.options import check_watch_options
from talos_resources.state.select import is_about, select

S = TypeVar("S")

DEFAULT_CAPACITY: Final = 100_000
PRUNE_EVERY: Final = 5_000
"""Writes after which what is too old is forgotten."""
CACHED: Final = 200_000
"""How many resources are kept decoded."""


class SqliteState(Past):
    """A State in a SQLite file.

    A write is acknowledged when it would survive a loss of power. Several processes may use one file, and
    each sees the writes of the others; watches tell them within 50 ms. Versions and bookmarks survive a
    restart. Every version of every resource is kept until `prune`, so that `at` shows any past moment and
    `history` what happened to a resource.

    Implements: `talos_resources.state.contract.State`.

    Attributes:
        path: of the file.
        node: whose resources these are; a file may hold those of many nodes.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        node: str = "",
        create: bool = True,
        read_only: bool = False,
        capacity: int = DEFAULT_CAPACITY,
        retention: Retention = KEEP_ALL,
    ) -> None:
        """Opens the file; see `SqliteFile`.

        Args:
            path: of the file.
            node: see the class.
            create: whether a missing file is made.
            read_only: refuse to write.
            capacity: events of each kind that are kept in memory for watchers that are slow.
            retention: what is forgotten by and by, as this state writes.

        Raises:
            ConfigError: the file cannot be used.
        """
        self.node = node
        self._file = SqliteFile(path, create=create, read_only=read_only)
        self.path = self._file.path
        self._tail = Tail(self._file, capacity=capacity)
        self._cache: dict[int, tuple[int, Resource[Any]]] = {}
        self._is_owner = True
        self._retention = retention
        self._writes = 0

    def of_node(self, node: str) -> SqliteState:
        """The state of another node in the same file, over the same connections; it is closed with this one."""
        other = copy.copy(self)
        other.node = node
        other._is_owner = False  # noqa: SLF001 - of the same class
        return other

    def get(self, kind: type[S] | Kind[S], id: str, *, namespace: str | None = None) -> Resource[S]:
        """The resource; see `State.get`."""
        about = reference_to(kind, id, namespace)
        with self._file.reading() as connection:
            known = log.held(connection, self.node, about.namespace, about.type, id)
        if known is None or known.wire is None:
            raise NotFoundError(about)
        return self._decoded(known.key, known.seq, known.wire)

    def list(
        self,
        kind: type[S] | Kind[S],
        *,
        namespace: str | None = None,
        labels: Labels = (),
        ids: str | None = None,
    ) -> ResourceList[S]:
        """All resources of the kind that match, as they were at one moment; see `State.list`."""
        about = reference_to(kind, "", namespace)
        matches = matcher(labels, ids)
        with self._file.reading() as connection:
            found = self._listed(connection, about)
        return ResourceList(found if matches is None else (resource for resource in found if matches(resource.metadata)))

    def create(self, resource: Resource[S], *, owner: str | None = None) -> Resource[S]:
        """Stores a new resource; see `State.create`."""
        metadata = resource.metadata
        if owner is None:
            owner = metadata.owner
        elif metadata.owner and metadata.owner != owner:
            raise OwnerConflictError(metadata.reference, owner=metadata.owner)
        with self._file.transaction() as connection:
            known = log.held(connection, self.node, metadata.namespace, metadata.type, metadata.id)
            if known is not None and known.wire is not None:
                raise AlreadyExistsError(self._decoded(known.key, known.seq, known.wire).reference)
            now = time_ns()
            stored = resource.stamped(1, owner, Timestamp(now), metadata.updated)
            place = log.append(connection, log.Write(self.node, known, log.CREATED, stored, now))
        self._wrote(*place, stored)
        return stored

    def update(
        self,
        resource: Resource[S],
        *,
        owner: str | None = None,
        expected_phase: Phase | None = Phase.RUNNING,
    ) -> Resource[S]:
        """Replaces the stored resource; see `State.update`."""
        given = resource.metadata
        with self._file.transaction() as connection:
            known = log.held(connection, self.node, given.namespace, given.type, given.id)
            if known is None or known.wire is None:
                raise NotFoundError(Reference(given.namespace, given.type, given.id))
            held = self._decoded(known.key, known.seq, known.wire).metadata
            if held.owner != (given.owner if owner is None else owner):
                raise OwnerConflictError(held.reference, owner=held.owner)
            if held.version != given.version:
                raise VersionConflictError(held.reference, expected=given.version, actual=held.version)
            if expected_phase is not None and held.phase is not expected_phase:
                raise PhaseConflictError(held.reference, expected=expected_phase)
            now = time_ns()
            stored = resource.stamped(held.version + 1, held.owner, held.created, Timestamp(now))
            place = log.append(connection, log.Write(self.node, known, log.UPDATED, stored, now))
        self._wrote(*place, stored)
        return stored

    def destroy(self, kind: type[Any] | Kind[Any], id: str, *, namespace: str | None = None, owner: str = "") -> None:
        """Removes the resource; see `State.destroy`."""
        about = reference_to(kind, id, namespace)
        with self._file.transaction() as connection:
            known = log.held(connection, self.node, about.namespace, about.type, id)
            if known is None or known.wire is None:
                raise NotFoundError(about)
            resource = self._decoded(known.key, known.seq, known.wire)
            held = resource.metadata
            if held.owner != owner:
                raise OwnerConflictError(held.reference, owner=held.owner)
            if held.finalizers:
                raise PendingFinalizersError(held.reference, finalizers=held.finalizers)
            log.append(connection, log.Write(self.node, known, log.DESTROYED, resource, time_ns()))
        self._wrote()

    @contextmanager
    def batch(self) -> Iterator[Self]:
        """Writes of this thread inside are done together: durable at the end, all of them or none.

        Much faster than one by one; other writers wait until it ends.
        """
        try:
            with self._file.transaction():
                yield self
        except BaseException:
            self._cache.clear()  # what was undone never was, and its numbers are given out again
            raise
        self._wrote()

    def watch(
        self,
        kind: type[S] | Kind[S],
        id: str,
        *,
        namespace: str | None = None,
        tail_events: int = 0,
        start_from_bookmark: bytes | None = None,
    ) -> Watch[S]:
        """Follows one resource; see `State.watch`."""
        check_watch_options(tail_events, start_from_bookmark)
        about = reference_to(kind, id, namespace)
        head: Sequence[AnyEvent]
        with self._tail.moment(self._place(about)) as moment:
            known = log.held(moment.connection, self.node, about.namespace, about.type, id)
            if start_from_bookmark is not None:
                seq = self._tail.seq_of(moment.connection, start_from_bookmark)
                head = self._events(moment, about, after=seq, key=-1 if known is None else known.key)
            elif tail_events > 0:
                head = self._events(moment, about, tail=tail_events, key=-1 if known is None else known.key)
            elif known is None or known.wire is None:
                head = [Destroyed(about, None)]
            else:
                head = [Created(self._decoded(known.key, known.seq, known.wire))]

        def mine(event: AnyEvent) -> AnyEvent | None:
            return event if is_about(event, id) else None

        return TailWatch(moment.ring, moment.position, head=head, select=mine)

    def watch_kind(
        self,
        kind: type[S] | Kind[S],
        *,
        namespace: str | None = None,
        bootstrap: bool = True,
        bootstrap_bookmark: bool = False,
        tail_events: int = 0,
        start_from_bookmark: bytes | None = None,
        labels: Labels = (),
        ids: str | None = None,
    ) -> Watch[S]:
        """Follows all resources of a kind that match; see `State.watch_kind`."""
        check_watch_options(tail_events, start_from_bookmark)
        about = reference_to(kind, "", namespace)
        matches = matcher(labels, ids)
        with self._tail.moment(self._place(about)) as moment:
            bookmark = self._tail.bookmark(moment.connection, moment.seq)
            head: tuple[AnyEvent, ...] = (Noop(bookmark),) if bootstrap_bookmark else ()
            if start_from_bookmark is not None or tail_events > 0:
                seq = None if start_from_bookmark is None else self._tail.seq_of(moment.connection, start_from_bookmark)
                found = self._events(moment, about, after=seq, tail=tail_events)
                chosen = found if matches is None else (select(event, matches) for event in found)
                head += tuple(event for event in chosen if event is not None)
            elif bootstrap:
                head += (*contents(self._listed(moment.connection, about), matches), Bootstrapped(bookmark))
        told = None if matches is None else (lambda event: select(event, matches))
        return TailWatch(moment.ring, moment.position, head=head, select=told)

    def kind(self, name: str) -> Kind[Any]:
        """The kind of this name; see `State.kind`. Kinds that are held without a definition have their full name."""
        from talos_resources.state.registry import known_kinds, resolve_held

        return resolve_held(name, known_kinds(self), self.held_kinds)

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
            return [node for (node,) in connection.execute("SELECT DISTINCT node FROM resources ORDER BY node")]

    def restore(self, resources: Iterable[Resource[Any]]) -> None:
        """Takes in resources as another store held them: versions, owners and times are kept.

        Raises:
            AlreadyExistsError: there is one of this id; nothing was taken in.
        """
        with self.batch():
            for resource in resources:
                metadata = resource.metadata
                with self._file.reading() as connection:
                    known = log.held(connection, self.node, metadata.namespace, metadata.type, metadata.id)
                if known is not None and known.wire is not None:
                    raise AlreadyExistsError(resource.reference)
                self.put(resource)

    def put(self, resource: Resource[Any], *, at: Timestamp | None = None) -> bool:
        """Keeps what another store holds, as it is; for recordings.

        Args:
            resource: as the other store has it.
            at: when it was so; None for now.

        Returns:
            Whether it is another one than before.
        """
        metadata = resource.metadata
        wire = log.encode(resource)
        with self._file.transaction() as connection:
            known = log.held(connection, self.node, metadata.namespace, metadata.type, metadata.id)
            if known is not None and known.wire == wire:
                return False
            op = log.CREATED if known is None or known.wire is None else log.UPDATED
            log.append(connection, log.Write(self.node, known, op, resource, time_ns() if at is None else at), wire)
        self._wrote()
        return True

    def drop(self, reference: Reference, *, at: Timestamp | None = None) -> bool:
        """Keeps that another store does not hold a resource any more; as `put`."""
        with self._file.transaction() as connection:
            known = log.held(connection, self.node, reference.namespace, reference.type, reference.id)
            if known is None or known.wire is None:
                return False
            resource = self._decoded(known.key, known.seq, known.wire)
            log.append(connection, log.Write(self.node, known, log.DESTROYED, resource, time_ns() if at is None else at))
        self._wrote()
        return True

    def close(self) -> None:
        """Ends all watches and closes the file; twice is no error."""
        if self._is_owner:
            self._tail.close()
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<SqliteState {self.path}{f' of {self.node}' if self.node else ''}>"

    def _wrote(self, key: int = 0, seq: int = 0, stored: Resource[Any] | None = None) -> None:
        """After each write: it is remembered, watches are told, and now and then the past is forgotten."""
        if stored is not None:
            self._remember(key, seq, stored)
        self._tail.poke()
        self._writes += 1
        kept = self._retention
        if self._writes % PRUNE_EVERY == 0 and (kept.age is not None or kept.versions is not None):
            before = None if kept.age is None else Timestamp(time_ns() - kept.age // timedelta(microseconds=1) * 1000)
            self.prune(before=before, versions=kept.versions)

    def _place(self, about: Reference) -> Place:
        return self.node, about.namespace, about.type

    def _decoded(self, key: int, seq: int, wire: bytes) -> Resource[Any]:
        known = self._cache.get(key)
        if known is not None and known[0] == seq:
            return known[1]
        resource = resource_of_store(wire)
        self._remember(key, seq, resource)
        return resource

    def _remember(self, key: int, seq: int, resource: Resource[Any]) -> None:
        if len(self._cache) >= CACHED:
            self._cache.clear()
        self._cache[key] = seq, resource

    def _listed(self, connection: Connection, about: Reference) -> Sequence[Resource[Any]]:
        with no_collector():
            found = [self._decoded(*row) for row in log.of_kind(connection, *self._place(about))]
        found.sort(key=attrgetter("metadata.id"))  # code point order is byte order
        return found

    def _events(
        self, moment: Moment, about: Reference, *, after: int | None = None, tail: int = 0, key: int | None = None
    ) -> Sequence[AnyEvent]:
        """The events of a kind, or of one resource of it, up to the moment: those after one, or the last ones."""
        query = "SELECT key FROM resources WHERE node = ? AND namespace = ? AND type = ?"
        keys = {key} if key is not None else {found for (found,) in moment.connection.execute(query, self._place(about))}
        if after is None:
            horizon = moment.connection.execute("SELECT horizon FROM store").fetchone()[0]
            rows = [row for row in log.after(moment.connection, horizon) if row.key in keys][-tail:]
        else:
            rows = [row for row in log.after(moment.connection, after) if row.key in keys]
        return list(self._tail.events(moment.connection, rows))
