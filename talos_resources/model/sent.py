"""Resources that came with the YAML of their spec: what a node wrote is what is shown.

A class knows the fields of one release and writes them in one style; the node may be of another release.
So the text that the node sent stays with the resource for whoever prints it, until the spec is changed.
"""

from __future__ import annotations

from typing import Any, Self, TypeVar

from talos_resources.model.metadata import Metadata
from talos_resources.model.resource import Resource

S = TypeVar("S")


class Sent(Resource[S]):
    """A resource with the YAML of its spec as it was sent; equal to one without."""

    __slots__ = ("_spec_sent", "_yaml")

    _spec_sent: S
    _yaml: str

    def __init__(self, metadata: Metadata, spec: S, yaml: str | None = None) -> None:
        """Takes the text beside what every resource has; attrs' own copies leave it out."""
        super().__init__(metadata, spec)
        if yaml is not None:
            object.__setattr__(self, "_spec_sent", spec)
            object.__setattr__(self, "_yaml", yaml)

    @property
    def yaml(self) -> str | None:
        """The text; None where the spec is not the one that was sent."""
        return self._yaml if getattr(self, "_spec_sent", None) is self.spec else None

    def with_metadata(self, **changes: Any) -> Self:
        """See `Resource`; the spec is the same, so its text is."""
        changed = super().with_metadata(**changes)
        return type(self)(changed.metadata, changed.spec, self.yaml)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Resource) and (self.metadata, self.spec) == (other.metadata, other.spec)

    __hash__ = Resource.__hash__

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.metadata, self.spec, self.yaml)


def sent_yaml(resource: Resource[Any]) -> str | None:
    """The YAML of the spec as it was sent; None for a resource that was made here, or changed."""
    return resource.yaml if isinstance(resource, Sent) else None
