"""HTTP/2 over TCP, with TLS by rustls: pyqwest behind our transport interface.

grpcio refuses the Ed25519 certificates of Talos; rustls takes them.
"""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

import pyqwest

from talos_resources.model.errors import ConfigError
from talos_resources.rpc.transport.contract import Credentials, TransportError

KEEPALIVE_S = 10.0
"""TCP probes an idle connection this often: a watch notices a node that went away without a word."""

CLOSE_S: Final = 0.5
"""How long closing waits for a read in another thread to end."""

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
        self._closed = False
        self._base = f"{'http' if credentials is None else 'https'}://{address}"
        self._client = _client(address, credentials, connect_timeout)

    def request(self, path: str, headers: Sequence[tuple[str, str]], body: bytes, *, timeout: float | None) -> HttpReply:
        """See `Transport`."""
        request = pyqwest.SyncRequest("POST", self._base + path, pyqwest.Headers(headers), body)
        with self._explained():
            if timeout is None:
                return HttpReply(self._client.execute_sync(request))
            with pyqwest._pyqwest.set_sync_timeout(timeout):  # noqa: SLF001  # the one way to a limit per streamed request
                return HttpReply(self._client.execute_sync(request))

    def gather(self, path: str, headers: Sequence[tuple[str, str]], body: bytes, *, timeout: float | None) -> WholeReply:
        """See `Transport`."""
        with self._explained():
            # Rust reads it all: handing over each of ten thousand frames takes ten times as long.
            response = pyqwest.SyncClient(self._client).execute(
                "POST", self._base + path, headers=pyqwest.Headers(headers), content=body, timeout=timeout
            )
            return WholeReply(response)

    def close(self) -> None:
        """See `Transport`."""
        self._closed = True
        self._client.close()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turns what pyqwest raises into a TransportError that says why."""
        try:
            yield
        except TimeoutError as error:
            raise self._failure(error, timed_out=not isinstance(error, ConnectionError)) from error
        except (OSError, pyqwest.WriteError, pyqwest.ReadError, pyqwest.RemoteProtocolError) as error:
            raise self._failure(error) from error
        except RuntimeError as error:
            if not self._closed:
                raise
            raise TransportError("closed by this side", refused=True) from error

    def _failure(self, error: Exception, *, timed_out: bool = False) -> TransportError:
        from talos_resources.rpc.transport.failures import explain

        reason, refused = explain(error, self.address, self._credentials)
        return TransportError(reason, refused=refused, timed_out=timed_out)

    def __repr__(self) -> str:
        return f"<HttpTransport {self._base}>"


class HttpReply:
    """A reply of pyqwest behind our interface."""

    def __init__(self, response: pyqwest.SyncResponse) -> None:
        self._response = response
        self._pieces: Iterator[bytes | bytearray | memoryview] = iter(response.content)
        self._reading = False
        self.status = response.status

    @property
    def headers(self) -> Mapping[str, str]:
        """See `Reply`."""
        return _lower(self._response.headers)

    @property
    def trailers(self) -> Mapping[str, str]:
        """See `Reply`."""
        return _lower(self._response.trailers)

    def read(self) -> bytes | bytearray | memoryview | None:
        """See `Reply`."""
        self._reading = True
        try:
            return next(self._pieces, None)
        except TimeoutError:
            raise TransportError("timed out while it answered", timed_out=True) from None
        except (OSError, pyqwest.ReadError, pyqwest.RemoteProtocolError) as error:
            raise TransportError(f"the connection broke while it answered ({_innermost(error)})") from error
        finally:
            self._reading = False

    def close(self) -> None:
        """See `Reply`."""
        if not self._reading:
            self._response.close()
            return
        # Once in thousands of times pyqwest 0.12 loses the word to a read that has just begun, and then its
        # close waits for that read: until the other side says something, or the transport is closed.
        thread = threading.Thread(target=self._response.close, name="talos-resources close", daemon=True)
        thread.start()
        thread.join(CLOSE_S)


class WholeReply:
    """A reply that has arrived."""

    def __init__(self, response: pyqwest.FullResponse) -> None:
        self._body: bytes | None = response.content
        self.status = response.status
        self.headers: Mapping[str, str] = _lower(response.headers)
        self.trailers: Mapping[str, str] = _lower(response.trailers)

    def read(self) -> bytes | None:
        """See `Reply`."""
        body, self._body = self._body, None
        return body

    def close(self) -> None:
        """See `Reply`."""


def _lower(headers: pyqwest.Headers) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


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
