"""What an event of a watch shows: its name, its mark and the resource."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from talos_resources.model.metadata import Metadata
from talos_resources.model.resource import Resource
from talos_resources.model.spec import UntypedSpec
from talos_resources.state.events import AnyEvent, Bootstrapped, Created, Destroyed, Errored, Noop, Updated

MARKS: Final = {"created": "+", "updated": " ", "destroyed": "-"}
"""The `*` column of talosctl's tables."""


class Shown(NamedTuple):
    """An event as views show it.

    Attributes:
        name: created, updated or destroyed.
        resource: what it is about; its spec is an empty `UntypedSpec` where nothing but its name is known.
    """

    name: str
    resource: Resource[Any]

    @property
    def mark(self) -> str:
        """What the `*` column says."""
        return MARKS[self.name]


def shown(event: AnyEvent) -> Shown | None:
    """What there is to show of an event; None for bootstrapped, noop and errored."""
    match event:
        case Created(resource):
            return Shown("created", resource)
        case Updated(resource):
            return Shown("updated", resource)
        case Destroyed(reference, resource):
            if resource is None:
                metadata = Metadata(namespace=reference.namespace, type=reference.type, id=reference.id, version=reference.version)
                resource = Resource(metadata, UntypedSpec())
            return Shown("destroyed", resource)
        case Bootstrapped() | Noop() | Errored():
            return None
