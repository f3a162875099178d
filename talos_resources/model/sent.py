"""Resources that came with the YAML of their spec: what a node wrote is what is shown.

A class knows the fields of one release and writes them in one style; the node may be of another release.
So the text that the node sent stays with the resource for whoever prints it, until the spec is changed.

Most of Talos's types are listed and printed far more often than anybody looks into a spec in Python: their
resources are `Unread`, with the message as it came, which becomes an instance of the class at the first look.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, Self, TypeVar

from talos_resources.model.metadata import Metadata
from talos_resources.model.resource import Resource

S = TypeVar("S")

Reader = Callable[[str, bytes, str], Any]
"""Makes the spec of a type of its message, or, where that is empty, of its YAML."""

_SPEC: Final[Any] = Resource.__dict__["spec"]  # the slot itself


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


class Unread(Sent[S]):
    """A resource whose spec is read when it is looked at; a fault in it is told by that look."""

    __slots__ = ("_message", "_read")

    _message: bytes
    _read: Reader

    @classmethod
    def of(cls, metadata: Metadata, message: bytes, yaml: str, read: Reader) -> Self:
        """A resource with a spec that `read` makes of the message and the YAML."""
        self = cls.__new__(cls)
        put = object.__setattr__
        put(self, "metadata", metadata)
        put(self, "_message", message)
        put(self, "_yaml", yaml)
        put(self, "_read", read)
        return self

    def _look(self) -> S:
        try:
            found: S = _SPEC.__get__(self)
        except AttributeError:
            found = self._read(self.metadata.type, self._message, self._yaml)
            _SPEC.__set__(self, found)
            object.__setattr__(self, "_spec_sent", found)
        return found

    # attrs' own methods for copies and pickles set what they have read.
    spec = property(_look, _SPEC.__set__)  # pyright: ignore[reportAssignmentType]  # in the place of the slot

    @property
    def parts(self) -> tuple[bytes, str]:
        """The message and the YAML as they came; one of them may be empty."""
        return self._message, self._yaml

    @property
    def yaml(self) -> str | None:
        """See `Sent`; none came with a resource that is a message only."""
        return self._yaml or None

    def with_metadata(self, **changes: Any) -> Self:
        """See `Resource`; the spec is not looked at for it."""
        blank: Resource[None] = Resource(self.metadata, None)
        return type(self).of(blank.with_metadata(**changes).metadata, *self.parts, self._read)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Unread) and self.parts == other.parts:
            return self.metadata == other.metadata
        return super().__eq__(other)

    __hash__ = Resource.__hash__

    def __reduce__(self) -> tuple[Any, ...]:
        return Sent, (self.metadata, self.spec, self.yaml)


def sent_yaml(resource: Resource[Any]) -> str | None:
    """The YAML of the spec as it was sent; None for a resource that was made here, or changed."""
    return resource.yaml if isinstance(resource, Sent) else None


def has_message(resource: Resource[Any]) -> bool:
    """Whether the spec came as a message, or was made here, and not as YAML alone."""
    return not isinstance(resource, Unread) or bool(resource.parts[0])


def spec_at_hand(resource: Resource[Any]) -> Any:
    """The spec if it has been read; None if that waits for the first look."""
    return None if isinstance(resource, Unread) else resource.spec


def classes_at_hand(resources: Iterable[Resource[Any]]) -> set[type[Any]]:
    """The classes of those specs that have been read."""
    return {type(resource.spec) for resource in resources if not isinstance(resource, Unread)}
