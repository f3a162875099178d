"""Live nodes as sources: those of a talosconfig, and anything that serves `cosi.resource.State` in plaintext."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial

from talos_resources.model.errors import ConfigError
from talos_resources.rpc.client.call import MAX_ANSWER_BYTES
from talos_resources.rpc.client.connect import NO_NODES, STRAY_FINGERPRINTS, Endpoints, as_names, connect_plain
from talos_resources.rpc.transport.contract import DEFAULT_TIMEOUT_S
from talos_resources.sources.cluster import Cluster
from talos_resources.talosconfig.config import TalosConfig


def connect_cluster(
    *,
    nodes: str | Sequence[str] = (),
    endpoints: str | Sequence[str] = (),
    context: str | None = None,
    talosconfig: str | os.PathLike[str] | None = None,
    insecure: bool = False,
    cert_fingerprints: str | Sequence[str] = (),
    timeout: float | None = DEFAULT_TIMEOUT_S,
    max_answer_bytes: int = MAX_ANSWER_BYTES,
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
        insecure: the nodes are in maintenance mode: each is dialled itself, without a talosconfig, and proves nothing.
        cert_fingerprints: with `insecure`, of the keys that their certificates may have; none for any.
        timeout: seconds for a call; None for ever.
        max_answer_bytes: how large a whole list may be, and what a watch begins with.

    Raises:
        ConfigError: a talosconfig or an endpoint that cannot be used.
        DecodeError: a file that is no talosconfig.
    """
    if insecure:
        return _in_maintenance(
            as_names(nodes) or as_names(endpoints), as_names(cert_fingerprints), timeout=timeout, max_answer_bytes=max_answer_bytes
        )
    if cert_fingerprints:
        raise ConfigError(STRAY_FINGERPRINTS)
    chosen = TalosConfig.load(talosconfig).context(context)
    named = as_names(endpoints)
    ways = Endpoints.of_context(chosen, endpoints=named, timeout=timeout, max_answer_bytes=max_answer_bytes)
    source = f'context "{chosen.name}"'
    names = as_names(nodes) or chosen.nodes
    if names:
        return Cluster({name: partial(ways.node, name) for name in names}, source=source)
    return Cluster({(named or chosen.endpoints)[0]: ways.node}, source=source)


def _in_maintenance(nodes: Sequence[str], fingerprints: Sequence[str], *, timeout: float | None, max_answer_bytes: int) -> Cluster:
    if not nodes:
        raise ConfigError(NO_NODES)
    ways = {
        name: Endpoints.of_maintenance([name], fingerprints=fingerprints, timeout=timeout, max_answer_bytes=max_answer_bytes)
        for name in nodes
    }
    return Cluster({name: way.node for name, way in ways.items()}, source="maintenance mode")


def open_tcp(rest: str, *, timeout: float = DEFAULT_TIMEOUT_S, max_answer_bytes: int = MAX_ANSWER_BYTES) -> Cluster:
    """The one node behind `cosi://HOST:PORT`.

    Raises:
        ConfigError: no address.
    """
    return plain(rest.removeprefix("//").rstrip("/"), timeout=timeout, max_answer_bytes=max_answer_bytes)


def open_unix(rest: str, *, timeout: float = DEFAULT_TIMEOUT_S, max_answer_bytes: int = MAX_ANSWER_BYTES) -> Cluster:
    """The one node behind `cosi+unix:PATH`.

    Raises:
        ConfigError: no path.
    """
    if not rest:
        raise ConfigError("cosi+unix: needs the path of a socket, cosi+unix:/run/state.sock for example")
    return plain(f"unix:{rest}", timeout=timeout, max_answer_bytes=max_answer_bytes)


def plain(address: str, *, timeout: float = DEFAULT_TIMEOUT_S, max_answer_bytes: int = MAX_ANSWER_BYTES) -> Cluster:
    """A server without TLS as the one node that it is; it answers to any name.

    Args:
        address: `HOST:PORT` or `unix:PATH`.
        timeout: seconds for a call.
        max_answer_bytes: how large a whole list may be.

    Raises:
        ConfigError: it is no address.
    """
    state = connect_plain(address, timeout=timeout, max_answer_bytes=max_answer_bytes)
    return Cluster({address: lambda: state}, source=address, unnamed=True)
