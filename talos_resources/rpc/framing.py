"""gRPC's message framing: five bytes of head (compressed or not, length), then the message.

Both ends use it: the client for what nodes send, the server for what clients send. It trusts nobody:
a length is checked before a byte of the message is kept, and so is what a compressed message grows to.

Source: gRPC over HTTP/2, "Length-Prefixed-Message".
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from typing import Final

MAX_MESSAGE_BYTES: Final = 32 << 20
"""What Talos allows for one message (its nodes and talosctl, v1.12.3)."""

BATCH_BYTES: Final = 64 << 20
"""How much of what has come is handed out at once: a few kilobytes can hold gigabytes, compressed."""

_HEAD: Final = struct.Struct(">BI")
_GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS


class FrameError(ValueError):
    """Bytes that are no gRPC messages; `too_large` if the only fault is the size."""

    def __init__(self, message: str, *, too_large: bool = False) -> None:
        super().__init__(message)
        self.too_large = too_large


def head(size: int) -> bytes:
    """What stands before an uncompressed message of so many bytes."""
    return _HEAD.pack(0, size)


def frame(message: bytes) -> bytes:
    """The message with its head, uncompressed."""
    return head(len(message)) + message


def frames(messages: Iterable[bytes]) -> bytes:
    """Several messages with their heads in one piece, to be sent in one go."""
    parts: list[bytes] = []
    for message in messages:
        parts += (head(len(message)), message)
    return b"".join(parts)


class Deframer:
    """Cuts a stream of bytes, which may be split anywhere, into messages."""

    __slots__ = ("_buffer", "_encoding", "_limit")

    def __init__(self, *, limit: int = MAX_MESSAGE_BYTES, encoding: str = "identity") -> None:
        """Begins at a message's head.

        Args:
            limit: the largest message in bytes, before and after decompression.
            encoding: the stream's `grpc-encoding`.
        """
        self._buffer = bytearray()
        self._limit = limit
        self._encoding = encoding

    def feed(self, data: bytes | bytearray | memoryview) -> list[bytes]:
        """The messages that are complete with these bytes, in order; some of them, if they are more than `BATCH_BYTES`.

        The others come with the next call, which may bring no bytes.

        Raises:
            FrameError: a message that is too large, compressed in an unknown way, or garbage.
        """
        buffer = self._buffer
        buffer += data
        messages: list[bytes] = []
        position, end, size = 0, len(buffer), 0
        while end - position >= _HEAD.size and size < BATCH_BYTES:
            flag, length = _HEAD.unpack_from(buffer, position)
            if flag > 1:
                raise FrameError(f"a message begins with the byte {flag:#04x} where gRPC has 0 or 1")
            if length > self._limit:
                raise FrameError(f"a message of {length} bytes is larger than the limit of {self._limit}", too_large=True)
            start = position + _HEAD.size
            if end - start < length:
                break
            position = start + length
            message = bytes(buffer[start:position])
            if flag:
                message = self._inflate(message)
                size += len(message)
            messages.append(message)
        del buffer[:position]
        return messages

    def finish(self) -> None:
        """Says that the stream has ended.

        Raises:
            FrameError: it ended within a message.
        """
        if self._buffer:
            raise FrameError(f"the stream ended within a message, after {len(self._buffer)} bytes of it")

    def _inflate(self, message: bytes) -> bytes:
        if self._encoding != "gzip":
            raise FrameError(f"a message is compressed with {self._encoding!r}; only gzip is understood")
        inflater = zlib.decompressobj(_GZIP_WINDOW)
        try:
            plain = inflater.decompress(message, self._limit + 1)
        except zlib.error as error:
            raise FrameError(f"a message says it is gzip and is not: {error}") from None
        if len(plain) > self._limit:
            raise FrameError(f"a compressed message grows beyond the limit of {self._limit} bytes", too_large=True)
        if not inflater.eof:
            raise FrameError("a compressed message is cut short")
        return plain
