"""Which transport an address has."""

from __future__ import annotations

from talos_resources.rpc.transport.contract import Credentials, Transport


def open_transport(address: str, *, credentials: Credentials | None = None, connect_timeout: float = 5.0) -> Transport:
    """The transport for an address; nothing is connected yet.

    Args:
        address: `HOST:PORT`, or `unix:PATH`.
        credentials: for TLS; None speaks plaintext.
        connect_timeout: seconds until an endpoint counts as unreachable.

    Raises:
        ConfigError: credentials that cannot be used.
        UnsupportedError: a unix socket without the extra `server`.
    """
    if address.startswith("unix:"):
        from talos_resources.rpc.transport.unix import UnixTransport

        return UnixTransport(address.removeprefix("unix:"), connect_timeout=connect_timeout)
    from talos_resources.rpc.transport.http2 import HttpTransport

    return HttpTransport(address, credentials=credentials, connect_timeout=connect_timeout)
