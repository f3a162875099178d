"""A server of `cosi.resource.State` on a unix socket: `cosi+unix:PATH`."""

from __future__ import annotations

from talos_resources.model.errors import ConfigError
from talos_resources.sources.cluster import Cluster
from talos_resources.sources.live import plain


def open_url(rest: str) -> Cluster:
    """The one node of the socket.

    Raises:
        ConfigError: no path.
    """
    if not rest:
        raise ConfigError("cosi+unix: needs the path of a socket, cosi+unix:/run/state.sock for example")
    return plain(f"unix:{rest}")
