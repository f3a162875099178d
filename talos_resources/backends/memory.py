"""MemoryState: a state in memory that never copies."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, TypeVar

from talos_resources.backends.collection import Collection, contents
from talos_resources.backends.ring import COOKIE_BYTES, EventRing
from talos_resources.backends.watch import RingWatch, Select
from talos_resources.model.errors import NotFoundError
from talos_resources.model.kind import Kind
from talos_resources.model.labels import LabelQuery
from talos_resources.model.metadata import Phase, Reference
from talos_resources.model.query import Labels, matcher
from talos_resources.model.resource import Resource
from talos_resources.model.timestamp import Timestamp
from talos_resources.state.base import StateBase, reference_to
from talos_resources.state.checks import creator
from talos_resources.state.contract import Watch
from talos_resources.state.events import AnyEvent, Bootstrapped, Created, Destroyed, Noop
from talos_resources.state.listing import ResourceList
from talos_resources.state.select import is_about, select, selector
from talos_resources.state.watch_spec import WatchSpec

S = TypeVar("S")

Leave = Callable[[], None] | None

DEFAULT_CAPACITY: Final = 100
DEFAULT_GAP: Final = 5


class MemoryState(StateBase):
    """A State in memory.

    Values are immutable, so reads hand out the very objects that are stored, a list is a tuple of them
    (the same tuple until the next write), and all watchers of a kind share one ring of events. Writes
    of one kind take turns, each for microseconds; readers do not wait.
    """

    # Calls return at once: the asyncio adapter makes them in the event loop.
    blocking: Final = False

    def __init__(
        self,
        *,
        capacity: int = DEFAULT_CAPACITY,
        gap: int = DEFAULT_GAP,
        clock: Callable[[], Timestamp] | None = None,
    ) -> None:
        """An empty state.

        Args:
            capacity: how many events of each kind are kept; a watcher that falls further behind is
                cut off. They cost memory as they come, so a million is no matter.
            gap: how many of the oldest of them new watchers cannot begin from.
            clock: the time of writes; None for the system's.

        Raises:
            ValueError: capacity is below 1, or gap not within 0 and capacity.
        """
        if capacity < 1 or not 0 <= gap <= capacity:
            raise ValueError(f"capacity {capacity} must be at least 1 and gap {gap} from 0 to capacity")
        self._capacity = capacity
        self._gap = gap
        self._clock = clock
        self._cookie = os.urandom(COOKIE_BYTES)
        self._closed = False
        self._lock = threading.Lock()
        # namespace -> type -> collection; two look-ups of strings cost less than one of a pair
        self._namespaces: dict[str, dict[str, Collection]] = {}
        # What is watched before anything was written of it, and by how many: it goes with the last of them, for clients
        # of a server may watch any name.
        self._awaited: dict[tuple[str, str], _Awaited] = {}
        # What kinds and spec classes stand for in their own namespace, so that `get` is one step.
        self._homes: dict[Any, Collection] = {}

    # What controllers and simulations call all the time is made here in one step; a step more costs a twentieth.

    def get(self, kind: type[S] | Kind[S], id: str | None = None, *, label: str | None = None, namespace: str | None = None) -> Resource[S]:
        """The resource; see `State.get`."""
        if namespace is None and label is None:
            try:
                return self._homes[kind].items[id]  # type: ignore[index]  # no id is none that it has
            except KeyError:
                self._find_home(kind)
        return super().get(kind, id, label=label, namespace=namespace)

    def list(
        self,
        kind: type[S] | Kind[S],
        *,
        namespace: str | None = None,
        labels: Labels = (),
        ids: str | None = None,
    ) -> ResourceList[S]:
        """All resources of the kind that match; see `State.list`."""
        if namespace is None and ids is None and not labels:
            try:
                if found := self._homes[kind].snapshot()[0]:
                    return found
            except KeyError:
                self._find_home(kind)
        return super().list(kind, namespace=namespace, labels=labels, ids=ids)

    def create(self, resource: Resource[S], *, owner: str | None = None) -> Resource[S]:
        """Stores a new resource; see `State.create`."""
        metadata = resource.metadata
        try:
            collection = self._namespaces[metadata.namespace][metadata.type]
        except KeyError:
            collection = self._open(metadata.namespace, metadata.type)
        return collection.create(resource, metadata.owner if owner is None else creator(metadata, owner))

    def update(
        self,
        resource: Resource[S],
        *,
        owner: str | None = None,
        expected_phase: Phase | None = Phase.RUNNING,
    ) -> Resource[S]:
        """Replaces the stored resource; see `State.update`."""
        metadata = resource.metadata
        try:
            collection = self._namespaces[metadata.namespace][metadata.type]
        except KeyError:
            raise NotFoundError(metadata.reference) from None
        return collection.update(resource, metadata.owner if owner is None else owner, expected_phase)

    def restore(self, resources: Iterable[Resource[Any]]) -> None:
        """Takes in resources as another store held them: versions, owners and times are kept.

        No event tells of them, so this is for a state that nobody watches yet.

        Raises:
            AlreadyExistsError: there is one of this id; those before it have been taken in.
        """
        for resource in resources:
            metadata = resource.metadata
            self._open(metadata.namespace, metadata.type).restore(resource)

    def held_kinds(self) -> Sequence[tuple[str, str]]:
        """Namespace and type of every kind of which there is a resource, whether or not it has a definition."""
        with self._lock:
            held = {(namespace, name): found for namespace, types in self._namespaces.items() for name, found in types.items()}
        return [kind for kind, found in held.items() if found.items]

    def close(self) -> None:
        """Ends all watches; what is stored stays readable."""
        with self._lock:
            self._closed = True
            collections = [found for types in self._namespaces.values() for found in types.values()]
            collections += [awaited.collection for awaited in self._awaited.values()]
        for collection in collections:
            collection.ring.close()

    def _get(self, about: Reference) -> Resource[Any]:
        found = self._find(about)
        resource = None if found is None else found.items.get(about.id)
        if resource is None:
            raise NotFoundError(about)
        return resource

    def _list(self, about: Reference, queries: tuple[LabelQuery, ...], ids: str | None) -> ResourceList[Any]:
        found = self._find(about)
        if found is None:
            matcher(queries, ids)  # a bad query is told, whether or not there is anything to match
            return ResourceList()
        return found.select(queries, ids)

    def _destroy(self, about: Reference, owner: str) -> None:
        found = self._find(about)
        if found is None:
            raise NotFoundError(about)
        found.destroy(about, owner)

    def _watch(self, spec: WatchSpec) -> Watch[Any]:
        collection, leave = self._watched(spec.namespace, spec.type)
        try:
            return _one(collection, spec.about, spec, leave) if spec.id is not None else _kind(collection, spec, leave)
        except BaseException:
            if leave is not None:
                leave()
            raise

    def _find(self, about: Reference) -> Collection | None:
        return self._namespaces.get(about.namespace, {}).get(about.type)

    def _find_home(self, kind: type[Any] | Kind[Any]) -> None:
        found = self._find(reference_to(kind, "", None))
        if found is not None:
            self._homes[kind] = found

    def _open(self, namespace: str, type: str) -> Collection:
        try:
            return self._namespaces[namespace][type]
        except KeyError:
            pass
        with self._lock:
            types = self._namespaces.setdefault(namespace, {})
            found = types.get(type)
            if found is None:
                awaited = self._awaited.pop((namespace, type), None)
                found = types[type] = self._made(namespace, type) if awaited is None else awaited.collection
            return found

    def _watched(self, namespace: str, type: str) -> tuple[Collection, Callable[[], None] | None]:
        """The collection for one more watch, and what to call when that is over, if anything."""
        try:
            return self._namespaces[namespace][type], None
        except KeyError:
            pass
        key = namespace, type
        with self._lock:
            found = self._namespaces.get(namespace, {}).get(type)
            if found is not None:
                return found, None
            awaited = self._awaited.get(key)
            if awaited is None:
                awaited = self._awaited[key] = _Awaited(self._made(namespace, type))
            awaited.watches += 1
            return awaited.collection, lambda: self._leave(key, awaited)

    def _leave(self, key: tuple[str, str], awaited: _Awaited) -> None:
        with self._lock:
            awaited.watches -= 1
            if not awaited.watches and self._awaited.get(key) is awaited:
                del self._awaited[key]

    def _made(self, namespace: str, type: str) -> Collection:
        name = f'namespace "{namespace}" type "{type}"'
        ring = EventRing(name, capacity=self._capacity, gap=self._gap, cookie=self._cookie)
        ring.closed = self._closed
        return Collection(ring, self._clock)


class _Awaited:
    """A collection of which nothing was ever written, and how many watch it."""

    __slots__ = ("collection", "watches")

    def __init__(self, collection: Collection) -> None:
        self.collection = collection
        self.watches = 0


def _one(collection: Collection, about: Reference, spec: WatchSpec, leave: Leave) -> Watch[Any]:
    """A watch of one resource."""
    ring = collection.ring

    mine = selector(spec)
    with ring.lock:
        if spec.start_from_bookmark is not None:
            return RingWatch(ring, ring.follow(ring.after(spec.start_from_bookmark)), select=mine, on_close=leave)
        if spec.tail_events > 0:
            return RingWatch(
                ring, ring.follow(ring.tail(spec.tail_events, lambda event: is_about(event, about.id))), select=mine, on_close=leave
            )
        current = collection.items.get(about.id)
        first: AnyEvent = Destroyed(about, None) if current is None else Created(current)
        return RingWatch(ring, ring.follow(ring.end), head=(first,), select=mine, on_close=leave)


def _kind(collection: Collection, spec: WatchSpec, leave: Leave) -> Watch[Any]:
    """A watch of all resources of a kind that match."""
    ring = collection.ring
    matches = matcher(spec.labels, spec.ids)
    told: Select | None = None if matches is None else lambda event: select(event, matches)
    if not spec.tells_contents:
        with ring.lock:
            position, bookmark = _begin(ring, spec)
        return RingWatch(ring, position, head=[Noop(bookmark)] if spec.bootstrap_bookmark else (), select=told, on_close=leave)
    listing, position = collection.follow()
    bookmark = ring.bookmark(position - 1)

    def story() -> Iterator[AnyEvent]:
        if spec.bootstrap_bookmark:
            yield Noop(bookmark)
        yield from contents(listing, matches)
        yield Bootstrapped(bookmark)

    return RingWatch(ring, position, head=story(), select=told, on_close=leave)


def _begin(ring: EventRing, spec: WatchSpec) -> tuple[int, bytes]:
    """Where a watch begins that is not told the contents, and the bookmark of now."""
    if spec.start_from_bookmark is not None:
        start = ring.after(spec.start_from_bookmark)
    else:
        start = ring.tail(spec.tail_events) if spec.tail_events else ring.end
    return ring.follow(start), ring.bookmark(ring.end - 1)
