"""What etcd holds under a key ↔ resources."""

from __future__ import annotations

from typing import Any, Final, NamedTuple, Protocol

from talos_resources.codec.wire import resource_of_store, resource_to_wire
from talos_resources.model.errors import DecodeError
from talos_resources.model.resource import Resource

CACHED_BYTES: Final = 256 << 20
"""What the values that are kept decoded may take, about."""

# A resource in memory beside its value.
_OVERHEAD: Final = 1500


class KeyValue(Protocol):
    """A key of etcd with its value."""

    @property
    def key(self) -> bytes:
        """The key."""
        ...

    @property
    def value(self) -> bytes:
        """The encoded resource."""
        ...

    @property
    def version(self) -> int:
        """How often the key was written since it was created."""
        ...

    @property
    def mod_revision(self) -> int:
        """The revision of the last write."""
        ...


class Known(NamedTuple):
    """A resource as it was read or written last."""

    version: int
    value: bytes
    revision: int
    resource: Resource[Any]


class Values:
    """Decodes values, each once as long as it is remembered.

    Resources are immutable, so that lists, gets and all watches of a process can share them. What is
    remembered is only used for the very bytes that it was decoded from. Two generations bound it: when
    the younger is full the older is dropped.
    """

    def __init__(self, limit: int = CACHED_BYTES) -> None:
        """Remembers nothing yet.

        Args:
            limit: bytes, about.
        """
        self._limit = limit // 2
        self._size = 0
        self._young: dict[bytes, Known] = {}
        self._old: dict[bytes, Known] = {}

    def decode(self, kv: KeyValue) -> Resource[Any]:
        """The resource under a key.

        Raises:
            DecodeError: it is none that can be read here.
        """
        key, value, version = kv.key, kv.value, kv.version
        known = self._young.get(key)
        if known is not None and known[0] == version and known[1] == value:
            return known[3]
        resource = self._decoded(key, value, version)
        self.remember(key, Known(version, value, kv.mod_revision, resource))
        return resource

    def known(self, key: bytes) -> Known | None:
        """What was read or written last under a key; others may have changed it since."""
        return self._young.get(key) or self._old.get(key)

    def remember(self, key: bytes, known: Known) -> None:
        """Keeps what was read or written."""
        if self._size > self._limit:
            self._old, self._young, self._size = self._young, {}, 0
        self._young[key] = known
        self._size += len(key) + len(known.value) + _OVERHEAD

    def forget(self, key: bytes) -> None:
        """Forgets a key that is gone."""
        self._young.pop(key, None)
        self._old.pop(key, None)

    def _decoded(self, key: bytes, value: bytes, version: int) -> Resource[Any]:
        known = self._old.get(key)
        if known is not None and known[0] == version and known[1] == value:
            return known[3]
        try:
            resource = resource_of_store(value)
        except DecodeError as error:
            where = key.decode("utf-8", "replace")
            raise DecodeError(f"is no resource: {error}", source=f"etcd key {where}") from None
        metadata = resource.metadata
        if metadata.version == version:
            return resource
        return resource.stamped(version, metadata.owner, metadata.created, metadata.updated)


def encode(resource: Resource[Any]) -> bytes:
    """The value of a resource: without YAML, as COSI's own stores write it."""
    return resource_to_wire(resource, with_yaml=False)
