"""Waiting for what becomes of one resource."""

from __future__ import annotations

from collections.abc import Callable, Collection
from types import TracebackType
from typing import Any, Final, Generic, Self, TypeVar

import attrs

from talos_resources.model.errors import WatchError
from talos_resources.model.kind import Kind, kind_of
from talos_resources.model.metadata import Phase
from talos_resources.model.resource import Resource
from talos_resources.state.contract import State
from talos_resources.state.events import AnyEvent, Created, Destroyed, Event, Updated
from talos_resources.state.timeout import Deadline, Timeout

S = TypeVar("S")


@attrs.frozen(kw_only=True)
class Condition(Generic[S]):
    """What an event must tell; all that is given must hold.

    Attributes:
        events: its class is one of these, `(Created, Updated)` for example.
        phases: the resource is in one of these phases.
        finalizers_empty: the resource is there, and nobody holds it by a finalizer.
        predicate: called with the resource, if there is one.
    """

    events: Collection[type[AnyEvent]] = ()
    phases: Collection[Phase] = ()
    finalizers_empty: bool = False
    predicate: Callable[[Resource[S]], bool] | None = None

    def holds(self, event: Event[S]) -> bool:
        """Whether the condition holds after this event of a watch on one resource."""
        if not isinstance(event, Created | Updated | Destroyed):
            return False
        resource = event.resource
        gone = isinstance(event, Destroyed)
        return (
            (not self.events or type(event) in self.events)
            and (not self.phases or (resource is not None and resource.phase in self.phases))
            and not (self.finalizers_empty and (gone or resource is None or resource.metadata.finalizers))
            and (self.predicate is None or (resource is not None and self.predicate(resource)))
        )


def watch_for(
    state: State,
    kind: type[S] | Kind[S],
    id: str,
    *conditions: Condition[S],
    namespace: str | None = None,
    timeout: Timeout = None,
) -> Resource[S] | None:
    """Waits until one of the conditions holds for a resource; what is the case already counts.

    Args:
        state: where it is, or will be.
        kind: a resource class or a Kind.
        id: its id.
        conditions: one of them must hold; none: the first event will do.
        namespace: instead of the kind's own.
        timeout: how long to wait.

    Returns:
        The resource as the event told it; None if it is gone.

    Raises:
        TimeoutError: it did not happen in time.
        WatchError: the watch cannot go on, or was closed with the state.
    """
    deadline = Deadline(timeout)
    with state.watch(kind, id, namespace=namespace) as events:
        while True:
            try:
                event = events.next(deadline.remaining())
            except StopIteration:
                raise WatchError(f"the state was closed while waiting for {kind_of(kind).type} {id}") from None
            if not conditions or any(condition.holds(event) for condition in conditions):
                return told(event)


def told(event: Event[S]) -> Resource[S] | None:
    """The resource that is there after an event, None if it is gone or the event tells of none."""
    return event.resource if isinstance(event, Created | Updated) else None


GONE: Final[Condition[Any]] = Condition(events=(Destroyed,))
RELEASED: Final[Condition[Any]] = Condition(finalizers_empty=True)
ENDING: Final[Condition[Any]] = Condition(phases=(Phase.TEARING_DOWN,))


class Lifetime:
    """Whether a resource still lives: it ends when the resource is torn down or destroyed, or is not there at all.

    ```python
    with Lifetime(state, KubeSpanConfig, "kubespan") as life:
        while not life.wait(1.0):
            work()
    ```

    It is a watch, so nothing is missed between two looks, and it needs no thread of its own.
    """

    def __init__(self, state: State, kind: type[Any] | Kind[Any], id: str, *, namespace: str | None = None) -> None:
        self._events = state.watch(kind, id, namespace=namespace)
        self._ended = False

    @property
    def ended(self) -> bool:
        """Whether it has ended; does not wait.

        Raises:
            WatchError: the watch cannot go on.
        """
        return self.wait(0)

    def wait(self, timeout: Timeout = None) -> bool:
        """Waits for the end, at most so long; says whether it has ended.

        Raises:
            WatchError: the watch cannot go on.
        """
        deadline = Deadline(timeout)
        while not self._ended:
            try:
                event = self._events.next(deadline.remaining())
                self._ended = GONE.holds(event) or ENDING.holds(event)
            except TimeoutError:
                break
            except StopIteration:
                raise WatchError("the state was closed, so nobody tells whether the resource lives") from None
        return self._ended

    def close(self) -> None:
        """Ends the watch."""
        self._events.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
