"""Where a resource is in etcd. The layout is that of COSI's state-etcd, so that Go programs share the store.

Key: prefix, `/`, escaped namespace, `/`, escaped type, `/`, hexadecimal SHA-256 of id and salt. Value: a
`cosi.resource.Resource`, whose version is not looked at: the version of a resource is etcd's of the key.

Source: state-etcd v0.6.0.
"""

from __future__ import annotations

import functools
import hashlib
from typing import Any, Final
from urllib.parse import quote, unquote

import attrs

from talos_resources.model.errors import InvalidBookmarkError
from talos_resources.model.resource import Resource

_BOOKMARK_BYTES: Final = 8
_LARGEST_REVISION: Final = 2**63 - 1
_HASH_LENGTH: Final = 64

# What Go's url.PathEscape leaves as it is, beside letters, digits, - _ . ~.
_UNESCAPED: Final = "$&+=:@"


def escaped(name: str) -> str:
    """A namespace, a type or a node as a part of a key."""
    return quote(name, safe=_UNESCAPED)


@attrs.frozen
class Layout:
    """The keys under one prefix.

    Attributes:
        prefix: without a slash at the end.
        salt: goes into the hash of an id.
    """

    prefix: str
    salt: bytes = b""

    def folder(self, namespace: str, type: str) -> bytes:
        """The beginning of the keys of a kind."""
        return _folder(self.prefix, namespace, type)

    def key(self, namespace: str, type: str, id: str) -> bytes:
        """The key of a resource."""
        return _folder(self.prefix, namespace, type) + hashlib.sha256(id.encode() + self.salt).hexdigest().encode()

    def key_of(self, resource: Resource[Any]) -> bytes:
        """The key of a resource."""
        metadata = resource.metadata
        return self.key(metadata.namespace, metadata.type, metadata.id)


@functools.lru_cache(maxsize=1024)
def _folder(prefix: str, namespace: str, type: str) -> bytes:
    return f"{prefix}/{escaped(namespace)}/{escaped(type)}/".encode()


def range_end(folder: bytes) -> bytes:
    """The first key behind all keys that begin so; what it begins with ends in a slash."""
    return folder[:-1] + bytes([folder[-1] + 1])


def parts(key: bytes, prefix: str) -> tuple[str, ...]:
    """The unescaped parts of a key after the prefix; empty if its last part is no hash of an id."""
    names = key.decode("utf-8", "replace").removeprefix(f"{prefix}/").split("/")
    return tuple(map(unquote, names)) if len(names[-1]) == _HASH_LENGTH else ()


def bookmark(revision: int) -> bytes:
    """The bookmark of a revision."""
    return revision.to_bytes(_BOOKMARK_BYTES, "big")


def revision_of(bookmark: bytes) -> int:
    """The revision of a bookmark.

    Raises:
        InvalidBookmarkError: it is none.
    """
    if len(bookmark) != _BOOKMARK_BYTES:
        raise InvalidBookmarkError(f"it has {len(bookmark)} bytes, not {_BOOKMARK_BYTES}")
    revision = int.from_bytes(bookmark, "big")
    if not 0 < revision < _LARGEST_REVISION:
        raise InvalidBookmarkError("it is no revision of an etcd")
    return revision
