"""What comes on an HTTP/2 connection, handed to the streams; the thread that reads runs it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from talos_resources.rpc.transport import frames
from talos_resources.rpc.transport.contract import TransportError
from talos_resources.rpc.transport.frames import ProtocolError
from talos_resources.rpc.transport.headers import MAX_BLOCK_BYTES, HeaderBlocks
from talos_resources.rpc.transport.session import Session
from talos_resources.rpc.transport.stream import Stream

CREDIT: Final = frames.LARGEST_WINDOW - frames.DEFAULT_WINDOW
"""What we let the other side send on a connection before we say that it may send more."""

_IDLE_FRAMES: Final = 20_000
"""So many frames in a row that bring nothing are a flood."""

_ANSWERS: Final = frozenset({frames.DATA, frames.HEADERS, frames.CONTINUATION, frames.PUSH_PROMISE})


class Intake:
    """Takes in bytes.

    Attributes:
        first_bytes: the first that the other side said; empty while it has said nothing.
        times: how often anything has come.
    """

    def __init__(
        self, session: Session, say: Callable[[bytes], None], say_later: Callable[[bytes], None], wake: Callable[[Stream | None], None]
    ) -> None:
        """Begins with what the other side says first.

        Args:
            session: what is known of the connection.
            say: sends a control frame.
            say_later: sends one with the next request, or before the next wait.
            wake: tells that a stream got something; None for all that wait to send.
        """
        self.first_bytes = b""
        self.times = 0
        self._session = session
        self._say = say
        self._say_later = say_later
        self._wake = wake
        self._rest = b""
        self._blocks = HeaderBlocks()
        self._block: tuple[int, int, bytearray] | None = None
        self._is_new = True
        self._received = 0
        self._idle_frames = 0

    def take(self, data: bytes, own: Stream | None = None) -> None:
        """Takes in what has come.

        Args:
            data: the bytes; none at the end of the connection.
            own: the stream of this thread, which needs no waking.

        Raises:
            ConnectionResetError: it is the end.
            ConnectionAbortedError: it was the last answer on a connection that shall end.
            ProtocolError: it is no HTTP/2.
        """
        if not data:
            raise ConnectionResetError("it hung up")
        self.times += 1
        if not self.first_bytes:
            self.first_bytes = data[:16]
        data = self._rest + data
        touched: set[Stream] = set()
        try:
            self._rest = data[self._take_frames(data, touched) :]
        finally:
            for stream in touched:
                if stream is not own:
                    self._wake(stream)

    def _take_frames(self, data: bytes, touched: set[Stream]) -> int:
        """Takes in the frames that are there as a whole; returns where the rest begins."""
        position, end = 0, len(data)
        while end - position >= frames.HEAD_BYTES:
            kind, flags, number, length = frames.parse_head(data, position)
            if self._is_new and (length > frames.DEFAULT_FRAME_BYTES or kind != frames.SETTINGS):
                raise ProtocolError("it does not speak HTTP/2")
            if length > frames.DEFAULT_FRAME_BYTES:
                raise ProtocolError("a frame that is longer than we allow")
            start = position + frames.HEAD_BYTES
            if end - start < length:
                break
            position = start + length
            self._is_new = False
            stream = self._take_frame(kind, flags, number, data[start:position])
            if stream is not None:
                touched.add(stream)
        return position

    def _take_frame(self, kind: int, flags: int, number: int, payload: bytes) -> Stream | None:
        """Takes in a frame; returns the stream that got something."""
        if self._block is not None and (kind != frames.CONTINUATION or number != self._block[0]):
            raise ProtocolError("headers that are cut short")
        self._idle_frames += 1
        if kind == frames.DATA and payload:
            self._credit(len(payload))
            self._idle_frames = 0
        elif self._idle_frames > _IDLE_FRAMES:
            raise ProtocolError("it floods the connection with frames that say nothing")
        if number == 0:
            self._take_connection_frame(kind, flags, payload)
            return None
        stream = self._session.streams.get(number)
        if stream is None and kind in _ANSWERS and (number >= self._session.next or not number & 1):
            raise ProtocolError("an answer that nobody asked for")
        if kind in {frames.HEADERS, frames.CONTINUATION}:
            return self._take_headers(kind, flags, number, payload, stream)
        if stream is None:  # given up; what is under way still comes
            return None
        if kind == frames.DATA:
            data = frames.unpadded(payload, flags) if flags & frames.PADDED else payload
            stream.take_data(data, len(payload), ends=bool(flags & frames.END_STREAM))
        elif kind == frames.RST_STREAM:
            stream.take_reset(frames.number(payload))
        elif kind == frames.WINDOW_UPDATE:
            self._session.widen(stream, frames.number(payload))
        self._forget_if_over(stream)
        return stream

    def _take_headers(self, kind: int, flags: int, number: int, payload: bytes, stream: Stream | None) -> Stream | None:
        if kind == frames.HEADERS:
            self._block = number, flags, bytearray(frames.unpadded(payload, flags, priority=True))
        elif self._block is None:
            raise ProtocolError("headers without a beginning")
        else:
            self._block[2].extend(payload)
        _, first_flags, block = self._block
        if len(block) > MAX_BLOCK_BYTES:
            raise ProtocolError("headers without end")
        if not flags & frames.END_HEADERS:
            return None
        self._block = None
        if stream is not None:
            stream.take_headers(self._blocks.decode(bytes(block)), ends=bool(first_flags & frames.END_STREAM))
            self._forget_if_over(stream)
        return stream

    def _forget_if_over(self, stream: Stream) -> None:
        if stream.over:
            self._idle_frames = 0
            self._session.forget(stream)
            if self._session.retired and not self._session.streams:
                raise ConnectionAbortedError("closed by this side")

    def _take_connection_frame(self, kind: int, flags: int, payload: bytes) -> None:
        if kind == frames.SETTINGS and not flags & frames.ACK:
            self._session.take_settings(frames.parse_settings(payload))
            self._say(frames.frame_head(frames.SETTINGS, frames.ACK, 0, 0))
            self._wake(None)
        elif kind == frames.PING and not flags & frames.ACK:
            self._say_later(frames.frame_head(frames.PING, frames.ACK, 0, len(payload)) + payload)
        elif kind == frames.WINDOW_UPDATE:
            self._session.widen(None, frames.number(payload))
            self._wake(None)
        elif kind == frames.GOAWAY:
            for late in self._session.forget_after(frames.number(payload)):
                late.fail(TransportError("it is shutting down", refused=True))
                self._wake(late)
        elif kind in _ANSWERS:
            raise ProtocolError("an answer to no request")

    def _credit(self, received: int) -> None:
        self._received += received
        if self._received > CREDIT // 2:
            more, self._received = self._received, 0
            self._say_later(frames.window_update(0, more))
