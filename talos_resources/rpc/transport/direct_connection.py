"""One HTTP/2 connection that one call at a time uses; see `talos_resources.rpc.transport.direct`."""

from __future__ import annotations

import select
import socket
from collections.abc import Mapping
from typing import Final

import hpack

from talos_resources.rpc.framing import MAX_MESSAGE_BYTES, Deframer, FrameError
from talos_resources.rpc.status import Code, RpcError, decode_text, parse_code
from talos_resources.rpc.transport import h2frames as h2
from talos_resources.rpc.transport.contract import TransportError
from talos_resources.state.timeout import Deadline

# Stream numbers end at 2^31; a connection is left long before.
_LAST_STREAM: Final = 2**30
# What we let the other side send on a connection before we say that it may send more.
_CREDIT: Final = h2.LARGEST_WINDOW - h2.DEFAULT_WINDOW
_RECEIVE_BYTES: Final = 1 << 18
_FRAME_BYTES: Final = 1 << 20
_LIMIT: Final = MAX_MESSAGE_BYTES + 5
_REFUSED_STREAM: Final = 7


class Connection:
    """One connection and the one call on it.

    Attributes:
        ended: no further call can use it.
        heard: the other side has said something.
    """

    def __init__(self, stream: socket.socket) -> None:
        """Opens HTTP/2.

        Args:
            stream: connected, with TLS if there is to be any.

        Raises:
            OSError: the other side has hung up.
        """
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
        """Hangs up."""
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
