"""`connect`: from a talosconfig to the states of its nodes."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Final, Self

from talos_resources.model.errors import ConfigError, TalosResourcesError
from talos_resources.rpc.headers import LIST, call_headers, metadata_for
from talos_resources.rpc.pki import standard_key_pem
from talos_resources.rpc.transport.contract import DEFAULT_TIMEOUT_S, Credentials, Transport
from talos_resources.rpc.transport.open import open_transport
from talos_resources.talosconfig.config import Context, TalosConfig

if TYPE_CHECKING:
    from talos_resources.rpc.client.state import RemoteState

API_PORT: Final = 50000
"""Where the Talos API listens."""

CONNECT_TIMEOUT_S: Final = 5.0
"""How long an endpoint may take to accept a connection before the next one is tried."""


class Endpoints:
    """The ways into one cluster, shared by the states of all its nodes."""

    def __init__(
        self,
        addresses: Iterable[str],
        *,
        credentials: Credentials | None = None,
        timeout: float | None = DEFAULT_TIMEOUT_S,
        on_interruption: Callable[[TalosResourcesError], None] | None = None,
    ) -> None:
        """Connects when a state is first used.

        Args:
            addresses: `HOST:PORT`, or `unix:PATH`; tried in turn.
            credentials: for mutual TLS; None for plaintext.
            timeout: seconds for a call; None for ever.
            on_interruption: see `RemoteState`.

        Raises:
            ConfigError: no address, or credentials that cannot be used.
        """
        self._timeout = timeout
        self._on_interruption = on_interruption
        connect_timeout = CONNECT_TIMEOUT_S if timeout is None else min(CONNECT_TIMEOUT_S, timeout)
        self._transports: list[Transport] = [
            open_transport(address, credentials=credentials, connect_timeout=connect_timeout) for address in addresses
        ]
        if not self._transports:
            raise ConfigError("no endpoint is known; name one with --endpoints, or add it with `config endpoint`")
        self._states = 0
        self._lock = threading.Lock()

    @classmethod
    def of_context(
        cls,
        context: Context,
        *,
        endpoints: Iterable[str] = (),
        timeout: float | None = DEFAULT_TIMEOUT_S,
        on_interruption: Callable[[TalosResourcesError], None] | None = None,
    ) -> Self:
        """The endpoints of a context of a talosconfig, or others with its certificates; otherwise as the class.

        Raises:
            ConfigError: the context has no endpoints or no certificates that can be used.
        """
        addresses = tuple(endpoints) or context.endpoints
        if not addresses:
            raise ConfigError(f'context "{context.name}" has no endpoints; name one with --endpoints, or `config endpoint`')
        return cls(map(with_port, addresses), credentials=credentials_of(context), timeout=timeout, on_interruption=on_interruption)

    def foresee_kinds(self, node: str | None) -> None:
        """Asks for the definitions of a node's types: its state will be, and what it needs can be loaded in the meantime.

        Raises:
            ConfigError: a node's name that cannot be sent.
        """
        from talos_resources.rpc.transport.foreseen import ForeseenTransport, list_of_definitions

        headers, message = call_headers(metadata_for(node), self._timeout), list_of_definitions()
        self._transports[0] = ForeseenTransport(self._transports[0], LIST, headers, message, timeout=self._timeout)

    def node(self, name: str | None = None) -> RemoteState:
        """The state of a node; its connections are released when the last of the states is closed.

        Args:
            name: None for whatever answers at the endpoint.
        """
        from talos_resources.rpc.client.state import RemoteState

        with self._lock:
            self._states += 1
        released = threading.Event()

        def release() -> None:
            with self._lock:
                self._states -= not released.is_set()
                released.set()
                if self._states:
                    return
            for transport in self._transports:
                transport.close()

        return RemoteState(self._transports, node=name, timeout=self._timeout, on_interruption=self._on_interruption, on_close=release)


def connect(
    *,
    nodes: Sequence[str] = (),
    endpoints: Sequence[str] = (),
    talosconfig: str | os.PathLike[str] | TalosConfig | None = None,
    context: str | None = None,
    timeout: float | None = DEFAULT_TIMEOUT_S,
) -> RemoteState:
    """The state of a live node.

    ```python
    with connect(nodes=["10.0.0.1"]) as node:
        down = [peer for peer in node.list(KubeSpanPeerStatus) if peer.spec.state is PeerState.DOWN]
    ```

    Args:
        nodes: the one node to talk to; without, the one of the talosconfig, or else the endpoint itself.
            For several nodes use `connect_cluster`.
        endpoints: control-plane nodes to go through; without, those of the talosconfig.
        talosconfig: a file, or what was loaded from one; None for `$TALOSCONFIG`, else `~/.talos/config`.
        context: the name of its context; None for the current one.
        timeout: seconds for a call; None for ever.

    Raises:
        ConfigError: a talosconfig that cannot be used, or several nodes.
        DecodeError: a file that is no talosconfig.
    """
    config = _context(talosconfig, context)
    names = tuple(nodes) or config.nodes
    if len(names) > 1:
        raise ConfigError(f"connect() is for one node, these are {len(names)}: {', '.join(names)}; name one, or use connect_cluster()")
    return Endpoints.of_context(config, endpoints=endpoints, timeout=timeout).node(names[0] if names else None)


def connect_plain(
    address: str,
    *,
    timeout: float | None = DEFAULT_TIMEOUT_S,
    on_interruption: Callable[[TalosResourcesError], None] | None = None,
) -> RemoteState:
    """The state that a server of `cosi.resource.State` without TLS serves.

    Args:
        address: `HOST:PORT` or `unix:PATH`.
        timeout: seconds for a call; None for ever.
        on_interruption: see `RemoteState`.

    Raises:
        ConfigError: it is no address.
    """
    if not address.startswith("unix:") and not address.rpartition(":")[2].isdecimal():
        raise ConfigError(f"{address!r} is no address; write HOST:PORT or unix:PATH")
    return Endpoints([address], timeout=timeout, on_interruption=on_interruption).node()


def credentials_of(context: Context) -> Credentials:
    """The certificates of a context, for TLS.

    Raises:
        ConfigError: it has no authority, or half of a key pair.
    """
    ca, crt, key = context.ca, context.crt, context.key
    if ca is None:
        raise ConfigError(f'context "{context.name}" has no ca, so its nodes cannot be told from others; get a new talosconfig')
    if (crt is None) != (key is None):
        missing = "key" if key is None else "crt"
        raise ConfigError(f'context "{context.name}" has no {missing} to its {"crt" if key is None else "key"}; get a new talosconfig')
    return Credentials(ca=ca, crt=crt, key=None if key is None else standard_key_pem(key))


def with_port(endpoint: str) -> str:
    """The address of an endpoint, with the port of the Talos API unless it has one."""
    host, colon, port = endpoint.rpartition(":")
    if colon and port.isdecimal() and (":" not in host or host.startswith("[")):
        return endpoint
    if ":" in endpoint and not endpoint.startswith("["):
        return f"[{endpoint}]:{API_PORT}"
    return f"{endpoint}:{API_PORT}"


def _context(talosconfig: str | os.PathLike[str] | TalosConfig | None, context: str | None) -> Context:
    config = talosconfig if isinstance(talosconfig, TalosConfig) else TalosConfig.load(talosconfig)
    return config.context(context)
