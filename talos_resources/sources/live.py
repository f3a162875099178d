"""Live nodes as sources: those of a talosconfig, and anything that serves `cosi.resource.State` in plaintext."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial

from talos_resources.model.errors import ConfigError
from talos_resources.rpc.client.connect import Endpoints, connect_plain
from talos_resources.rpc.transport.contract import DEFAULT_TIMEOUT_S
from talos_resources.rpc.transport.lean import lean_pyqwest
from talos_resources.sources.cluster import Cluster
from talos_resources.talosconfig.config import TalosConfig


def connect_cluster(
    *,
    nodes: Sequence[str] = (),
    endpoints: Sequence[str] = (),
    context: str | None = None,
    talosconfig: str | os.PathLike[str] | None = None,
    timeout: float | None = DEFAULT_TIMEOUT_S,
    kinds_first: bool = False,
) -> Cluster:
    """The nodes of a talosconfig as a cluster; a node is connected when it is first asked.

    ```python
    with connect_cluster(nodes=["10.0.0.1", "10.0.0.2"]) as cluster:
        peers = cluster.list(KubeSpanPeerStatus)
        mesh = cluster.mesh()
    ```

    Args:
        nodes: their names; without, those of the context, or else the first endpoint itself.
        endpoints: control-plane nodes to go through; without, those of the context.
        context: without, the current one.
        talosconfig: the file; without, `$TALOSCONFIG`, else `~/.talos/config`.
        timeout: seconds for a call; None for ever.
        kinds_first: the first question will be what types the first node has; it is sent at once.

    Raises:
        ConfigError: a talosconfig that cannot be used.
        DecodeError: a file that is no talosconfig.
    """
    chosen = TalosConfig.load(talosconfig).context(context)
    with lean_pyqwest():
        ways = Endpoints.of_context(chosen, endpoints=endpoints, timeout=timeout)
    source = f'context "{chosen.name}"'
    names = tuple(nodes) or chosen.nodes
    if kinds_first:
        ways.foresee_kinds(names[0] if names else None)
    if names:
        return Cluster({name: partial(ways.node, name) for name in names}, source=source)
    return Cluster({(tuple(endpoints) or chosen.endpoints)[0]: ways.node}, source=source)


def open_tcp(rest: str, *, timeout: float = DEFAULT_TIMEOUT_S) -> Cluster:
    """The one node behind `cosi://HOST:PORT`.

    Raises:
        ConfigError: no address.
    """
    return plain(rest.removeprefix("//").rstrip("/"), timeout=timeout)


def open_unix(rest: str, *, timeout: float = DEFAULT_TIMEOUT_S) -> Cluster:
    """The one node behind `cosi+unix:PATH`.

    Raises:
        ConfigError: no path.
    """
    if not rest:
        raise ConfigError("cosi+unix: needs the path of a socket, cosi+unix:/run/state.sock for example")
    return plain(f"unix:{rest}", timeout=timeout)


def plain(address: str, *, timeout: float = DEFAULT_TIMEOUT_S) -> Cluster:
    """A server without TLS as the one node that it is; it answers to any name.

    Args:
        address: `HOST:PORT` or `unix:PATH`.
        timeout: seconds for a call.

    Raises:
        ConfigError: it is no address.
    """
    # Unix sockets are asyncio's work; pyqwest has no part in it.
    with nullcontext() if address.startswith("unix:") else lean_pyqwest():
        state = connect_plain(address, timeout=timeout)
    return Cluster({address: lambda: state}, source=address, unnamed=True)
