"""Reading many keys at one revision, in as few answers as the limit of a message allows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from talos_resources._generated import etcd_pb2 as pb
from talos_resources.backends.etcd.failures import AnswerTooLargeError
from talos_resources.backends.etcd.layout import range_end
from talos_resources.model.errors import InvalidBookmarkError

Read = Callable[[pb.RangeRequest], pb.RangeResponse]
"""Asks etcd for a range."""

# The first answer tells how large values are; with values of 1.5 MiB it still fits.
_FIRST_PAGE: Final = 1000
_LARGEST_PAGE: Final = 10_000
_PAGE_BYTES: Final = 8 << 20
_ATTEMPTS: Final = 5


def read_folder(read: Read, folder: bytes) -> tuple[list[Any], int]:
    """All keys of a folder as they are at one revision.

    Args:
        read: raises `AnswerTooLargeError` for an answer that does not fit.
        folder: what the keys begin with.

    Returns:
        The `KeyValue`s in the order of their keys, and the revision.

    Raises:
        InvalidBookmarkError: etcd compacts faster than it can be read.
    """
    for last in (False,) * (_ATTEMPTS - 1) + (True,):
        try:
            return _read_once(read, folder)
        except InvalidBookmarkError:
            if last:
                raise
    raise AssertionError("the last attempt returns or raises")


def _read_once(read: Read, folder: bytes) -> tuple[list[Any], int]:
    end = range_end(folder)
    found: list[Any] = []
    begin, revision, limit = folder, 0, _FIRST_PAGE
    while True:
        try:
            page = read(pb.RangeRequest(key=begin, range_end=end, limit=limit, revision=revision))
        except AnswerTooLargeError:
            limit = max(1, limit // 8)
            continue
        found += page.kvs
        # The pages after the first show what the first one showed.
        revision = revision or page.header.revision
        if not page.more:
            return found, revision
        begin = page.kvs[-1].key + b"\0"
        limit = _next_limit(page.ByteSize(), len(page.kvs))


def _next_limit(taken: int, count: int) -> int:
    """How many keys to ask for, judged by those that came."""
    return max(1, min(_LARGEST_PAGE, _PAGE_BYTES * count // max(taken, 1)))
