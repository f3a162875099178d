"""What a watch tells.

The set is closed: `match` an event and mypy says what was forgotten.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import attrs

from talos_resources.model.errors import WatchError
from talos_resources.model.metadata import Reference
from talos_resources.model.resource import Resource

S = TypeVar("S")


@attrs.frozen(weakref_slot=False)
class Created(Generic[S]):
    """A resource came to be, or entered what the watch asks for.

    `bookmark` is the position after this event; None for the contents at the start of a watch.
    """

    resource: Resource[S]
    bookmark: bytes | None = None

    def to_record(self) -> dict[str, Any]:
        """See `talos_resources.codec.records.records`."""
        return _record("created", self.resource)


@attrs.frozen(weakref_slot=False)
class Updated(Generic[S]):
    """A resource changed; `old` is what it was (None if the other side did not say)."""

    resource: Resource[S]
    old: Resource[S] | None
    bookmark: bytes | None = None

    def to_record(self) -> dict[str, Any]:
        """See `talos_resources.codec.records.records`."""
        return _record("updated", self.resource)


@attrs.frozen(weakref_slot=False)
class Destroyed(Generic[S]):
    """A resource is gone, or left what the watch asks for.

    `resource` is its last content; None when a single watch starts and there is no such resource.
    """

    reference: Reference
    resource: Resource[S] | None
    bookmark: bytes | None = None

    def to_record(self) -> dict[str, Any]:
        """See `talos_resources.codec.records.records`."""
        if self.resource is not None:
            return _record("destroyed", self.resource)
        gone = self.reference
        return {"event": "destroyed", "type": gone.type, "id": gone.id, "version": gone.version, "namespace": gone.namespace}


@attrs.frozen(weakref_slot=False)
class Bootstrapped:
    """The contents at the start of the watch have all been told; what follows is news."""

    bookmark: bytes | None = None

    def to_record(self) -> dict[str, Any]:
        """See `talos_resources.codec.records.records`."""
        return {"event": "bootstrapped"}


@attrs.frozen(weakref_slot=False)
class Noop:
    """Nothing but a bookmark."""

    bookmark: bytes | None = None

    def to_record(self) -> dict[str, Any]:
        """See `talos_resources.codec.records.records`."""
        return {"event": "noop"}


@attrs.frozen(weakref_slot=False)
class Errored:
    """The watch ended and why; only batches carry it, iteration raises its error."""

    error: WatchError
    bookmark: bytes | None = None

    def to_record(self) -> dict[str, Any]:
        """See `talos_resources.codec.records.records`."""
        return {"event": "errored", "error": str(self.error)}


Event = Created[S] | Updated[S] | Destroyed[S] | Bootstrapped | Noop | Errored
AnyEvent = Event[Any]


def _record(event: str, resource: Resource[Any]) -> dict[str, Any]:
    from talos_resources.codec.records import event_record

    return event_record(event, resource)
