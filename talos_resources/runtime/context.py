"""What a controller sees of the world during one call: the clock, its inputs and its outputs."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from talos_resources.model.build import twin
from talos_resources.model.errors import ConfigError, NotFoundError, PendingFinalizersError
from talos_resources.model.kind import Kind, kind_of
from talos_resources.model.metadata import Metadata, Phase
from talos_resources.model.resource import Resource
from talos_resources.model.timestamp import Timestamp
from talos_resources.runtime.declarations import Declared
from talos_resources.state.contract import State
from talos_resources.state.derived import teardown

S = TypeVar("S")

# A simulation makes millions of resources here.
_OPEN_METADATA: Final = twin(Metadata)
_OPEN_RESOURCE: Final = twin(Resource)


class Context:
    """One call of a controller.

    Attributes:
        now: the time of the call; controllers have no other clock.
        changed: an input changed since the last call, or this is the first one; False if only a time came
            that the controller asked for.
        call_again: asks for a call because something outside of the State changed; any thread may, also later.
    """

    __slots__ = ("_controller", "_state", "call_again", "changed", "now", "pending", "wake")

    def __init__(
        self,
        state: State,
        controller: Declared,
        *,
        now: Timestamp,
        changed: bool,
        wake: Timestamp | None,
        call_again: Callable[[], None],
    ) -> None:
        self._state = state
        self._controller = controller
        self.now = now
        self.changed = changed
        self.wake = wake
        self.call_again = call_again
        self.pending: set[tuple[Kind[Any], str]] = set()

    def get(self, kind: type[S] | Kind[S], id: str, *, namespace: str | None = None) -> Resource[S] | None:
        """A declared resource; None if there is none or it is being torn down.

        Raises:
            ConfigError: the controller has not declared it.
        """
        resolved, space = self._resolve(kind, namespace)
        self._check_readable(resolved, space, id)
        try:
            resource = self._state.get(resolved, id, namespace=space)
        except NotFoundError:
            return None
        return resource if resource.phase is Phase.RUNNING else None

    def list(self, kind: type[S] | Kind[S], *, namespace: str | None = None) -> builtins.list[Resource[S]]:
        """All declared resources of a kind that are not being torn down, sorted by id.

        Raises:
            ConfigError: the controller has not declared the kind as a whole.
        """
        resolved, space = self._resolve(kind, namespace)
        self._check_readable(resolved, space, None)
        running = Phase.RUNNING
        return [resource for resource in self._state.list(resolved, namespace=space) if resource.metadata.phase is running]

    def put(self, kind: type[S] | Kind[S], id: str, spec: S, *, namespace: str | None = None) -> None:
        """Makes an output of this id have this spec; nothing is written if it has.

        Raises:
            ConfigError: the controller has not declared the kind as an output.
            OwnerConflictError: the resource is somebody else's.
        """
        resolved, space = self._resolve(kind, namespace)
        self._check_writable(resolved, space)
        try:
            old: Resource[S] | None = self._state.get(resolved, id, namespace=space)
        except NotFoundError:
            old = None
        self._write(resolved, space, id, spec, old)

    def replace(self, kind: type[S] | Kind[S], specs: Mapping[str, S], *, namespace: str | None = None) -> None:
        """Makes the outputs of a kind exactly these, by id; those of other owners stay.

        Raises:
            ConfigError: the controller has not declared the kind as an output.
            OwnerConflictError: one of the resources is somebody else's.
        """
        resolved, space = self._resolve(kind, namespace)
        self._check_writable(resolved, space)
        existing = {resource.metadata.id: resource for resource in self._state.list(resolved, namespace=space)}
        for key, spec in specs.items():
            old = existing.get(key)
            # Most outputs of most calls are the very objects of the last one.
            if old is None or old.spec is not spec or old.phase is not Phase.RUNNING:
                self._write(resolved, space, key, spec, old)
        name = self._controller.name
        for key, old in existing.items():
            if key not in specs and old.owner == name:
                self._destroy(resolved, space, key)

    def destroy(self, kind: type[Any] | Kind[Any], id: str, *, namespace: str | None = None) -> None:
        """Takes an output away; that there is none is no error. It lingers while it has finalizers.

        Raises:
            ConfigError: the controller has not declared the kind as an output.
            OwnerConflictError: the resource is somebody else's.
        """
        resolved, space = self._resolve(kind, namespace)
        self._check_writable(resolved, space)
        self._destroy(resolved, space, id)

    def wake_at(self, when: Timestamp | None) -> None:
        """Asks for a call at this time instead of the one that was asked for before; None for none."""
        self.wake = when

    def _write(self, kind: Kind[S], namespace: str, id: str, spec: S, old: Resource[S] | None) -> None:
        name = self._controller.name
        if old is None:
            fresh = _OPEN_METADATA(namespace, kind.type, id, 0, name)
            fresh.__class__ = Metadata
            resource = _OPEN_RESOURCE(fresh, spec)
            resource.__class__ = Resource
            self._state.create(resource, owner=name)
        elif old.phase is not Phase.RUNNING and old.owner == name:
            # Wanted again while somebody still holds the old one: it comes back when that one is gone.
            self._destroy(kind, namespace, id)
            self.pending.add((kind, namespace))
        elif old.spec is not spec and old.spec != spec:
            self._state.update(Resource(old.metadata, spec), owner=name)

    def _destroy(self, kind: Kind[Any], namespace: str, id: str) -> None:
        name = self._controller.name
        try:
            self._state.destroy(kind, id, namespace=namespace, owner=name)
        except NotFoundError:
            return
        except PendingFinalizersError:
            teardown(self._state, kind, id, namespace=namespace, owner=name)
            self.pending.add((kind, namespace))

    def _resolve(self, kind: type[S] | Kind[S], namespace: str | None) -> tuple[Kind[S], str]:
        resolved = kind_of(kind)
        return resolved, resolved.namespace if namespace is None else namespace

    def _check_readable(self, kind: Kind[Any], namespace: str, id: str | None) -> None:
        for declared in self._controller.inputs:
            if declared.kind.type == kind.type and declared.namespace == namespace and declared.id in (None, id):
                return
        self._check_writable(kind, namespace)

    def _check_writable(self, kind: Kind[Any], namespace: str) -> None:
        for declared in self._controller.outputs:
            if declared.kind.type == kind.type and declared.namespace == namespace:
                return
        msg = (
            f"controller {self._controller.name} uses {kind.type} in namespace {namespace}, which is not among what it declares; "
            "add it to its inputs (to read) or outputs (to write)"
        )
        raise ConfigError(msg)
