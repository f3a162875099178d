"""gRPC status codes, and how they and our errors become each other.

The server sends an error of our tree as a code with the error's text (`status_of`); the client builds
the same class back from code and text (`error_of`). The texts are COSI's with more after them, so
that what the classes hold (owner, versions, finalizers) can be read from either side's text.

Source: COSI runtime v1.16.2, state server and client.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import IntEnum
from typing import Final

from talos_resources.model.errors import (
    AlreadyExistsError,
    ConnectError,
    DecodeError,
    InvalidBookmarkError,
    NotFoundError,
    OwnerConflictError,
    PendingFinalizersError,
    PermissionDeniedError,
    PhaseConflictError,
    QueryError,
    RemoteError,
    TalosResourcesError,
    UnsupportedError,
    VersionConflictError,
)
from talos_resources.model.metadata import Phase, Reference

MAX_TEXT: Final = 4000
"""How much of a text goes into a status: HTTP/2 peers limit their headers, often to 8 KiB."""


class Code(IntEnum):
    """gRPC's status codes."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16

    @property
    def go_name(self) -> str:
        """As gRPC's Go library writes it in texts: `PermissionDenied`."""
        if self in (Code.OK, Code.CANCELLED):
            return "OK" if self is Code.OK else "Canceled"
        return self.name.title().replace("_", "")


class RpcError(Exception):
    """A call that ended with another status than OK; becomes an error of our tree before it leaves the package."""

    def __init__(self, code: Code, text: str) -> None:
        super().__init__(code, text)
        self.code = code
        self.text = text

    def __str__(self) -> str:
        return f"{self.code.name}: {self.text}"


def parse_code(text: str) -> Code:
    """The code of a `grpc-status` header; what is no code is UNKNOWN, as gRPC demands."""
    try:
        return Code(int(text))
    except ValueError:
        return Code.UNKNOWN


def decode_text(header: str) -> str:
    """The text of a `grpc-message` header: percent-encoded UTF-8."""
    if "%" not in header:
        return header
    from urllib.parse import unquote_to_bytes

    return unquote_to_bytes(header).decode("utf-8", "replace")


def encode_text(text: str) -> str:
    """The header of a text, cut to what peers accept: a letter may take twelve bytes of it."""
    from urllib.parse import quote, unquote_to_bytes

    safe = " !\"#$&'()*+,-./:;<=>?@[\\]^_`{|}~"
    header = quote(text[:MAX_TEXT], safe=safe, errors="replace")
    if len(header) <= MAX_TEXT:
        return header
    whole = header[:MAX_TEXT] if "%" not in header[MAX_TEXT - 2 : MAX_TEXT] else header[: header.rindex("%", 0, MAX_TEXT)]
    return quote(unquote_to_bytes(whole).decode("utf-8", "ignore"), safe=safe)


_STATUS_OF: Final[tuple[tuple[type[TalosResourcesError], Code], ...]] = (
    (NotFoundError, Code.NOT_FOUND),
    (AlreadyExistsError, Code.ALREADY_EXISTS),
    (OwnerConflictError, Code.PERMISSION_DENIED),
    (PermissionDeniedError, Code.PERMISSION_DENIED),
    (PhaseConflictError, Code.INVALID_ARGUMENT),
    (VersionConflictError, Code.FAILED_PRECONDITION),
    (PendingFinalizersError, Code.FAILED_PRECONDITION),
    (InvalidBookmarkError, Code.FAILED_PRECONDITION),
    (QueryError, Code.INVALID_ARGUMENT),
    (DecodeError, Code.INVALID_ARGUMENT),
    (UnsupportedError, Code.UNIMPLEMENTED),
    (ConnectError, Code.UNAVAILABLE),
)


def status_of(error: TalosResourcesError) -> RpcError:
    """What a client is told of an error of our tree."""
    for cls, code in _STATUS_OF:
        if isinstance(error, cls):
            return RpcError(code, error.message)
    return RpcError(Code.UNKNOWN, error.message)


_OWNED: Final = r'is owned by "([^"]*)"'
# The Go server says so, without a code of its own, of a resource that is created for somebody else.
_ALREADY_OWNED: Final = r'owner is already set to "([^"]*)"'
_VERSIONS: Final = r'expected version "(\w+)", actual version "(\w+)"'
_PHASE: Final = r"is not in phase (\w+)"
_FINALIZERS: Final = r"has pending finalizers &?\[(.*?)\]"
_BOOKMARK: Final = r"invalid watch bookmark(?:: (.*))?"


def error_of(failure: RpcError, reference: Reference) -> TalosResourcesError:
    """The error of our tree that a status stands for, with the other side's own text.

    Args:
        failure: the status.
        reference: what the call was about.
    """
    build = _BUILDERS.get(failure.code)
    error = None if build is None else build(failure.text, reference)
    if error is None:
        return RemoteError(failure.text or f"the other side failed with {failure.code.name}", code=failure.code.name)
    if failure.text:
        error.args = (failure.text,)
    return error


def _permission(text: str, reference: Reference) -> TalosResourcesError:
    owned = re.search(_OWNED, text)
    return PermissionDeniedError(text) if owned is None else OwnerConflictError(reference, owner=owned[1])


def _unknown(text: str, reference: Reference) -> TalosResourcesError | None:
    owned = re.search(_ALREADY_OWNED, text)
    return None if owned is None else OwnerConflictError(reference, owner=owned[1])


def _precondition(text: str, reference: Reference) -> TalosResourcesError | None:
    if (versions := re.search(_VERSIONS, text)) is not None:
        expected, actual = (int(word) if word.isdecimal() else 0 for word in versions.groups())
        return VersionConflictError(reference, expected=expected, actual=actual)
    if (finalizers := re.search(_FINALIZERS, text)) is not None:
        return PendingFinalizersError(reference, finalizers=tuple(finalizers[1].split()))
    if (bookmark := re.search(_BOOKMARK, text)) is not None:
        return InvalidBookmarkError(bookmark[1] or "the node does not have it")
    return None


def _argument(text: str, reference: Reference) -> TalosResourcesError:
    if (phase := re.search(_PHASE, text)) is None:
        return QueryError(text)
    try:
        return PhaseConflictError(reference, expected=Phase(phase[1]))
    except ValueError:
        return QueryError(text)


_BUILDERS: Final[dict[Code, Callable[[str, Reference], TalosResourcesError | None]]] = {
    Code.UNKNOWN: _unknown,
    Code.NOT_FOUND: lambda _text, reference: NotFoundError(reference),
    Code.ALREADY_EXISTS: lambda _text, reference: AlreadyExistsError(reference),
    Code.PERMISSION_DENIED: _permission,
    Code.UNAUTHENTICATED: lambda text, _reference: PermissionDeniedError(text),
    Code.FAILED_PRECONDITION: _precondition,
    Code.INVALID_ARGUMENT: _argument,
    Code.UNIMPLEMENTED: lambda text, _reference: UnsupportedError(text),
    Code.UNAVAILABLE: lambda text, _reference: ConnectError(text),
    Code.DEADLINE_EXCEEDED: lambda text, _reference: ConnectError(text),
}
