"""All resources of one kind in memory."""

from __future__ import annotations

from collections import abc
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from time import time_ns
from typing import Any, Final

from talos_resources.backends.ring import EventRing
from talos_resources.model.build import twin
from talos_resources.model.errors import AlreadyExistsError, NotFoundError
from talos_resources.model.labels import LabelOp, LabelQuery
from talos_resources.model.metadata import NO_LABELS, Metadata, Phase, Reference
from talos_resources.model.query import Matcher, matcher
from talos_resources.model.resource import Resource
from talos_resources.model.timestamp import Timestamp
from talos_resources.state.checks import check_destroy, check_update
from talos_resources.state.events import Created, Destroyed, Updated
from talos_resources.state.listing import ResourceList

AnyResource = Resource[Any]
Sleepers = abc.Collection[Callable[[], None]]

_OpenCreated: Final = twin(Created)
_OpenUpdated: Final = twin(Updated)


def _created(resource: AnyResource, bookmark: bytes) -> Any:
    """`Created(resource, bookmark)`; see `talos_resources.model.build`."""
    event: Any = object.__new__(_OpenCreated)
    event.resource = resource
    event.bookmark = bookmark
    event.__class__ = Created
    return event


def _updated(resource: AnyResource, old: AnyResource, bookmark: bytes) -> Any:
    """`Updated(resource, old, bookmark)`; see `talos_resources.model.build`."""
    event: Any = object.__new__(_OpenUpdated)
    event.resource = resource
    event.old = old
    event.bookmark = bookmark
    event.__class__ = Updated
    return event


class Collection:
    """The resources of a kind, their label index and their events.

    Writers hold the ring's lock, readers of single resources need none: a dictionary look-up sees a
    write or does not. `items` is kept in the order of ids lazily, so that a list is a copy of its values.
    """

    __slots__ = ("_clock", "_labelled", "_last", "_listing", "_ordered", "items", "ring")

    def __init__(self, ring: EventRing, clock: Callable[[], Timestamp] | None) -> None:
        self.ring = ring
        self.items: dict[str, AnyResource] = {}
        self._clock = clock
        self._ordered = True
        self._last = ""
        self._listing: ResourceList[Any] | None = ResourceList()
        # (label, value) -> resources by id
        self._labelled: dict[tuple[str, str], dict[str, AnyResource]] = {}

    def create(self, resource: AnyResource, owner: str) -> AnyResource:
        """Stores a new resource; see `State.create`."""
        metadata = resource.metadata
        key = metadata.id
        ring = self.ring
        clock = self._clock
        now = Timestamp(time_ns()) if clock is None else clock()
        stored = resource.as_created(owner, now)
        sleepers: Sleepers = ()
        try:
            with ring.lock:
                end = ring.end
                try:
                    held = self.items.setdefault(key, stored)
                    if held is not stored:
                        raise AlreadyExistsError(held.metadata.reference)
                    if self._ordered:
                        self._ordered = key >= self._last
                        self._last = key
                    self._listing = None
                    if metadata.labels is not NO_LABELS:
                        self._index(key, None, stored)
                    if ring.followed:
                        sleepers = ring.append(_created(stored, ring.next_bookmark()))
                    else:
                        ring.end += 1
                        ring.notes.append(stored)
                        return stored
                except KeyboardInterrupt:
                    self._settle(key, None, stored, end)
                    raise
            for wake in sleepers:
                wake()
        except KeyboardInterrupt:
            _wake_all(sleepers)
            raise
        return stored

    def restore(self, resource: AnyResource) -> None:
        """Takes in a resource as it is and tells nobody; see `MemoryState.restore`."""
        metadata = resource.metadata
        with self.ring.lock:
            if metadata.id in self.items:
                raise AlreadyExistsError(self.items[metadata.id].metadata.reference)
            self.items[metadata.id] = resource
            self._ordered = False
            self._listing = None
            self._index(metadata.id, None, resource)

    def update(self, resource: AnyResource, owner: str, expected_phase: Phase | None) -> AnyResource:
        """Replaces a resource; see `State.update`."""
        metadata = resource.metadata
        key = metadata.id
        ring = self.ring
        clock = self._clock
        sleepers: Sleepers = ()
        try:
            with ring.lock:
                old = self.items.get(key)
                if old is None:
                    raise NotFoundError(_nameless(metadata))
                held = old.metadata
                # In line, because every update goes through here; the rules are those of the check.
                if held.version != metadata.version or held.owner != owner or held.phase is not expected_phase:
                    check_update(held, metadata, owner, expected_phase)
                stored = resource.stamped(held.version + 1, held.owner, held.created, Timestamp(time_ns()) if clock is None else clock())
                end = ring.end
                try:
                    self.items[key] = stored
                    self._listing = None
                    if held.labels is not NO_LABELS or metadata.labels is not NO_LABELS:
                        self._index(key, old, stored)
                    if ring.followed:
                        sleepers = ring.append(_updated(stored, old, ring.next_bookmark()))
                    else:
                        ring.end += 1
                        ring.notes.append((stored, old))
                        return stored
                except KeyboardInterrupt:
                    self._settle(key, old, stored, end)
                    raise
            for wake in sleepers:
                wake()
        except KeyboardInterrupt:
            _wake_all(sleepers)
            raise
        return stored

    def destroy(self, reference: Reference, owner: str) -> None:
        """Removes a resource; see `State.destroy`."""
        key = reference.id
        ring = self.ring
        sleepers: Sleepers = ()
        try:
            with ring.lock:
                old = self.items.get(key)
                if old is None:
                    raise NotFoundError(reference)
                held = old.metadata
                check_destroy(held, owner)
                end = ring.end
                event = Destroyed(held.reference, old, ring.next_bookmark())
                try:
                    del self.items[key]
                    self._listing = None
                    if held.labels:
                        self._index(key, old, None)
                    if ring.followed:
                        sleepers = ring.append(event)
                    else:
                        ring.end += 1
                        ring.notes.append(event)
                        return
                except KeyboardInterrupt:
                    self._settle(key, old, None, end)
                    raise
            for wake in sleepers:
                wake()
        except KeyboardInterrupt:
            _wake_all(sleepers)
            raise

    def _settle(self, key: str, old: AnyResource | None, new: AnyResource | None, end: int) -> None:
        """After Ctrl-C in the midst of a write: it is done if there is an event of it, else not done; the lock is held."""
        if self.ring.end == end and self.items.get(key) is new:
            if old is None:
                self.items.pop(key, None)
            else:
                self.items[key] = old
        self.ring.settle()
        self._listing, self._ordered = None, False
        for pair, bucket in tuple(self._labelled.items()):
            bucket.pop(key, None)
            if not bucket:
                del self._labelled[pair]
        if (held := self.items.get(key)) is not None:
            self._index(key, None, held)

    def _index(self, key: str, old: AnyResource | None, new: AnyResource | None) -> None:
        if old is not None and (new is None or old.metadata.labels != new.metadata.labels):
            for pair in old.metadata.labels.items():
                bucket = self._labelled[pair]
                del bucket[key]
                if not bucket:
                    del self._labelled[pair]
        if new is not None:
            for pair in new.metadata.labels.items():
                self._labelled.setdefault(pair, {})[key] = new

    def follow(self) -> tuple[ResourceList[Any], int]:
        """As `snapshot`, and what comes after it can be followed."""
        with self.ring.lock:
            self.ring.follow(self.ring.end)
        return self.snapshot()

    def snapshot(self) -> tuple[ResourceList[Any], int]:
        """All resources sorted by id, and the position of the first event that they do not show."""
        with self.ring.lock:
            position = self.ring.end
            if self._listing is not None:
                return self._listing, position
            if self._ordered:
                self._listing = ResourceList(self.items.values())
                return self._listing, position
            items = self.items.copy()
        # Ids that came out of order are sorted in without the lock. Code point order is byte order.
        items = {key: items[key] for key in sorted(items)}
        listing = ResourceList[Any](items.values())
        with self.ring.lock:
            # An event for each write, and more resources after `restore`, tell whether this is still all.
            if self.ring.end == position and len(self.items) == len(items):
                self.items = items
                self._last = listing[-1].metadata.id if listing else ""
                self._ordered = True
                self._listing = listing
        return listing, position

    def select(self, queries: Sequence[LabelQuery], ids: str | None) -> ResourceList[Any]:
        """The resources that match, sorted by id; see `State.list`."""
        matches = matcher(queries, ids)
        if matches is None:
            return self.snapshot()[0]
        pair = _indexed(queries)
        if pair is None:
            return ResourceList(resource for resource in self.snapshot()[0] if matches(resource.metadata))
        with self.ring.lock:
            found = self._labelled.get(pair, {}).copy()
        if ids is not None or len(queries[0].terms) > 1:
            found = {key: resource for key, resource in found.items() if matches(resource.metadata)}
        return ResourceList(map(found.__getitem__, sorted(found)))


def _indexed(queries: Sequence[LabelQuery]) -> tuple[str, str] | None:
    """A label and its value that all matches must have, if the queries say so plainly."""
    if len(queries) != 1:
        return None
    equal = (term for term in queries[0].terms if term.op is LabelOp.EQUAL and not term.invert and term.values)
    return next(((term.key, term.values[0]) for term in equal), None)


def _wake_all(sleepers: Sleepers) -> None:
    """Wakes them once more: Ctrl-C may have come before any of them, and they are not waited for by anybody else."""
    for wake in sleepers:
        with suppress(RuntimeError):  # it is awake
            wake()


def _nameless(metadata: Metadata) -> Reference:
    return Reference(metadata.namespace, metadata.type, metadata.id)


def contents(listing: Iterable[AnyResource], matches: Matcher | None) -> Iterable[Created[Any]]:
    """The events of the contents at the start of a watch, made as they are taken."""
    return (Created(resource) for resource in listing if matches is None or matches(resource.metadata))
