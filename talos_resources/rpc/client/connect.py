"""`connect`: from a talosconfig to the states of its nodes."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Final, Self

from talos_resources.model.errors import ConfigError, TalosResourcesError
from talos_resources.rpc.client.call import MAX_ANSWER_BYTES
from talos_resources.rpc.pki import standard_key_pem
from talos_resources.rpc.transport.address import parse_endpoint
from talos_resources.rpc.transport.contract import DEFAULT_TIMEOUT_S, Credentials, Transport
from talos_resources.rpc.transport.http2 import Http2Transport
from talos_resources.talosconfig.config import Context, TalosConfig

if TYPE_CHECKING:
    from talos_resources.rpc.client.state import RemoteState

API_PORT: Final = 50000
"""Where the Talos API listens."""

CONNECT_TIMEOUT_S: Final = 5.0
"""How long an endpoint may take to accept a connection before the next one is tried."""

NO_NODES: Final = "maintenance mode has no talosconfig: name the node itself with -n or nodes"
STRAY_FINGERPRINTS: Final = "fingerprints are for maintenance mode; give them with --insecure (insecure=True), or leave them out"

_FINGERPRINT_BYTES: Final = 32


class Endpoints:
    """The ways into one cluster, shared by the states of all its nodes."""

    def __init__(
        self,
        addresses: Iterable[str],
        *,
        credentials: Credentials | None = None,
        timeout: float | None = DEFAULT_TIMEOUT_S,
        max_answer_bytes: int = MAX_ANSWER_BYTES,
        proxy_url: str = "",
        on_interruption: Callable[[TalosResourcesError], None] | None = None,
    ) -> None:
        """Connects when a state is first used.

        Args:
            addresses: `HOST:PORT`, or `unix:PATH`; tried in turn.
            credentials: for mutual TLS; None for plaintext.
            timeout: seconds for a call; None for ever.
            max_answer_bytes: see `RemoteState`.
            proxy_url: see `Http2Transport`.
            on_interruption: see `RemoteState`.

        Raises:
            ConfigError: no address or one that is none, or credentials that cannot be used.
        """
        self._timeout = timeout
        self._max_answer_bytes = max_answer_bytes
        self._on_interruption = on_interruption
        connect_timeout = CONNECT_TIMEOUT_S if timeout is None else min(CONNECT_TIMEOUT_S, timeout)
        self._transports: list[Transport] = [
            Http2Transport(address, credentials=credentials, connect_timeout=connect_timeout, proxy_url=proxy_url) for address in addresses
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
        max_answer_bytes: int = MAX_ANSWER_BYTES,
        on_interruption: Callable[[TalosResourcesError], None] | None = None,
    ) -> Self:
        """The endpoints of a context of a talosconfig, or others with its certificates; otherwise as the class.

        Raises:
            ConfigError: the context has no endpoints or no certificates that can be used.
        """
        addresses = tuple(endpoints) or context.endpoints
        if not addresses:
            raise ConfigError(f'context "{context.name}" has no endpoints; name one with --endpoints, or `config endpoint`')
        return cls(
            map(with_port, addresses),
            credentials=credentials_of(context),
            timeout=timeout,
            max_answer_bytes=max_answer_bytes,
            proxy_url=context.proxy_url,
            on_interruption=on_interruption,
        )

    @classmethod
    def of_maintenance(
        cls,
        addresses: Iterable[str],
        *,
        fingerprints: Iterable[str] = (),
        timeout: float | None = DEFAULT_TIMEOUT_S,
        max_answer_bytes: int = MAX_ANSWER_BYTES,
        proxy_url: str = "",
    ) -> Self:
        """Nodes in maintenance mode: encrypted, and nobody shows who they are; otherwise as the class.

        Args:
            addresses: of the nodes themselves.
            fingerprints: of the keys that their certificates may have; none for any.
            timeout: as for the class.
            max_answer_bytes: as for the class.
            proxy_url: as for the class.
        """
        credentials = Credentials(fingerprints=parse_fingerprints(fingerprints))
        return cls(
            map(with_port, addresses), credentials=credentials, timeout=timeout, max_answer_bytes=max_answer_bytes, proxy_url=proxy_url
        )

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

        return RemoteState(
            self._transports,
            node=name,
            timeout=self._timeout,
            max_answer_bytes=self._max_answer_bytes,
            on_interruption=self._on_interruption,
            on_close=release,
        )


def connect(
    *,
    nodes: str | Sequence[str] = (),
    endpoints: str | Sequence[str] = (),
    talosconfig: str | os.PathLike[str] | TalosConfig | None = None,
    context: str | None = None,
    insecure: bool = False,
    cert_fingerprints: str | Sequence[str] = (),
    timeout: float | None = DEFAULT_TIMEOUT_S,
    max_answer_bytes: int = MAX_ANSWER_BYTES,
) -> RemoteState:
    """The state of a live node.

    ```python
    with connect(nodes="10.0.0.1") as node:
        down = [peer for peer in node.list(KubeSpanPeerStatus) if peer.spec.state is PeerState.DOWN]
    ```

    Args:
        nodes: the one node to talk to; without, the one of the talosconfig, or else the endpoint itself.
            For several nodes use `connect_cluster`.
        endpoints: control-plane nodes to go through; without, those of the talosconfig.
        talosconfig: a file, or what was loaded from one; None for `$TALOSCONFIG`, else `~/.talos/config`.
        context: the name of its context; None for the current one.
        insecure: the node is in maintenance mode: it is dialled itself, without a talosconfig, and proves nothing.
        cert_fingerprints: with `insecure`, of the keys that its certificate may have; none for any.
        timeout: seconds for a call; None for ever.
        max_answer_bytes: how large a whole list may be, and what a watch begins with.

    Raises:
        ConfigError: a talosconfig or an endpoint that cannot be used, or several nodes.
        DecodeError: a file that is no talosconfig.
    """
    ways = as_names(endpoints)
    if insecure:
        named = as_names(nodes) or ways
        _only_one(named)
        if not named:
            raise ConfigError(NO_NODES)
        fingerprints = as_names(cert_fingerprints)
        return Endpoints.of_maintenance(named, fingerprints=fingerprints, timeout=timeout, max_answer_bytes=max_answer_bytes).node()
    if cert_fingerprints:
        raise ConfigError(STRAY_FINGERPRINTS)
    config = _context(talosconfig, context)
    names = as_names(nodes) or config.nodes
    _only_one(names)
    found = Endpoints.of_context(config, endpoints=ways, timeout=timeout, max_answer_bytes=max_answer_bytes)
    return found.node(names[0] if names else None)


def as_names(names: str | Iterable[str]) -> tuple[str, ...]:
    """Names that may come as one."""
    return (names,) if isinstance(names, str) else tuple(names)


def _only_one(names: Sequence[str]) -> None:
    if len(names) > 1:
        raise ConfigError(f"connect() is for one node, these are {len(names)}: {', '.join(names)}; name one, or use connect_cluster()")


def connect_plain(
    address: str,
    *,
    timeout: float | None = DEFAULT_TIMEOUT_S,
    max_answer_bytes: int = MAX_ANSWER_BYTES,
    on_interruption: Callable[[TalosResourcesError], None] | None = None,
) -> RemoteState:
    """The state that a server of `cosi.resource.State` without TLS serves.

    Args:
        address: `HOST:PORT` or `unix:PATH`.
        timeout: seconds for a call; None for ever.
        max_answer_bytes: see `RemoteState`.
        on_interruption: see `RemoteState`.

    Raises:
        ConfigError: it is no address.
    """
    found = Endpoints(
        [parse_endpoint(address, default_port=None)], timeout=timeout, max_answer_bytes=max_answer_bytes, on_interruption=on_interruption
    )
    return found.node()


def credentials_of(context: Context) -> Credentials:
    """The certificates of a context, for TLS.

    Raises:
        ConfigError: it has no authority, or half of a key pair.
    """
    ca, crt, key = context.ca, context.crt, context.key
    if context.auth and crt is None:
        raise ConfigError(
            f'context "{context.name}" logs in with {" and ".join(sorted(context.auth))}, which is not supported here; use a '
            "talosconfig with a client certificate (of Omni: omnictl talosconfig --break-glass), or run talosctl and pass on its output"
        )
    if ca is None:
        raise ConfigError(f'context "{context.name}" has no ca, so its nodes cannot be told from others; get a new talosconfig')
    if (crt is None) != (key is None):
        missing = "key" if key is None else "crt"
        raise ConfigError(f'context "{context.name}" has no {missing} to its {"crt" if key is None else "key"}; get a new talosconfig')
    return Credentials(ca=ca, crt=crt, key=None if key is None else standard_key_pem(key))


def with_port(endpoint: str) -> str:
    """The address of an endpoint, with the port of the Talos API unless it has one.

    Raises:
        ConfigError: it is no endpoint.
    """
    return parse_endpoint(endpoint, default_port=API_PORT)


def parse_fingerprints(texts: Iterable[str]) -> tuple[str, ...]:
    """Fingerprints as people give them, checked.

    Raises:
        ConfigError: one is not base64 of 32 bytes.
    """
    import base64
    import binascii

    found = tuple(texts)
    for text in found:
        try:
            right = len(base64.b64decode(text, validate=True)) == _FINGERPRINT_BYTES
        except (binascii.Error, ValueError):
            right = False
        if not right:
            raise ConfigError(f"{text!r} is no fingerprint of a certificate; it is base64 of 32 bytes, as the node's console shows it")
    return found


def _context(talosconfig: str | os.PathLike[str] | TalosConfig | None, context: str | None) -> Context:
    config = talosconfig if isinstance(talosconfig, TalosConfig) else TalosConfig.load(talosconfig)
    return config.context(context)
