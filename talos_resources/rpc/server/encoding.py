"""Encoding what the server sends, each immutable value once however many clients get it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar

from talos_resources.codec.protowire import VARINT, tag, varint
from talos_resources.codec.wire import resource_to_wire
from talos_resources.model.metadata import Metadata, Reference
from talos_resources.model.resource import Resource
from talos_resources.model.spec import UntypedSpec
from talos_resources.rpc.event_messages import BOOTSTRAPPED, CREATED, DESTROYED, ERRORED, NOOP, UPDATED
from talos_resources.rpc.messages import field
from talos_resources.state.events import AnyEvent, Bootstrapped, Created, Destroyed, Errored, Noop, Updated

T = TypeVar("T")

CACHE_BYTES: Final = 64 << 20


class Cache(Generic[T]):
    """Remembers what the newest objects were encoded to, up to a number of bytes.

    Objects are told apart by identity: states hand out the very objects that they hold, and comparing
    their contents would cost more than encoding them. They are kept alive, or an address could come to
    mean another one.
    """

    def __init__(self, encode: Callable[[T], bytes], *, limit: int = CACHE_BYTES) -> None:
        """Begins empty.

        Args:
            encode: what it saves calling.
            limit: bytes of results to keep.
        """
        self._encode = encode
        self._limit = limit
        self._size = 0
        self._entries: dict[int, tuple[T, bytes]] = {}

    def __call__(self, value: T) -> bytes:
        """The encoded object."""
        entry = self._entries.get(id(value))
        if entry is not None:
            return entry[1]
        data = self._encode(value)
        self._entries[id(value)] = (value, data)
        self._size += len(data)
        while self._size > self._limit:
            _, dropped = self._entries.pop(next(iter(self._entries)))
            self._size -= len(dropped)
        return data


class Encoder:
    """Encodes resources and events; for one event loop."""

    def __init__(self) -> None:
        self.resource: Cache[Resource[Any]] = Cache(_resource_field)
        """A response whose field 1 is the resource: Get-, List-, Create- and UpdateResponse."""
        self._events: Cache[AnyEvent] = Cache(self._event_field)

    def event(self, event: AnyEvent, namespace: str, type: str) -> bytes:
        """Field 1 of a WatchResponse; several of them make a response of several events.

        Args:
            event: what to tell.
            namespace: of the watch.
            type: of the watch: clients take apart the resource even of events that are about none.
        """
        match event:
            case Bootstrapped() | Noop():
                number = BOOTSTRAPPED if isinstance(event, Bootstrapped) else NOOP
                return field(1, _tombstone(Reference(namespace, type, "")) + _type(number) + _bookmark(event))
            case _:
                return self._events(event)

    def _event_field(self, event: AnyEvent) -> bytes:
        # In the order of the field numbers, as protobuf writes them.
        match event:
            case Created(resource):
                body = self.resource(resource) + _type(CREATED)
            case Updated(resource, old):
                body = self.resource(resource) + _type(UPDATED) + (b"" if old is None else b"\x1a" + self.resource(old)[1:])
            case Destroyed(reference, resource):
                body = (_tombstone(reference) if resource is None else self.resource(resource)) + _type(DESTROYED)
            case Errored(error):
                body = _type(ERRORED) + field(4, error.message.encode())
            case _:
                raise AssertionError(event)  # `event` has looked for the others
        return field(1, body + _bookmark(event))


def _bookmark(event: AnyEvent) -> bytes:
    return b"" if event.bookmark is None else field(5, event.bookmark)


def _type(number: int) -> bytes:
    return tag(2, VARINT) + varint(number) if number else b""


def _resource_field(resource: Resource[Any]) -> bytes:
    return field(1, resource_to_wire(resource))


def _tombstone(reference: Reference) -> bytes:
    """A resource without contents; its version is undefined."""
    metadata = Metadata(namespace=reference.namespace, type=reference.type, id=reference.id)
    return _resource_field(Resource(metadata, UntypedSpec()))
