"""The one way to an endpoint: HTTP/2 over TCP, TLS or a unix socket, through a proxy or not.

`docs/performance.md` says why the frames are ours: with the h2 package a command that asks once takes a third
longer, and a list of 10,000 three times as long.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from talos_resources.rpc.transport.address import parse_endpoint, split
from talos_resources.rpc.transport.connection import Connection
from talos_resources.rpc.transport.contract import Credentials, TransportError
from talos_resources.rpc.transport.dial import dial
from talos_resources.rpc.transport.headers import encode
from talos_resources.rpc.transport.link import Link
from talos_resources.rpc.transport.session import NoRoomError
from talos_resources.rpc.transport.stream import Stream
from talos_resources.state.timeout import Deadline, acquire

if TYPE_CHECKING:
    import ssl

    from talos_resources.rpc.transport.proxy import Proxy

TALOS: Final = "a Talos API"

_HEADS: Final = 64
_ATTEMPTS: Final = 3


class Http2Transport:
    """One endpoint; calls and streams share its connection; see `talos_resources.rpc.transport.contract.Transport`.

    A second connection is made only while the first has no room. Thread-safe; a forked child makes connections of its own.
    """

    def __init__(
        self,
        address: str,
        *,
        credentials: Credentials | None = None,
        connect_timeout: float = 5.0,
        service: str = TALOS,
        proxy_url: str = "",
        reconnects: bool = True,
    ) -> None:
        """Nothing is connected yet.

        Args:
            address: `HOST:PORT`, IPv6 addresses in brackets, or `unix:PATH`.
            credentials: for TLS; None for plaintext.
            connect_timeout: seconds until the endpoint counts as unreachable.
            service: what should be there, for messages.
            proxy_url: of the proxy to go through, `direct` for none; empty to go by the environment. Not for unix sockets.
            reconnects: whether what is asked after a connection has ended is asked on a new one, or is an error.

        Raises:
            ConfigError: it is no address or no proxy, or the certificates cannot be used.
        """
        self.address = parse_endpoint(address, default_port=None)
        self._proxy = self._chosen_proxy(proxy_url)
        self._credentials = credentials
        self._connect_timeout = connect_timeout
        self.service = service
        self._context: ssl.SSLContext | None = None
        if credentials is not None:
            from talos_resources.rpc.transport.tls import client_context

            self._context = client_context(credentials, address=address)
        self._lock = threading.Lock()
        self._dialling = threading.RLock()  # it knows who has it, as that of `Outgoing`
        self._connections: list[Connection] = []
        self._heads: dict[tuple[object, ...], bytes] = {}
        self._process = os.getpid()
        self._closed = False
        self._reconnects = reconnects
        self._was_connected = False

    def request(self, path: str, headers: Sequence[tuple[str, str]], body: bytes, *, timeout: float | None) -> Stream:
        """See `Transport`."""
        deadline = Deadline(timeout)
        head = self._head(path, headers)
        attempts = 0
        while True:
            connection, is_new = self._connection(deadline)
            try:
                stream = connection.request(head, body, deadline, endless=timeout is None)
                stream.wait_for_head()
            except NoRoomError:  # a thousand threads may have found it at once
                continue
            except TransportError as error:
                # A connection that was there may have ended at this very moment; what was not heard is said again.
                attempts += 1
                if not error.refused or is_new or self._closed or attempts == _ATTEMPTS:
                    raise
            else:
                return stream

    def close(self) -> None:
        """See `Transport`."""
        with self._lock:
            self._closed = True
            connections, self._connections = self._connections, []
        for connection in connections:
            connection.close()

    def __repr__(self) -> str:
        return f"<Http2Transport {self.address}>"

    def _head(self, path: str, headers: Sequence[tuple[str, str]]) -> bytes:
        key = (path, *headers)
        head = self._heads.get(key)
        if head is None:
            if len(self._heads) >= _HEADS:
                self._heads.clear()
            authority = "localhost" if self.address.startswith("unix:") else self.address
            scheme = "http" if self._credentials is None else "https"
            head = encode([(":method", "POST"), (":scheme", scheme), (":path", path), (":authority", authority), *headers])
            self._heads[key] = head
        return head

    def _connection(self, deadline: Deadline) -> tuple[Connection, bool]:
        """A connection with room, and whether it was made for this."""
        if self._process != os.getpid():
            self._forget_parent()
        found = self._found()
        if found is not None:
            return found, False
        # One dials, and what it gets is for all that wait for it.
        try:
            if not acquire(self._dialling, deadline.remaining()):
                raise TransportError("timed out", refused=True, timed_out=True)
            found = self._found()
            if found is not None:
                return found, False
            if self._closed:
                raise TransportError("closed by this side", refused=True)
            if self._was_connected and not self._reconnects and all(each.retired for each in self._connections):
                raise TransportError("the connection has ended", refused=True)
            made = self._dial(deadline)
        finally:
            try:  # noqa: SIM105  # in this very place: before a function does it Ctrl-C may come
                self._dialling.release()
            except RuntimeError:  # another one dials
                pass
        return made, True

    def _found(self) -> Connection | None:
        for connection in tuple(self._connections):
            if connection.is_fresh():
                return connection
            if connection.retired and connection.close_when_idle():
                with self._lock:
                    if connection in self._connections:
                        self._connections.remove(connection)
        return None

    def _dial(self, deadline: Deadline) -> Connection:
        left = deadline.remaining()
        limit = Deadline(self._connect_timeout if left is None else min(left, self._connect_timeout))
        link: Link | None = None
        try:
            link = dial(self.address, limit) if self._proxy is None else self._through_proxy(self._proxy, limit)
            if self._context is not None:
                link = self._secured(link, limit)
        except OSError as error:
            if link is not None:
                link.close()
            from talos_resources.rpc.transport.failures import connect_failure

            raise connect_failure(error, credentials=self._credentials, service=self.service) from None
        except BaseException:
            if link is not None:
                link.close()
            raise
        connection = Connection(link, self._explain)
        with self._lock:
            if not self._closed:
                self._connections.append(connection)
                self._was_connected = True
                return connection
        connection.close()
        raise TransportError("closed by this side", refused=True)

    def _chosen_proxy(self, url: str) -> Proxy | None:
        if self.address.startswith("unix:") or not (url or os.environ.get("HTTPS_PROXY") or os.environ.get("https_proxy")):
            return None
        from talos_resources.rpc.transport.proxy import choose_proxy

        return choose_proxy(url, self.address)

    def _through_proxy(self, proxy: Proxy, deadline: Deadline) -> Link:
        from talos_resources.rpc.transport.failures import connect_failure
        from talos_resources.rpc.transport.proxy import pass_through

        link: Link | None = None
        try:
            link = dial(proxy.address, deadline)
            if proxy.kind == "https":
                from talos_resources.rpc.transport.tls import proxy_context
                from talos_resources.rpc.transport.tls_link import TlsLink

                link = TlsLink(link, proxy_context(), split(proxy.address)[0], deadline)
            pass_through(link, proxy, self.address, deadline)
        except BaseException as error:
            if link is not None:
                link.close()
            if isinstance(error, OSError):
                error = connect_failure(error, credentials=Credentials(source="this system"), service="a proxy")
            if isinstance(error, TransportError):
                raise TransportError(f"through {proxy}: {error.reason}", refused=True) from None
            raise
        return link

    def _secured(self, link: Link, deadline: Deadline) -> Link:
        from talos_resources.rpc.transport.tls_link import TlsLink

        assert self._context is not None
        assert self._credentials is not None
        host = None if self.address.startswith("unix:") else split(self.address)[0].partition("%")[0]
        secured = TlsLink(link, self._context, host, deadline)
        if self._credentials.fingerprints:
            from talos_resources.rpc.transport.tls import check_fingerprint

            check_fingerprint(secured.certificate, self._credentials.fingerprints)
        return secured

    def _explain(self, error: BaseException, first_bytes: bytes) -> TransportError:
        from talos_resources.rpc.transport.failures import end_of_connection

        return end_of_connection(error, first_bytes=first_bytes, address=self.address, credentials=self._credentials, service=self.service)

    def _forget_parent(self) -> None:
        """What a forked child has of its parent's connections must not be used, nor closed for the parent."""
        self._process = os.getpid()
        self._was_connected = False
        self._lock, self._dialling = threading.Lock(), threading.RLock()
        self._connections = []
