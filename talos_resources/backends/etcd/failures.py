"""What etcd's refusals mean.

Source: the texts of etcd v3.4 and v3.5's rpctypes.
"""

from __future__ import annotations

from typing import Final

from talos_resources.model.errors import (
    InvalidBookmarkError,
    PermissionDeniedError,
    RemoteError,
    TalosResourcesError,
    UnsupportedError,
)
from talos_resources.rpc.status import Code, RpcError

_COMPACTED: Final = "required revision has been compacted"
_FUTURE: Final = "required revision is a future revision"

_STALE_TOKEN: Final = ("invalid auth token", "user name is empty", "revision of auth store is old", "revision in header is old")
# While leadership passes on, etcd says so with the code UNKNOWN.
_PASSING: Final = ("raft proposal dropped", "leader changed", "too many requests")
_TOO_LARGE: Final = ("request is too large", "received message larger than max")
_LOGIN: Final = ("authentication failed", "user name not found")
_NO_USERS: Final = "authentication is not enabled"
_NO_ROOM: Final = "database space exceeded"


class AnswerTooLargeError(Exception):
    """An answer does not fit in one message; less must be asked for at once."""


def is_stale_token(error: RpcError) -> bool:
    """Whether a new token may help."""
    return any(text in error.text for text in _STALE_TOKEN)


def is_temporary(error: RpcError) -> bool:
    """Whether asking again, or another member, may help: no leader, a leader that changes, a member that stops."""
    return error.code in {Code.UNAVAILABLE, Code.DEADLINE_EXCEEDED, Code.CANCELLED} or any(text in error.text for text in _PASSING)


def is_too_large(error: RpcError) -> bool:
    """Whether the answer was larger than what we take."""
    return error.code is Code.RESOURCE_EXHAUSTED and "larger than the limit" in error.text


def error_of(error: RpcError, about: object) -> TalosResourcesError:
    """The error of our tree for a refusal.

    Args:
        error: of the call.
        about: the resource or the keys that it was about.
    """
    text = error.text
    if any(part in text for part in _TOO_LARGE):
        return UnsupportedError(
            f"{about} is too large for this etcd: it takes requests up to 1.5 MiB unless its members run with "
            "a larger --max-request-bytes; nothing was written"
        )
    if _NO_ROOM in text:
        return RemoteError(f"etcd is full: {text}; compact and defragment it, then disarm its alarm", code=error.code.name)
    if _COMPACTED in text:
        return InvalidBookmarkError("etcd has compacted the revisions after it")
    if _FUTURE in text:
        return InvalidBookmarkError("its revision is in the future")
    if _NO_USERS in text:
        return PermissionDeniedError(
            "this etcd has no users: authentication is not enabled; leave the user out of the URL, or unset ETCDCTL_USER"
        )
    if any(part in text for part in _LOGIN):
        return PermissionDeniedError(f"etcd does not let us in: {text}")
    if is_stale_token(error):
        return PermissionDeniedError("etcd wants a user and a password; write etcd://USER:PASSWORD@HOST:PORT or set ETCDCTL_USER")
    if error.code is Code.PERMISSION_DENIED:
        return PermissionDeniedError(f"etcd does not allow this: {text} ({about}); grant the user's role the prefix")
    return RemoteError(f"etcd failed: {text or error.code.name}", code=error.code.name)
