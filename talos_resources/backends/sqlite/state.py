"""SqliteState: a state in a file, durable, shared by processes, with its history."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from operator import attrgetter
from sqlite3 import Connection
from time import time_ns
from typing import Any, Final, Self, TypeVar

from talos_resources.backends.collection import contents
from talos_resources.backends.sqlite import behind, bulk, log
from talos_resources.backends.sqlite.decoded import Decoded
from talos_resources.backends.sqlite.file import SqliteFile
from talos_resources.backends.sqlite.latest import last_of_key, last_of_kind
from talos_resources.backends.sqlite.past import KEEP_ALL, Past, Retention
from talos_resources.backends.sqlite.tail import Moment, Place, Tail, TailWatch
from talos_resources.model.errors import AlreadyExistsError, NotFoundError
from talos_resources.model.labels import LabelQuery
from talos_resources.model.metadata import Phase, Reference
from talos_resources.model.query import matcher
from talos_resources.model.resource import Resource
from talos_resources.model.timestamp import Timestamp
from talos_resources.state.base import OwnedWrites
from talos_resources.state.checks import check_destroy, check_update
from talos_resources.state.contract import Watch
from talos_resources.state.events import AnyEvent, Bootstrapped, Created, Destroyed, Noop
from talos_resources.state.listing import ResourceList
from talos_resources.state.select import selector
from talos_resources.state.watch_spec import WatchSpec

S = TypeVar("S")

DEFAULT_CAPACITY: Final = 100_000
PRUNE_EVERY: Final = 5_000
"""Writes after which what is too old is forgotten."""


class SqliteState(OwnedWrites, Past):
    """A State in a SQLite file.

    A write is acknowledged when it would survive a loss of power. Several processes may use one file, and
    each sees the writes of the others; watches tell them within 50 ms. Versions and bookmarks survive a
    restart. Every version of every resource is kept until `prune`, so that `at` shows any past moment and
    `history` what happened to a resource.

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
        self._decoded = Decoded()
        self._file.before_undo = self._decoded.clear
        self._specs = bulk.SpecMemory()
        self._is_owner = True
        self._retention = retention
        self._writes = 0

    def of_node(self, node: str) -> SqliteState:
        """The state of another node in the same file, over the same connections; it is closed with this one."""
        other = copy.copy(self)
        other.node = node
        other._is_owner = False  # noqa: SLF001 - of the same class
        return other

    def _get(self, about: Reference) -> Resource[Any]:
        with self._file.reading() as connection:
            return self._held(connection, about)[1]

    def _list(self, about: Reference, queries: tuple[LabelQuery, ...], ids: str | None) -> ResourceList[Any]:
        matches = matcher(queries, ids)
        with self._file.reading() as connection:
            found = self._listed(connection, about)
        return ResourceList(found if matches is None else (resource for resource in found if matches(resource.metadata)))

    def _create(self, resource: Resource[S], owner: str) -> Resource[S]:
        metadata = resource.metadata
        with self._file.transaction() as connection:
            known = log.held(connection, self.node, metadata.namespace, metadata.type, metadata.id)
            if known is not None and known.wire is not None:
                raise AlreadyExistsError(self._decoded.one(known.key, known.seq, known.wire).reference)
            now = time_ns()
            stored = resource.as_created(owner, Timestamp(now))
            place = log.append(connection, log.Write(self.node, known, log.CREATED, stored, now))
        self._wrote(*place, stored)
        return stored

    def _update(self, resource: Resource[S], owner: str, expected_phase: Phase | None) -> Resource[S]:
        given = resource.metadata
        with self._file.transaction() as connection:
            known, before = self._held(connection, Reference(given.namespace, given.type, given.id))
            held = before.metadata
            check_update(held, given, owner, expected_phase)
            now = time_ns()
            stored = resource.stamped(held.version + 1, held.owner, held.created, Timestamp(now))
            place = log.append(connection, log.Write(self.node, known, log.UPDATED, stored, now))
        self._wrote(*place, stored)
        return stored

    def _destroy(self, about: Reference, owner: str) -> None:
        with self._file.transaction() as connection:
            known, resource = self._held(connection, about)
            check_destroy(resource.metadata, owner)
            log.append(connection, log.Write(self.node, known, log.DESTROYED, resource, time_ns()))
        self._wrote()

    @contextmanager
    def batch(self) -> Iterator[Self]:
        """Writes of this thread inside are done together: durable at the end, all of them or none.

        Much faster than one by one; other writers wait until it ends. One inside of another is a part of it:
        if it fails and its error is caught, it alone is undone. A watch that is opened inside begins with what
        was there before, and is told of the batch when it has ended.
        """
        with self._file.transaction():
            yield self
        self._wrote()

    @contextmanager
    def filling(self) -> Iterator[Self]:
        """For a file that nobody else has yet: writes inside are faster, and safe when it ends; see `SqliteFile.without_log`."""
        with self._file.without_log():
            yield self

    def _watch(self, spec: WatchSpec) -> Watch[Any]:
        about, told = spec.about, selector(spec)
        with self._tail.moment(self._place(about)) as moment:
            bookmark = self._tail.bookmark(moment.connection, moment.seq)
            head: tuple[AnyEvent, ...] = (Noop(bookmark),) if spec.bootstrap_bookmark else ()
            if spec.from_elsewhere:
                found = self._earlier(moment, spec)
                head += tuple(event for event in (found if told is None else map(told, found)) if event is not None)
            elif spec.id is not None:
                known = self._known(moment.connection, about)
                head += (Destroyed(about, None) if known is None else Created(known[1]),)
            elif spec.bootstrap:
                listed = self._listed(moment.connection, about)
                head += (*contents(listed, matcher(spec.labels, spec.ids)), Bootstrapped(bookmark))
        leave = partial(self._tail.left, self._place(about), moment.ring)
        return TailWatch(moment.ring, moment.position, head=head, select=told, on_close=leave)

    def restore(self, resources: Iterable[Resource[Any]]) -> None:
        """Takes in resources as another store held them: versions, owners and times are kept.

        Raises:
            AlreadyExistsError: there is one of this id; nothing was taken in.
        """
        with self.batch(), self._file.transaction() as connection:
            if not bulk.knows(connection, self.node):
                bulk.append_new(connection, self.node, resources, time_ns(), self._specs)
                return
            for resource in resources:
                if self._known(connection, resource.reference) is not None:
                    raise AlreadyExistsError(resource.reference)
                self.put(resource)

    def put(self, resource: Resource[Any], *, at: Timestamp | None = None, forward: bool = False) -> bool:
        """Keeps what another store holds, as it is; for recordings.

        Args:
            resource: as the other store has it.
            at: when it was so; None for now.
            forward: leave it where a newer version is kept already, as somebody else was faster; else only if that came after `at`.

        Returns:
            Whether it is another one than before.
        """
        metadata = resource.metadata
        wire = log.encode(resource)
        with self._file.transaction() as connection:
            known = log.held(connection, self.node, metadata.namespace, metadata.type, metadata.id)
            if known is not None and (known.wire == wire or behind.is_old(connection, known, metadata, at=at, forward=forward)):
                return False
            op = log.CREATED if known is None or known.wire is None else log.UPDATED
            log.append(connection, log.Write(self.node, known, op, resource, time_ns() if at is None else at), wire)
        self._wrote()
        return True

    def drop(self, reference: Reference, *, at: Timestamp | None = None, last: Resource[Any] | None = None) -> bool:
        """Keeps that another store does not hold a resource any more; as `put`. One newer than `last` stays."""
        with self._file.transaction() as connection:
            found = self._known(connection, reference)
            if found is None or behind.is_kept(connection, found, at=at, last=None if last is None else last.metadata):
                return False
            log.append(connection, log.Write(self.node, found[0], log.DESTROYED, found[1], time_ns() if at is None else at))
        self._wrote()
        return True

    def close(self) -> None:
        """Ends all watches and closes the file; twice is no error."""
        if self._is_owner:
            self._tail.close()
            self._file.close()

    def __repr__(self) -> str:
        return f"<SqliteState {self.path}{f' of {self.node}' if self.node else ''}>"

    def _wrote(self, key: int = 0, seq: int = 0, stored: Resource[Any] | None = None) -> None:
        """After each write: it is remembered, watches are told, and now and then the past is forgotten."""
        if stored is not None:
            self._decoded.put(key, seq, stored)
        self._tail.poke()
        self._writes += 1
        kept = self._retention
        if self._writes % PRUNE_EVERY == 0 and (kept.age is not None or kept.versions is not None):
            before = None if kept.age is None else Timestamp(time_ns() - kept.age // timedelta(microseconds=1) * 1000)
            self.prune(before=before, versions=kept.versions)

    def _undefined(self) -> Sequence[tuple[str, str]]:
        return self.held_kinds()

    def _known(self, connection: Connection, about: Reference) -> tuple[log.Held, Resource[Any]] | None:
        """What is held of a resource; None if it is not there."""
        known = log.held(connection, self.node, about.namespace, about.type, about.id)
        if known is None or known.wire is None:
            return None
        found = self._decoded.one(known.key, known.seq, known.wire)
        if found.type != about.type:
            raise log.DamagedError
        return known, found

    def _held(self, connection: Connection, about: Reference) -> tuple[log.Held, Resource[Any]]:
        """As `_known`.

        Raises:
            NotFoundError: it is not there.
        """
        found = self._known(connection, about)
        if found is None:
            raise NotFoundError(about)
        return found

    def _earlier(self, moment: Moment, spec: WatchSpec) -> Sequence[AnyEvent]:
        """The events before the moment with which a watch begins."""
        about, key = spec.about, None
        if spec.id is not None:
            known = log.held(moment.connection, self.node, about.namespace, about.type, spec.id)
            key = -1 if known is None else known.key
        bookmark = spec.start_from_bookmark
        seq = None if bookmark is None else self._tail.seq_of(moment, bookmark)
        return self._events(moment, about, after=seq, tail=min(spec.tail_events, self._tail.capacity), key=key)

    def _place(self, about: Reference) -> Place:
        return self.node, about.namespace, about.type

    def _listed(self, connection: Connection, about: Reference) -> Sequence[Resource[Any]]:
        found = self._decoded.every(log.of_kind(connection, *self._place(about)))
        if any(one.metadata.type != about.type for one in found):
            raise log.DamagedError
        found.sort(key=attrgetter("metadata.id"))  # code point order is byte order
        return found

    def _events(
        self, moment: Moment, about: Reference, *, after: int | None = None, tail: int = 0, key: int | None = None
    ) -> Sequence[AnyEvent]:
        """The events of a kind, or of one resource of it, up to the moment: those after one, or the last ones."""
        connection, place = moment.connection, self._place(about)
        if after is None:
            rows = last_of_key(connection, key, tail) if key is not None else last_of_kind(connection, place, tail)
        else:
            query = "SELECT key FROM resources WHERE node = ? AND namespace = ? AND type = ?"
            keys = {key} if key is not None else {found for (found,) in connection.execute(query, place)}
            rows = [row for row in log.after(connection, after) if row.key in keys]
        return list(self._tail.events(connection, rows))
