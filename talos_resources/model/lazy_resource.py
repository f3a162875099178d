"""Resources whose spec is read when somebody looks at it.

Half of the cost of a resource that comes out of a store is its spec, and who counts, filters or picks
from a hundred thousand of them never looks at most of them. Such a resource is an instance of a subclass
that holds the bytes in the place of the spec; the first look reads them and makes it an ordinary one.

For stores that read what they have written themselves: what others send is read at once, so that a fault
is told where it comes in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Final, cast

from talos_resources.model.build import twin
from talos_resources.model.metadata import Metadata
from talos_resources.model.resource import Resource
from talos_resources.model.timestamp import Timestamp

_SPEC: Final[Any] = Resource.__dict__["spec"]  # the slot itself
_OpenResource: Final = twin(Resource)
_new: Final = object.__new__
_set: Final = object.__setattr__


def unread(read: Callable[[bytes], Any]) -> Callable[[Metadata, bytes], Resource[Any]]:
    """What makes resources whose specs are `read(data)`, called when they are looked at; its error is that of the look."""
    cls = type("Unread", (_Unread,), {"__slots__": (), "read": staticmethod(read)})

    def make(metadata: Metadata, data: bytes) -> Resource[Any]:
        made = _new(_OpenResource)
        made.metadata = metadata
        made.spec = data
        made.__class__ = cls
        return cast("Resource[Any]", made)

    return make


def _open(resource: Any) -> Any:
    """The spec; the resource is an ordinary one from now on. Two threads may both read it: the values are equal."""
    found = _SPEC.__get__(resource)
    if type(found) is bytes:
        read = getattr(resource, "read", None)
        if read is None:  # another thread has just read it
            return _SPEC.__get__(resource)
        found = read(found)
        _SPEC.__set__(resource, found)
    _set(resource, "__class__", Resource)
    return found


class _Unread(Resource[Any]):
    """Not looked at yet."""

    __slots__ = ()

    read: ClassVar[Callable[[bytes], Any]]

    # attrs' own methods for copies and pickles set what they have read.
    spec = property(_open, _SPEC.__set__)  # in the place of the slot

    def stamped(self, version: int, owner: str, created: Timestamp, updated: Timestamp) -> Resource[Any]:
        """See `Resource`; the spec is not looked at for it."""
        cls, data = type(self), _SPEC.__get__(self)
        if type(data) is not bytes:  # another thread has just read it
            return Resource.stamped(self, version, owner, created, updated)
        made: Resource[Any] = Resource(self.metadata, data).stamped(version, owner, created, updated)
        _set(made, "__class__", cls)
        return made

    def __eq__(self, other: object) -> bool:
        _open(self)
        return bool(self == other)

    def __hash__(self) -> int:
        _open(self)
        return hash(self)

    def __reduce_ex__(self, protocol: Any) -> Any:
        _open(self)
        return self.__reduce_ex__(protocol)
