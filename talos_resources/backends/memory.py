"""MemoryState: a state in memory that never copies."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

from talos_resources.backends.collection import Collection, contents
from talos_resources.backends.ring import COOKIE_BYTES, EventRing
from talos_resources.backends.watch import RingWatch, Select
from talos_resources.model.errors import NotFoundError
from talos_resources.model.kind import Kind, kind_of
from talos_resources.model.metadata import Phase, Reference
from talos_resources.model.query import Labels, as_queries, matcher
from talos_resources.model.resource import Resource
from talos_resources.model.timestamp import Timestamp
from talos_resources.state.contract import Watch
from talos_resources.state.events import AnyEvent, Bootstrapped, Created, Destroyed, Noop
from talos_resources.state.listing import ResourceList
from talos_resources.state.options import check_watch_options
from talos_resources.state.select import is_about, select

S = TypeVar("S")

DEFAULT_CAPACITY: Final = 100
DEFAULT_GAP: Final = 5


class MemoryState:
    """A State in memory.

    Values are immutable, so reads hand out the very objects that are stored, a list is a tuple of them
    (the same tuple until the next write), and all watchers of a kind share one ring of events. Writes
    of one kind take turns, each for microseconds; readers do not wait.

    Implements: `talos_resources.state.contract.State`.
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
        # What kinds and spec classes stand for in their own namespace, so that `get` is one step.
        self._homes: dict[Any, Collection] = {}

    def get(self, kind: type[S] | Kind[S], id: str, *, namespace: str | None = None) -> Resource[S]:
        """The resource; see `State.get`."""
        if namespace is None:
            try:
                return self._homes[kind].items[id]
            except KeyError:
                pass
        known = kind_of(kind)
        reference = Reference(known.namespace if namespace is None else namespace, known.type, id)
        found = self._find(kind, namespace)
        resource = None if found is None else found.items.get(id)
        if resource is None:
            raise NotFoundError(reference)
        return resource

    def list(
        self,
        kind: type[S] | Kind[S],
        *,
        namespace: str | None = None,
        labels: Labels = (),
        ids: str | None = None,
    ) -> ResourceList[S]:
        """All resources of the kind that match; see `State.list`."""
        queries = as_queries(labels)
        found = self._find(kind, namespace)
        if found is None:
            matcher(queries, ids)  # a bad query is told, whether or not there is anything to match
            return ResourceList()
        return found.select(queries, ids) if queries or ids is not None else found.snapshot()[0]

    def create(self, resource: Resource[S], *, owner: str | None = None) -> Resource[S]:
        """Stores a new resource; see `State.create`."""
        metadata = resource.metadata
        try:
            collection = self._namespaces[metadata.namespace][metadata.type]
        except KeyError:
            collection = self._open(metadata.namespace, metadata.type)
        return collection.create(resource, owner)

    def restore(self, resources: Iterable[Resource[Any]]) -> None:
        """Takes in resources as another store held them: versions, owners and times are kept.

        No event tells of them, so this is for a state that nobody watches yet.

        Raises:
            AlreadyExistsError: there is one of this id; those before it have been taken in.
        """
        for resource in resources:
            metadata = resource.metadata
            self._open(metadata.namespace, metadata.type).restore(resource)

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
        return collection.update(resource, owner, expected_phase)

    def destroy(self, kind: type[Any] | Kind[Any], id: str, *, namespace: str | None = None, owner: str = "") -> None:
        """Removes the resource; see `State.destroy`."""
        known = kind_of(kind)
        reference = Reference(known.namespace if namespace is None else namespace, known.type, id)
        self._open(reference.namespace, reference.type).destroy(reference, owner)

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
        known = kind_of(kind)
        reference = Reference(known.namespace if namespace is None else namespace, known.type, id)
        collection = self._open(reference.namespace, reference.type)
        ring = collection.ring

        def mine(event: AnyEvent) -> AnyEvent | None:
            return event if is_about(event, id) else None

        with ring.lock:
            if start_from_bookmark is not None:
                return RingWatch(ring, ring.follow(ring.after(start_from_bookmark)), select=mine)
            if tail_events > 0:
                return RingWatch(ring, ring.follow(ring.tail(tail_events, lambda event: is_about(event, id))), select=mine)
            current = collection.items.get(id)
            first: AnyEvent = Destroyed(reference, None) if current is None else Created(current)
            return RingWatch(ring, ring.follow(ring.end), head=(first,), select=mine)

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
        known = kind_of(kind)
        matches = matcher(labels, ids)
        told: Select | None = None if matches is None else lambda event: select(event, matches)
        collection = self._open(known.namespace if namespace is None else namespace, known.type)
        ring = collection.ring
        head: list[AnyEvent] = []
        if start_from_bookmark is not None or tail_events > 0:
            with ring.lock:
                position = ring.follow(ring.tail(tail_events) if start_from_bookmark is None else ring.after(start_from_bookmark))
                if bootstrap_bookmark:
                    head.append(Noop(ring.bookmark(ring.end - 1)))
            return RingWatch(ring, position, head=head, select=told)
        if not bootstrap:
            with ring.lock:
                position = ring.follow(ring.end)
            return RingWatch(ring, position, head=[Noop(ring.bookmark(position - 1))] if bootstrap_bookmark else (), select=told)
        listing, position = collection.follow()
        bookmark = ring.bookmark(position - 1)

        def story() -> Any:
            if bootstrap_bookmark:
                yield Noop(bookmark)
            yield from contents(listing, matches)
            yield Bootstrapped(bookmark)

        return RingWatch(ring, position, head=story(), select=told)

    def kind(self, name: str) -> Kind[Any]:
        """The kind of this name; see `State.kind`."""
        from talos_resources.state.registry import known_kinds, resolve

        return resolve(name, known_kinds(self))

    def close(self) -> None:
        """Ends all watches; what is stored stays readable."""
        with self._lock:
            self._closed = True
            collections = [found for types in self._namespaces.values() for found in types.values()]
        for collection in collections:
            collection.ring.close()

    def _find(self, kind: type[Any] | Kind[Any], namespace: str | None) -> Collection | None:
        known = kind_of(kind)
        found = self._namespaces.get(known.namespace if namespace is None else namespace, {}).get(known.type)
        if namespace is None and found is not None:
            self._homes[kind] = found
        return found

    def _open(self, namespace: str, type: str) -> Collection:
        try:
            return self._namespaces[namespace][type]
        except KeyError:
            pass
        with self._lock:
            types = self._namespaces.setdefault(namespace, {})
            found = types.get(type)
            if found is None:
                name = f'namespace "{namespace}" type "{type}"'
                ring = EventRing(name, capacity=self._capacity, gap=self._gap, cookie=self._cookie)
                ring.closed = self._closed
                found = types[type] = Collection(ring, self._clock)
            return found
