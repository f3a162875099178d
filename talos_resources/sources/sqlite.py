"""SQLite files as sources of nodes, with their past, and as a place to dump nodes to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from time import time_ns
from typing import Any

from talos_resources.backends.sqlite.periods import Period
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
    state = SqliteState(path, create=False)
    nodes = state.nodes() or ("",)
    source = f"sqlite:{path}"
    return Cluster({node: partial(state.of_node, node) for node in nodes}, source=source, unnamed=nodes == ("",), on_close=state.close)


def write(contents: Mapping[str, Sequence[Resource[Any]]], rest: str) -> None:
    """Writes the resources of nodes into a new or an empty file.

    Raises:
        ConfigError: there is something in it already, or it cannot be written.
    """
    path = _path(rest)
    with SqliteState(path) as state:
        if state.nodes():
            raise ConfigError(f"sqlite:{path} holds resources already; name another file, or use `record` to follow nodes")
        with state.batch():
            for node, resources in contents.items():
                held = state.of_node(node)
                held.restore(resources)
                now = Timestamp(time_ns())
                held.keep_period(Period(now, now))


def _path(rest: str) -> Path:
    if not rest:
        raise ConfigError("sqlite: names no file; write sqlite:PATH")
    return Path(rest)
