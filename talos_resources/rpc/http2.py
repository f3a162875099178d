"""HTTP/2 over TCP, with TLS by rustls: pyqwest behind our transport interface.

grpcio refuses the Ed25519 certificates of Talos; rustls takes them.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import pyqwest

from talos_resources.model.errors import ConfigError
from talos_resources.rpc.transport import Credentials, TransportError

KEEPALIVE_S = 10.0
"""TCP probes an idle connection this often: a watch notices a node that went away without a word."""


_NO_PROXY: Final = pyqwest.Proxy("http://unused.invalid", no_proxy="localhost,127.0.0.0/8,::1")


class HttpTransport:
    """One endpoint; calls and streams share its connection."""

    def __init__(self, address: str, *, credentials: Credentials | None, connect_timeout: float) -> None:
        """Nothing is connected yet.

        Args:
            address: `HOST:PORT`, IPv6 addresses in brackets.
            credentials: None for plaintext.
            connect_timeout: in seconds.

        Raises:
            ConfigError: the certificates cannot be used.
        """
        self.address = address
        self._credentials = credentials
        self._base = f"{'http' if credentials is None else 'https'}://{address}"
        self._client = _client(address, credentials, connect_timeout)

    def request(self, path: str, headers: Sequence[tuple[str, str]], body: bytes, *, timeout: float | None) -> HttpReply:
        """See `Transport`."""
        request = pyqwest.SyncRequest("POST", self._base + path, pyqwest.Headers(headers), body)
        try:
            if timeout is None:
                return HttpReply(self._client.execute_sync(request))
            with pyqwest._pyqwest.set_sync_timeout(timeout):  # noqa: SLF001  # the one way to a limit per streamed request
                return HttpReply(self._client.execute_sync(request))
        except TimeoutError as error:
            raise self._failure(error, timed_out=not isinstance(error, ConnectionError)) from error
        except (OSError, pyqwest.WriteError, pyqwest.ReadError, pyqwest.RemoteProtocolError) as error:
            raise self._failure(error) from error

    def close(self) -> None:
        """See `Transport`."""
        self._client.close()

    def _failure(self, error: Exception, *, timed_out: bool = False) -> TransportError:
        from talos_resources.rpc.failures import explain

        reason, refused = explain(error, self.address, self._credentials)
        return TransportError(reason, refused=refused, timed_out=timed_out)

    def __repr__(self) -> str:
        return f"<HttpTransport {self._base}>"


class HttpReply:
    """A reply of pyqwest behind our interface."""

    def __init__(self, response: pyqwest.SyncResponse) -> None:
        self._response = response
        self._pieces: Iterator[bytes | bytearray | memoryview] = iter(response.content)
        self.status = response.status

    @property
    def headers(self) -> Mapping[str, str]:
        """See `Reply`."""
        return {name.lower(): value for name, value in self._response.headers.items()}

    @property
    def trailers(self) -> Mapping[str, str]:
        """See `Reply`."""
        return {name.lower(): value for name, value in self._response.trailers.items()}

    def read(self) -> bytes | bytearray | memoryview | None:
        """See `Reply`."""
        try:
            return next(self._pieces, None)
        except TimeoutError:
            raise TransportError("timed out while it answered", timed_out=True) from None
        except (OSError, pyqwest.ReadError, pyqwest.RemoteProtocolError) as error:
            raise TransportError(f"the connection broke while it answered ({_innermost(error)})") from error

    def close(self) -> None:
        """See `Reply`."""
        self._response.close()


def _client(address: str, credentials: Credentials | None, connect_timeout: float) -> pyqwest.SyncHTTPTransport:
    try:
        return pyqwest.SyncHTTPTransport(
            tls_ca_cert=None if credentials is None else credentials.ca,
            tls_include_system_certs=credentials is not None and credentials.ca is None,
            tls_cert=None if credentials is None else credentials.crt,
            tls_key=None if credentials is None else credentials.key,
            http_version=pyqwest.HTTPVersion.HTTP2,
            connect_timeout=connect_timeout,
            pool_idle_timeout=None,
            tcp_keepalive_interval=KEEPALIVE_S,
            # gRPC compresses messages, not bodies.
            enable_gzip=False,
            enable_brotli=False,
            enable_zstd=False,
            follow_redirects=False,
            enable_otel=False,
            # A proxy is for the way out, as Go sees it: never for this machine.
            proxy=_NO_PROXY if is_loopback(address.rpartition(":")[0].strip("[]")) else None,
        )
    except ValueError as error:
        # rustls does not say which of the two; neither text may be repeated here.
        raise ConfigError(f"the certificates for {address} cannot be used: {error}") from None


def is_loopback(host: str) -> bool:
    """Whether only this machine has this address."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _innermost(error: Exception) -> str:
    """The last part of a chained text of Rust, the one that says something."""
    return str(error).rpartition(": ")[2]
