"""What another store says of a resource, against what the file has of it: who is behind."""

from __future__ import annotations

import sqlite3
from typing import Any

from talos_resources.backends.sqlite import log
from talos_resources.codec.wire import metadata_of_wire
from talos_resources.model.metadata import Metadata
from talos_resources.model.resource import Resource


def is_old(connection: sqlite3.Connection, known: log.Held, given: Metadata, *, at: int | None, forward: bool) -> bool:
    """Whether what is given is behind what the file has; without `forward` it is only if the file heard that after `at`."""
    return (forward or _is_known_since(connection, known, at)) and _is_behind(connection, known, given)


def is_kept(connection: sqlite3.Connection, found: tuple[log.Held, Resource[Any]], *, at: int | None, last: Metadata | None) -> bool:
    """Whether what the file has is not what is gone: it is newer than `last`, or without one was heard after `at`."""
    known, held = found
    return _is_known_since(connection, known, at) if last is None else _is_newer(held.metadata, last)


def _is_known_since(connection: sqlite3.Connection, known: log.Held, at: int | None) -> bool:
    """Whether the file was told of a resource after a moment; None is now."""
    if at is None:
        return False
    last = log.last_until(connection, known.key, (1 << 63) - 1)
    if last is not None and not isinstance(last.at, int):
        raise log.DamagedError
    return last is not None and last.at > at


def _is_newer(mine: Metadata, given: Metadata) -> bool:
    """Whether what is held is a later version of the same life of a resource, or a later life of it."""
    return mine.version > given.version if mine.created == given.created else mine.created > given.created


def _is_behind(connection: sqlite3.Connection, known: log.Held, given: Metadata) -> bool:
    """Whether the file knows a later version of a resource already, or that this life of it is over."""
    if known.wire is not None:
        return _is_newer(metadata_of_wire(known.wire), given)
    last = log.last_until(connection, known.key, (1 << 63) - 1)
    return last is not None and metadata_of_wire(last.wire).created >= given.created
