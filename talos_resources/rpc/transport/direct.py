"""Short gRPC calls over a blocking socket of the caller's own thread.

A call through pyqwest is handed to a runtime's thread and back, and in the main thread once more so that
Ctrl-C can end it. For a database that answers in 0.2 ms that is most of the time. Here the caller writes
the request and reads the answer itself, which signals interrupt: `benchmarks/etcd.py` has the figures.
One call at a time uses a connection; threads that call at the same time have one each. Streams go through
`talos_resources.rpc.transport.http2`.
"""

from __future__ import annotations

import os
import socket
from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from talos_resources.model.errors import UnsupportedError
from talos_resources.rpc.framing import frame
from talos_resources.rpc.status import Code, RpcError
from talos_resources.rpc.transport import h2frames as h2
from talos_resources.rpc.transport.contract import TransportError
from talos_resources.state.timeout import Deadline

try:
    import hpack
except ImportError as missing:
    raise UnsupportedError(f"etcd needs hpack ({missing}); install talos-resources[etcd]") from None

from talos_resources.rpc.transport.direct_connection import Connection  # it needs hpack

if TYPE_CHECKING:
    import ssl

IDLE_CONNECTIONS: Final = 16
"""How many connections of an endpoint are kept for the next calls."""


def request_head(path: str, authority: str, metadata: Iterable[tuple[str, str]] = (), *, secure: bool = False) -> bytes:
    """The header block of a gRPC request; it is good for any connection and any number of requests."""
    fields = [
        (":method", "POST"),
        (":scheme", "https" if secure else "http"),
        (":path", path),
        (":authority", authority),
        ("content-type", "application/grpc+proto"),
        ("te", "trailers"),
        *metadata,
    ]
    # Never indexed: the block must not depend on what the connection has seen.
    return hpack.Encoder().encode([hpack.NeverIndexedHeaderTuple(*field) for field in fields], huffman=False)


class DirectEndpoint:
    """One address; connections are made when they are needed and kept for the next call."""

    def __init__(self, address: str, *, context: ssl.SSLContext | None = None, connect_timeout: float = 5.0) -> None:
        """Nothing is connected yet.

        Args:
            address: `HOST:PORT`, IPv6 addresses in brackets.
            context: for TLS; None for plaintext.
            connect_timeout: in seconds.
        """
        self.address = address
        self._context = context
        self._connect_timeout = connect_timeout
        self._idle: deque[Connection] = deque(maxlen=IDLE_CONNECTIONS)
        self._process = os.getpid()
        self._closed = False

    def call(self, head: bytes, message: bytes, timeout: float) -> bytes:
        """One message each way.

        Args:
            head: of `request_head`.
            message: the encoded request.
            timeout: seconds for all of it.

        Raises:
            RpcError: the other side says no.
            TransportError: it could not be asked, or did not answer.
        """
        deadline = Deadline(timeout)
        connection = self._connection(timeout)
        try:
            answer = connection.exchange(head, frame(message), deadline)
        except RpcError as error:
            # The answer is read to its end, unless it was too large.
            connection.ended = connection.ended or error.code is Code.RESOURCE_EXHAUSTED
            self._keep(connection)
            raise
        except TimeoutError:
            connection.close()
            raise TransportError("timed out", timed_out=True) from None
        except (OSError, h2.ProtocolError, hpack.HPACKError) as error:
            connection.close()
            if self._context is not None and not connection.heard:
                # What is wrong with our certificate a server says after the handshake, if it says it at all.
                raise TransportError(
                    "it hung up after the TLS handshake: it does not accept our certificate, or wants one", refused=True
                ) from None
            raise TransportError(f"the connection broke before it answered ({_words(error)})") from None
        except BaseException:  # also Ctrl-C: half an answer must not be the next call's
            connection.close()
            raise
        self._keep(connection)
        return answer

    def close(self) -> None:
        """Closes the connections that nobody uses, and those in use after their call; a later call makes one for itself."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    def _connection(self, timeout: float) -> Connection:
        if self._process != os.getpid():  # a forked child shares nothing with its parent
            self._idle, self._process = deque(maxlen=IDLE_CONNECTIONS), os.getpid()
        while True:
            try:
                found = self._idle.pop()
            except IndexError:
                return _dial(self.address, self._context, min(timeout, self._connect_timeout))
            if found.is_fresh():
                return found
            found.close()

    def _keep(self, connection: Connection) -> None:
        if connection.ended or self._closed or len(self._idle) >= IDLE_CONNECTIONS:
            connection.close()
        else:
            self._idle.append(connection)


def _dial(address: str, context: ssl.SSLContext | None, timeout: float) -> Connection:
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    stream: socket.socket | None = None
    try:
        stream = socket.create_connection((host, int(port)), timeout)
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if context is not None:
            stream = context.wrap_socket(stream, server_hostname=host)
        return Connection(stream)
    except OSError as error:
        if stream is not None:
            stream.close()
        raise TransportError(_words(error), refused=True) from None


def _words(error: Exception) -> str:
    """What went wrong, for people."""
    import ssl

    match error:
        case ConnectionRefusedError():
            return "connection refused: nothing listens there"
        case TimeoutError():
            return "timed out"
        case socket.gaierror():
            return "no such host"
        case ssl.SSLCertVerificationError():
            return f"its certificate cannot be trusted: {error.verify_message}"
        case ssl.SSLError():
            reason = (error.reason or str(error)).replace("_", " ").lower()
            return f"TLS failed: {reason}" + ("; it does not accept our certificate, or wants one" if "alert" in reason else "")
        case OSError():
            return error.strerror or str(error)
        case _:
            return str(error)
