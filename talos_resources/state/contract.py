"""The State contract: what every backend and every client can do.

Calls are plain and thread-safe. Every write is atomic: it is refused and changes nothing, or it is
visible to every reader before its event reaches any watcher. Derived operations are functions over
this contract (`talos_resources.state.derived`), `talos_resources.state.aio` adapts it to asyncio.

Source: COSI runtime v1.16.2, `reference/cosi.md` in the project's notes; the conformance suite in
`talos_resources.testing` states each rule as a test.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar, runtime_checkable

from talos_resources.model.kind import Kind
from talos_resources.model.metadata import Phase
from talos_resources.model.query import Labels
from talos_resources.model.resource import Resource
from talos_resources.state.listing import ResourceList
from talos_resources.state.timeout import Timeout

if TYPE_CHECKING:
    from talos_resources.state.events import Event  # who only lists does without the classes

S = TypeVar("S")


class Watch(Protocol[S]):
    """A subscription, live from the moment it is made and released by `close` or on leaving `with`.

    Iterating, `next` and `next_batch` wait for events. One thread follows a watch; any thread may close
    it, which ends them.
    """

    def next(self, timeout: Timeout = None) -> Event[S]:
        """The next event.

        Args:
            timeout: seconds or a timedelta, None for ever; 0 only looks.

        Raises:
            TimeoutError: no event came in time.
            StopIteration: the watch was closed.
            WatchError: the watch cannot go on; it is closed.
        """
        ...

    def next_batch(self, timeout: Timeout = None) -> Sequence[Event[S]]:
        """All events that are there, at least one; the last may be Errored. Otherwise as `next`."""
        ...

    def close(self) -> None:
        """Ends the watch; doing it twice is no error."""
        ...

    def __iter__(self) -> Iterator[Event[S]]: ...

    def __next__(self) -> Event[S]: ...

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...


@runtime_checkable
class State(Protocol):
    """A store of resources."""

    def get(self, kind: type[S] | Kind[S], id: str | None = None, *, label: str | None = None, namespace: str | None = None) -> Resource[S]:
        """The resource of an id, or the one that people call so: `get(KubeSpanPeerStatus, label="worker-1")`.

        Args:
            kind: a resource class or a Kind.
            id: its id.
            label: instead of the id, the label of a peer, the host name of a member or the like, see
                `talos_resources.state.named`; all resources of the kind are looked at for it.
            namespace: instead of the kind's own.

        Raises:
            NotFoundError: there is none.
            AmbiguousNameError: several are called so.
        """
        ...

    def list(
        self,
        kind: type[S] | Kind[S],
        *,
        namespace: str | None = None,
        labels: Labels = (),
        ids: str | None = None,
    ) -> ResourceList[S]:
        """All resources of the kind that match, sorted by id in byte order.

        Args:
            kind: a resource class or a Kind.
            namespace: instead of the kind's own.
            labels: a label query such as `zone=a,!edge`, or several of which one must match.
            ids: a regular expression (RE2 syntax) searched anywhere in the id.

        Raises:
            QueryError: a query that cannot be understood.
        """
        ...

    def create(self, resource: Resource[S], *, owner: str | None = None) -> Resource[S]:
        """Stores a new resource and returns it as stored: version 1, `created` set, `updated` as given or else the same.

        Args:
            resource: its version and times are not looked at.
            owner: who creates it; None for the owner that the resource names.

        Raises:
            OwnerConflictError: the resource names another owner than `owner`.
            AlreadyExistsError: there is one of this id.
        """
        ...

    def update(
        self,
        resource: Resource[S],
        *,
        owner: str | None = None,
        expected_phase: Phase | None = Phase.RUNNING,
    ) -> Resource[S]:
        """Replaces the stored resource and returns the new one: version + 1, `updated` set.

        Args:
            resource: changed from the stored version.
            owner: who updates it; None for the owner that the resource names.
            expected_phase: the phase that the stored resource must be in; None for any.

        Raises:
            NotFoundError: there is none.
            OwnerConflictError: the stored one belongs to another owner.
            VersionConflictError: the stored one has another version.
            PhaseConflictError: the stored one is in another phase.
        """
        ...

    def destroy(self, kind: type[Any] | Kind[Any], id: str, *, namespace: str | None = None, owner: str = "") -> None:
        """Removes the resource.

        Raises:
            NotFoundError: there is none.
            OwnerConflictError: it belongs to another owner.
            PendingFinalizersError: somebody has not let go yet.
        """
        ...

    def watch(
        self,
        kind: type[S] | Kind[S],
        id: str,
        *,
        namespace: str | None = None,
        tail_events: int = 0,
        start_from_bookmark: bytes | None = None,
    ) -> Watch[S]:
        """Follows one resource.

        The first event is Created with what is there, or Destroyed if there is nothing; not so with
        `tail_events` or `start_from_bookmark`.

        Args:
            kind: a resource class or a Kind.
            id: its id.
            namespace: instead of the kind's own.
            tail_events: begin with the last so many events of this resource.
            start_from_bookmark: begin after this event of an earlier watch.

        Raises:
            InvalidBookmarkError: the bookmark is not (or no longer) good here.
            UnsupportedError: the backend has no such option.
            ValueError: options that exclude each other.
        """
        ...

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
        """Follows all resources of a kind that match.

        With queries, an update that leaves the match is told as Destroyed and one that enters it as
        Created.

        Args:
            kind: a resource class or a Kind.
            namespace: instead of the kind's own.
            bootstrap: begin with a Created for each resource that is there, sorted by id, then
                Bootstrapped; ignored with `tail_events` or `start_from_bookmark`, which say where to begin.
            bootstrap_bookmark: begin with a Noop that carries the position; with `bootstrap` too, go on
                from it only once Bootstrapped has come.
            tail_events: begin with the last so many events.
            start_from_bookmark: begin after this event of an earlier watch.
            labels: as in `list`.
            ids: as in `list`.

        Raises:
            InvalidBookmarkError: the bookmark is not (or no longer) good here.
            QueryError: a query that cannot be understood.
            UnsupportedError: the backend has no such option.
            ValueError: options that exclude each other.
        """
        ...

    def kind(self, name: str) -> Kind[Any]:
        """The kind of this name: full type, plural, singular or initials, in any case.

        Raises:
            UnknownKindError: nothing registered has this name.
            AmbiguousKindError: several types share it.
        """
        ...

    def close(self) -> None:
        """Releases what the state holds (connections, files, watches); twice is no error."""
        ...
