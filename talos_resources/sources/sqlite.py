"""SQLite files as sources of nodes, with their past, and as a place to dump nodes to."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from time import time_ns
from typing import Any

from talos_resources.backends.sqlite.periods import Period
from talos_resources.backends.sqlite.presence import is_writable
from talos_resources.backends.sqlite.state import SqliteState
from talos_resources.model.errors import ConfigError
from talos_resources.model.resource import Resource
from talos_resources.model.timestamp import Timestamp
from talos_resources.sources.cluster import Cluster


def open_url(rest: str) -> Cluster:
    """The nodes of `sqlite:PATH`; a file that names none, or is empty, holds one without a name.

    Raises:
        ConfigError: it cannot be used.
    """
    path = _path(rest)
    state = SqliteState(path, create=False, read_only=not is_writable(path))
    nodes = state.nodes() or ("",)
    source = f"sqlite:{path}"
    openers = {node: partial(state.of_node, node) for node in nodes}
    return Cluster(openers, source=source, unnamed=nodes == ("",), on_close=state.close, at_once=1)


def write(contents: Mapping[str, Sequence[Resource[Any]]], rest: str) -> None:
    """Writes the resources of nodes into a new or an empty file.

    Raises:
        ConfigError: there is something in it already, or it cannot be written.
    """
    path = _path(rest)
    if path.exists():
        with SqliteState(path) as state:
            if state.nodes():
                raise _occupied(path)
            with state.batch():
                _fill(state, contents)
        return
    part = _temporary(path)
    try:
        with SqliteState(part) as state, state.filling():
            _fill(state, contents)  # node by node, which keeps what a transaction holds in memory small
        _move(part, path)
    except ConfigError as error:
        raise ConfigError(error.message.replace(str(part), str(path)), path=str(path)) from None
    finally:
        for name in (part.name, f"{part.name}-wal", f"{part.name}-shm"):  # a full disk lets SQLite not clear its log away
            part.with_name(name).unlink(missing_ok=True)


def _fill(state: SqliteState, contents: Mapping[str, Sequence[Resource[Any]]]) -> None:
    for node, resources in contents.items():
        with state.batch():
            held = state.of_node(node)
            held.restore(resources)
            now = Timestamp(time_ns())
            held.keep_period(Period(now, now))


def _temporary(path: Path) -> Path:
    """An empty file beside the one that is to be: that one is there whole or not at all."""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise ConfigError(f"cannot make {path}: {error.strerror}") from None
    os.close(handle)
    return Path(name)


def _move(part: Path, path: Path) -> None:
    if path.exists():  # somebody else was faster
        raise _occupied(path)
    part.replace(path)


def _occupied(path: Path) -> ConfigError:
    return ConfigError(f"sqlite:{path} holds resources already; name another file, or use `record` to follow nodes")


def _path(rest: str) -> Path:
    if not rest:
        raise ConfigError("sqlite: names no file; write sqlite:PATH")
    return Path(rest)
