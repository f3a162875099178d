"""Operations made of the contract's calls, written once for every State.

Each takes the state first, then kind and id as the contract does.
Source: COSI runtime v1.16.2, the state wrapper.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from talos_resources.model.errors import AlreadyExistsError, NotFoundError, PendingFinalizersError, PhaseConflictError, VersionConflictError
from talos_resources.model.kind import Kind
from talos_resources.model.metadata import Phase
from talos_resources.model.resource import Resource
from talos_resources.state.contract import State
from talos_resources.state.timeout import Deadline, Timeout
from talos_resources.state.waiting import GONE, RELEASED, Condition, Lifetime, watch_for

__all__ = [
    "Condition",
    "Lifetime",
    "add_finalizer",
    "destroy_released",
    "modify",
    "remove_finalizer",
    "teardown",
    "teardown_and_destroy",
    "update_with_conflicts",
    "watch_for",
]

S = TypeVar("S")

Change = Callable[[Resource[S]], Resource[S]]
"""Makes the wanted resource of the current one; called again when somebody else was faster."""


def update_with_conflicts(
    state: State,
    kind: type[S] | Kind[S],
    id: str,
    change: Change[S],
    *,
    namespace: str | None = None,
    owner: str | None = None,
    expected_phase: Phase | None = Phase.RUNNING,
) -> Resource[S]:
    """Changes a resource, as often as it takes for no other change to come between.

    Args:
        state: where it is.
        kind: a resource class or a Kind.
        id: its id.
        change: what to do; a result of the same content is not written.
        namespace: instead of the kind's own.
        owner: who changes it; None for its owner.
        expected_phase: checked before `change` is called; None for any.

    Returns:
        The resource as it is stored now.

    Raises:
        NotFoundError: there is none.
        OwnerConflictError: it belongs to another owner.
        PhaseConflictError: it is in another phase.
        ValueError: `change` returned another resource or version than it was given.
    """
    while True:
        current = state.get(kind, id, namespace=namespace)
        if expected_phase is not None and current.metadata.phase is not expected_phase:
            raise PhaseConflictError(current.reference, expected=expected_phase)
        changed = change(current)
        if changed is current or changed.same_content(current):
            return current
        if changed.metadata is not current.metadata and (changed.version != current.version or changed.id != id):
            # Every try would end in the same version conflict.
            raise ValueError(f"change() was given {current.reference} and must not return {changed.reference}")
        try:
            return state.update(changed, owner=owner, expected_phase=expected_phase)
        except VersionConflictError:
            continue


def modify(state: State, empty: Resource[S], change: Change[S], *, owner: str | None = None) -> Resource[S]:
    """Creates a resource, or changes the one that is there.

    Args:
        state: where it is.
        empty: names the resource, and is what `change` is given if there is none yet.
        change: as in `update_with_conflicts`.
        owner: who creates or changes it; None for the owner that the resource names.

    Returns:
        The resource as it is stored now.

    Raises:
        OwnerConflictError: it belongs to another owner.
        PhaseConflictError: it is being torn down.
    """
    metadata = empty.metadata
    kind: Kind[S] = Kind(type=metadata.type, namespace=metadata.namespace, spec=type(empty.spec), display_type=metadata.type)
    while True:
        try:
            return update_with_conflicts(state, kind, metadata.id, change, owner=owner)
        except NotFoundError:
            pass
        try:
            return state.create(change(empty), owner=owner)
        except AlreadyExistsError:
            continue


def teardown(state: State, kind: type[Any] | Kind[Any], id: str, *, namespace: str | None = None, owner: str | None = None) -> bool:
    """Marks a resource as being torn down, which it may be already.

    Returns:
        Whether nobody holds it by a finalizer, so that it can be destroyed.

    Raises:
        NotFoundError: there is none.
        OwnerConflictError: it belongs to another owner.
    """
    current = state.get(kind, id, namespace=namespace)
    if current.phase is not Phase.TEARING_DOWN:
        current = update_with_conflicts(state, kind, id, _torn_down, namespace=namespace, owner=owner, expected_phase=None)
    return not current.metadata.finalizers


def _torn_down(resource: Resource[Any]) -> Resource[Any]:
    return resource.with_metadata(phase=Phase.TEARING_DOWN)


def teardown_and_destroy(
    state: State,
    kind: type[Any] | Kind[Any],
    id: str,
    *,
    namespace: str | None = None,
    owner: str | None = None,
    timeout: Timeout = None,
) -> None:
    """Tears a resource down, waits until all finalizers are gone, and destroys it.

    That somebody else destroys it meanwhile is no error.

    Raises:
        NotFoundError: there is none to begin with.
        OwnerConflictError: it belongs to another owner.
        TimeoutError: somebody did not let go in time; it stays in tear-down.
        WatchError: the waiting failed.
    """
    deadline = Deadline(timeout)
    teardown(state, kind, id, namespace=namespace, owner=owner)
    while not destroy_released(state, kind, id, namespace=namespace, owner=owner):
        watch_for(state, kind, id, RELEASED, GONE, namespace=namespace, timeout=deadline.remaining())


def destroy_released(state: State, kind: type[Any] | Kind[Any], id: str, *, namespace: str | None = None, owner: str | None = None) -> bool:
    """Destroys a resource unless somebody holds it by a finalizer.

    Returns:
        Whether it is gone now, by whomever.

    Raises:
        OwnerConflictError: it belongs to another owner.
    """
    try:
        held_by = state.get(kind, id, namespace=namespace).owner if owner is None else owner
        state.destroy(kind, id, namespace=namespace, owner=held_by)
    except PendingFinalizersError:
        return False
    except NotFoundError:
        pass
    return True


def add_finalizer(state: State, kind: type[S] | Kind[S], id: str, *finalizers: str, namespace: str | None = None) -> Resource[S]:
    """Adds finalizers, those that are there already without effect, under the resource's owner and in any phase.

    Raises:
        NotFoundError: there is none.
    """

    def change(resource: Resource[S]) -> Resource[S]:
        return resource.with_finalizers(*resource.metadata.finalizers, *finalizers)

    return update_with_conflicts(state, kind, id, change, namespace=namespace, expected_phase=None)


def remove_finalizer(state: State, kind: type[S] | Kind[S], id: str, *finalizers: str, namespace: str | None = None) -> Resource[S]:
    """Removes finalizers, those that are not there without effect, under the resource's owner and in any phase.

    Raises:
        NotFoundError: there is none.
    """

    def change(resource: Resource[S]) -> Resource[S]:
        return resource.with_finalizers(*(name for name in resource.metadata.finalizers if name not in finalizers))

    return update_with_conflicts(state, kind, id, change, namespace=namespace, expected_phase=None)
