"""What all states do alike, so that each has only what is its own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Self, TypeVar

from talos_resources.model.kind import Kind, kind_of
from talos_resources.model.labels import LabelQuery
from talos_resources.model.metadata import Phase, Reference
from talos_resources.model.query import Labels, as_queries
from talos_resources.model.resource import Resource
from talos_resources.state.checks import creator
from talos_resources.state.contract import Watch
from talos_resources.state.listing import EmptyList, ResourceList
from talos_resources.state.watch_spec import WatchSpec, check_start

S = TypeVar("S")


def reference_to(kind: type[Any] | Kind[Any], id: str, namespace: str | None) -> Reference:
    """Names a resource of a kind, in the kind's own namespace unless another is given."""
    known = kind_of(kind)
    return Reference(known.namespace if namespace is None else namespace, known.type, id)


class StateBase(ABC):
    """The calls of the contract, made out of what a store can do with plain names.

    Kinds become namespaces and types, queries are read and options are checked here. The methods with an
    underscore are the store's own.

    Implements: `talos_resources.state.contract.State`.
    """

    def get(self, kind: type[S] | Kind[S], id: str | None = None, *, label: str | None = None, namespace: str | None = None) -> Resource[S]:
        """The resource; see `State.get`."""
        if id is None or label is not None:
            from talos_resources.state.named import get_named

            return get_named(self, kind, id, label=label, namespace=namespace)
        return self._get(reference_to(kind, id, namespace))

    def list(
        self,
        kind: type[S] | Kind[S],
        *,
        namespace: str | None = None,
        labels: Labels = (),
        ids: str | None = None,
    ) -> ResourceList[S]:
        """All resources of the kind that match; see `State.list`."""
        return self._list(reference_to(kind, "", namespace), as_queries(labels), ids) or EmptyList.of(kind_of(kind))

    @abstractmethod
    def create(self, resource: Resource[S], *, owner: str | None = None) -> Resource[S]:
        """Stores a new resource; see `State.create`."""

    @abstractmethod
    def update(
        self,
        resource: Resource[S],
        *,
        owner: str | None = None,
        expected_phase: Phase | None = Phase.RUNNING,
    ) -> Resource[S]:
        """Replaces the stored resource; see `State.update`."""

    def destroy(self, kind: type[Any] | Kind[Any], id: str, *, namespace: str | None = None, owner: str = "") -> None:
        """Removes the resource; see `State.destroy`."""
        self._destroy(reference_to(kind, id, namespace), owner)

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
        check_start(tail_events, start_from_bookmark)
        known = kind_of(kind)
        space = known.namespace if namespace is None else namespace
        return self._watch(WatchSpec(space, known.type, id, tail_events=tail_events, start_from_bookmark=start_from_bookmark))

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
        check_start(tail_events, start_from_bookmark)
        known = kind_of(kind)
        return self._watch(
            WatchSpec(
                known.namespace if namespace is None else namespace,
                known.type,
                bootstrap=bootstrap,
                bootstrap_bookmark=bootstrap_bookmark,
                tail_events=tail_events,
                start_from_bookmark=start_from_bookmark,
                labels=as_queries(labels),
                ids=ids,
            )
        )

    def kind(self, name: str) -> Kind[Any]:
        """The kind of this name; see `State.kind`. Kinds that are held without a definition have their full name."""
        from talos_resources.state.registry import known_kinds, resolve_held

        return resolve_held(name, known_kinds(self), self._undefined)

    @abstractmethod
    def close(self) -> None:
        """Releases what the state holds; twice is no error."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    @abstractmethod
    def _get(self, about: Reference) -> Resource[Any]: ...

    @abstractmethod
    def _list(self, about: Reference, queries: tuple[LabelQuery, ...], ids: str | None) -> ResourceList[Any]: ...

    @abstractmethod
    def _destroy(self, about: Reference, owner: str) -> None: ...

    @abstractmethod
    def _watch(self, spec: WatchSpec) -> Watch[Any]: ...

    def _undefined(self) -> Sequence[tuple[str, str]]:
        """Namespace and type of the kinds that may be held without a definition, where the store can tell."""
        return ()


class OwnedWrites(StateBase):
    """A state that is told who writes: the owner that the call names, or else the resource."""

    def create(self, resource: Resource[S], *, owner: str | None = None) -> Resource[S]:
        """Stores a new resource; see `State.create`."""
        return self._create(resource, resource.metadata.owner if owner is None else creator(resource.metadata, owner))

    def update(
        self,
        resource: Resource[S],
        *,
        owner: str | None = None,
        expected_phase: Phase | None = Phase.RUNNING,
    ) -> Resource[S]:
        """Replaces the stored resource; see `State.update`."""
        return self._update(resource, resource.metadata.owner if owner is None else owner, expected_phase)

    @abstractmethod
    def _create(self, resource: Resource[S], owner: str) -> Resource[S]: ...

    @abstractmethod
    def _update(self, resource: Resource[S], owner: str, expected_phase: Phase | None) -> Resource[S]: ...
