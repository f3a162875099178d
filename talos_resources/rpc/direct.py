"""Short gRPC calls over a blocking socket of the caller's own thread.

A call through pyqwest is handed to a runtime's thread and back, and in the main thread once more so that
Ctrl-C can end it. For a database that answers in 0.2 ms that is most of the time. Here the caller writes
the request and reads the answer itself, which signals interrupt: `benchmarks/etcd.py` has the figures.
One call at a time uses a connection; threads that call at the same time have one each. Streams go through
`talos_resources.rpc.http2`.
"""

from __future__ import annotations

import os
import select
import socket
from collections import deque
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from talos_resources.model.errors import UnsupportedError
from talos_resources.rpc import h2frames as h2
from talos_resources.rpc.framing import MAX_MESSAGE_BYTES, Deframer, FrameError, frame
from talos_resources.rpc.status import Code, RpcError, decode_text, parse_code
from talos_resources.rpc.transport import TransportError
from talos_resources.state.timeout import Deadline

try:
    import hpack
except ImportError as missing:
    raise UnsupportedError(f"etcd needs hpack ({missing}); install talos-resources[etcd]") from None

if TYPE_CHECKING:
    import ssl

IDLE_CONNECTIONS: Final = 16
"""How many connections of an endpoint are kept for the next calls."""

# Stream numbers end at 2^31; a connection is left long before.
_LAST_STREAM: Final = 2**30
# What we let the other side send on a connection before we say that it may send more.
_CREDIT: Final = h2.LARGEST_WINDOW - h2.DEFAULT_WINDOW
_RECEIVE_BYTES: Final = 1 << 18
_FRAME_BYTES: Final = 1 << 20
_LIMIT: Final = MAX_MESSAGE_BYTES + 5
_REFUSED_STREAM: Final = 7


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
        self._idle: deque[_Connection] = deque(maxlen=IDLE_CONNECTIONS)
        self._process = os.getpid()

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
        """Closes the connections that nobody uses; a later call makes new ones."""
        while self._idle:
            self._idle.pop().close()

    def _connection(self, timeout: float) -> _Connection:
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

    def _keep(self, connection: _Connection) -> None:
        if connection.ended or len(self._idle) >= IDLE_CONNECTIONS:
            connection.close()
        else:
            self._idle.append(connection)


def _dial(address: str, context: ssl.SSLContext | None, timeout: float) -> _Connection:
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    stream: socket.socket | None = None
    try:
        stream = socket.create_connection((host, int(port)), timeout)
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if context is not None:
            stream = context.wrap_socket(stream, server_hostname=host)
        return _Connection(stream)
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


class _Connection:
    """One connection and the one call on it."""

    def __init__(self, stream: socket.socket) -> None:
        self._socket = stream
        self._poll = select.poll()
        self._poll.register(stream, select.POLLIN)
        self._buffer = bytearray()
        self._decoder = hpack.Decoder()
        self._known_blocks: dict[bytes, Mapping[str, str]] = {}
        self._stream = -1
        self._send_window = h2.DEFAULT_WINDOW
        self._stream_window = 0
        self._first_window = h2.DEFAULT_WINDOW
        self._frame_bytes = h2.DEFAULT_FRAME_BYTES
        self._received = 0
        self.ended = False
        self.heard = False
        own = {h2.ENABLE_PUSH: 0, h2.INITIAL_WINDOW_SIZE: h2.LARGEST_WINDOW, h2.MAX_FRAME_SIZE: _FRAME_BYTES}
        stream.sendall(h2.PREFACE + h2.settings(own) + h2.window_update(0, _CREDIT))

    def close(self) -> None:
        self.ended = True
        self._socket.close()

    def is_fresh(self) -> bool:
        """Whether the next call can use it: the other side has not hung up while it was idle."""
        if self.ended or self._stream > _LAST_STREAM:
            return False
        try:
            while self._poll.poll(0):
                self._socket.settimeout(1.0)
                self._receive()
                self._handle_idle()
        except (OSError, h2.ProtocolError):
            return False
        return not self.ended

    def exchange(self, head: bytes, body: bytes, deadline: Deadline) -> bytes:
        """Sends a request and waits for its answer.

        Raises:
            RpcError: the other side says no.
            TransportError: it did not act on the request, or does not speak gRPC.
            TimeoutError: the time is up.
            OSError: the connection broke.
            ProtocolError: it is no HTTP/2.
        """
        self._stream += 2
        self._stream_window = self._first_window
        answer = _Answer()
        self._send(head, body, answer, deadline)
        while not answer.done:
            self._step(answer, deadline)
        return answer.message()

    def _send(self, head: bytes, body: bytes, answer: _Answer, deadline: Deadline) -> None:
        if len(head) > self._frame_bytes:
            raise TransportError("the headers of the request are too long", refused=True)
        data = h2.frame_head(h2.HEADERS, h2.END_HEADERS, self._stream, len(head)) + head
        position = 0
        while True:
            count = min(len(body) - position, self._send_window, self._stream_window, self._frame_bytes)
            if count > 0:
                end = position + count
                flags = h2.END_STREAM if end == len(body) else 0
                data += h2.frame_head(h2.DATA, flags, self._stream, count) + body[position:end]
                position = end
                self._send_window -= count
                self._stream_window -= count
            if data:
                self._socket.settimeout(deadline.left())
                self._socket.sendall(data)
                data = b""
            if position == len(body) or answer.done:
                return
            if count <= 0:
                self._step(answer, deadline)

    def _step(self, answer: _Answer, deadline: Deadline) -> None:
        """Takes in one frame."""
        while (found := self._next_frame()) is None:
            self._socket.settimeout(deadline.left())
            self._receive()
        kind, flags, stream, payload = found
        if stream == 0:
            self._handle_connection(kind, flags, payload)
        elif stream == self._stream:
            self._handle_stream(kind, flags, payload, answer)
        elif kind == h2.DATA:
            self._credit(len(payload))
        elif kind in {h2.HEADERS, h2.CONTINUATION, h2.PUSH_PROMISE}:
            raise h2.ProtocolError("an answer that nobody asked for")

    def _handle_stream(self, kind: int, flags: int, payload: bytes, answer: _Answer) -> None:
        if kind == h2.DATA:
            self._credit(len(payload))
            answer.add(h2.unpadded(payload, flags))
        elif kind in {h2.HEADERS, h2.CONTINUATION}:
            answer.block += h2.unpadded(payload, flags, priority=True) if kind == h2.HEADERS else payload
            if len(answer.block) > _FRAME_BYTES:
                raise h2.ProtocolError("headers without end")
            answer.ends = answer.ends or (kind == h2.HEADERS and bool(flags & h2.END_STREAM))
            if flags & h2.END_HEADERS:
                answer.fields.append(self._fields(bytes(answer.block)))
                answer.block.clear()
                answer.done = answer.ends
        elif kind == h2.RST_STREAM:
            if not answer.fields and h2.number(payload) == _REFUSED_STREAM:
                raise TransportError("it refused the request", refused=True)
            raise h2.ProtocolError("it ended the request")
        elif kind == h2.WINDOW_UPDATE:
            self._stream_window += h2.number(payload)
        if kind == h2.DATA and flags & h2.END_STREAM:
            answer.done = True

    def _fields(self, block: bytes) -> Mapping[str, str]:
        fields = self._known_blocks.get(block)
        if fields is None:
            fields = {str(field[0]): str(field[1]) for field in self._decoder.decode(block)}
            # A block of nothing but one-byte indices means the same until another one changes the table.
            if all(byte > 0x7F for byte in block):
                self._known_blocks[block] = fields
            else:
                self._known_blocks.clear()
        return fields

    def _handle_connection(self, kind: int, flags: int, payload: bytes) -> None:
        if kind == h2.SETTINGS and not flags & h2.ACK:
            values = h2.parse_settings(payload)
            window = values.get(h2.INITIAL_WINDOW_SIZE, self._first_window)
            self._stream_window += window - self._first_window
            self._first_window = window
            self._frame_bytes = values.get(h2.MAX_FRAME_SIZE, self._frame_bytes)
            self._socket.sendall(h2.frame_head(h2.SETTINGS, h2.ACK, 0, 0))
        elif kind == h2.PING and not flags & h2.ACK:
            self._socket.sendall(h2.frame_head(h2.PING, h2.ACK, 0, len(payload)) + payload)
        elif kind == h2.WINDOW_UPDATE:
            self._send_window += h2.number(payload)
        elif kind == h2.GOAWAY:
            self.ended = True
            if h2.number(payload) < self._stream:
                raise TransportError("it is shutting down", refused=True)

    def _handle_idle(self) -> None:
        """Takes in what came while there was no call."""
        while (found := self._next_frame()) is not None:
            kind, flags, stream, payload = found
            if stream == 0:
                try:
                    self._handle_connection(kind, flags, payload)
                except TransportError:
                    self.ended = True

    def _credit(self, received: int) -> None:
        self._received += received
        if self._received > _CREDIT // 2:
            self._socket.sendall(h2.window_update(0, self._received))
            self._received = 0

    def _next_frame(self) -> tuple[int, int, int, bytes] | None:
        buffer = self._buffer
        if len(buffer) < h2.HEAD_BYTES:
            return None
        kind, flags, stream, length = h2.parse_head(buffer)
        if length > _FRAME_BYTES:
            raise h2.ProtocolError("it does not speak HTTP/2")
        end = h2.HEAD_BYTES + length
        if len(buffer) < end:
            return None
        self.heard = True
        payload = bytes(buffer[h2.HEAD_BYTES : end])
        del buffer[:end]
        return kind, flags, stream, payload

    def _receive(self) -> None:
        data = self._socket.recv(_RECEIVE_BYTES)
        if not data:
            raise ConnectionResetError("it hung up")
        self._buffer += data


class _Answer:
    """What has come of an answer."""

    __slots__ = ("block", "body", "done", "ends", "fields")

    def __init__(self) -> None:
        self.block = bytearray()
        self.body = bytearray()
        self.fields: list[Mapping[str, str]] = []
        self.ends = False
        self.done = False

    def add(self, data: bytes) -> None:
        self.body += data
        if len(self.body) > _LIMIT:
            raise RpcError(Code.RESOURCE_EXHAUSTED, f"the answer is larger than {MAX_MESSAGE_BYTES} bytes")

    def message(self) -> bytes:
        """The one message.

        Raises:
            RpcError: the other side says no.
            TransportError: it is no gRPC.
        """
        if not self.fields:
            raise TransportError("it does not speak gRPC: it answered without headers")
        head, trailers = self.fields[0], self.fields[-1]
        if head.get(":status") != "200" or not head.get("content-type", "").startswith("application/grpc"):
            raise TransportError(f"it does not speak gRPC: it answered HTTP {head.get(':status', 'without a status')}")
        if "grpc-status" not in trailers:
            raise TransportError("it ended its answer without a status")
        code = parse_code(trailers["grpc-status"])
        if code is not Code.OK:
            raise RpcError(code, decode_text(trailers.get("grpc-message", "")))
        try:
            messages = Deframer(encoding=head.get("grpc-encoding", "identity")).feed(self.body)
        except FrameError as error:
            raise RpcError(Code.INTERNAL, f"the other side sent what gRPC does not allow: {error}") from None
        if len(messages) != 1:
            raise RpcError(Code.INTERNAL, f"it answered with {len(messages)} messages instead of one")
        return messages[0]
