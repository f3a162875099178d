"""HTTP/2 frames.

Source: RFC 9113, sections 4 and 6. Header compression is hpack's.
"""

from __future__ import annotations

import struct
from typing import Final

DATA, HEADERS, _PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM: Final = 0x1
ACK: Final = 0x1
END_HEADERS: Final = 0x4
PADDED: Final = 0x8
PRIORITISED: Final = 0x20

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DEFAULT_WINDOW: Final = 65_535
DEFAULT_FRAME_BYTES: Final = 16_384
LARGEST_WINDOW: Final = 2**31 - 1

HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE = range(1, 7)
HEAD_BYTES: Final = 9

_HEAD: Final = struct.Struct(">BHBBI")
_SETTING: Final = struct.Struct(">HI")
_NUMBER: Final = struct.Struct(">I")


class ProtocolError(Exception):
    """The other side sent what HTTP/2 does not allow, or what this client cannot use."""


def frame_head(kind: int, flags: int, stream: int, length: int) -> bytes:
    """The nine bytes before a payload of so many."""
    return _HEAD.pack(length >> 16, length & 0xFFFF, kind, flags, stream)


def parse_head(data: bytes | bytearray, position: int = 0) -> tuple[int, int, int, int]:
    """Kind, flags, stream and length of the frame whose head is at a position."""
    high, low, kind, flags, stream = _HEAD.unpack_from(data, position)
    return kind, flags, stream & LARGEST_WINDOW, high << 16 | low


def settings(values: dict[int, int]) -> bytes:
    """A SETTINGS frame."""
    payload = b"".join(_SETTING.pack(*pair) for pair in values.items())
    return frame_head(SETTINGS, 0, 0, len(payload)) + payload


def parse_settings(payload: bytes) -> dict[int, int]:
    """The values of a SETTINGS frame.

    Raises:
        ProtocolError: it is cut short.
    """
    if len(payload) % _SETTING.size:
        raise ProtocolError("settings that are cut short")
    return dict(_SETTING.iter_unpack(payload))


def window_update(stream: int, more: int) -> bytes:
    """A WINDOW_UPDATE frame: the other side may send so many bytes more."""
    return frame_head(WINDOW_UPDATE, 0, stream, 4) + _NUMBER.pack(more)


def reset(stream: int, code: int) -> bytes:
    """A RST_STREAM frame."""
    return frame_head(RST_STREAM, 0, stream, 4) + _NUMBER.pack(code)


def header_frames(stream: int, block: bytes, flags: int, frame_bytes: int) -> bytes:
    """A header block in as many frames as it needs."""
    if len(block) <= frame_bytes:
        return frame_head(HEADERS, flags | END_HEADERS, stream, len(block)) + block
    parts = [frame_head(HEADERS, flags, stream, frame_bytes), block[:frame_bytes]]
    for start in range(frame_bytes, len(block), frame_bytes):
        piece = block[start : start + frame_bytes]
        last = END_HEADERS if start + frame_bytes >= len(block) else 0
        parts += (frame_head(CONTINUATION, last, stream, len(piece)), piece)
    return b"".join(parts)


def number(payload: bytes, offset: int = 0) -> int:
    """Four bytes of a payload; a reserved first bit does not count.

    Raises:
        ProtocolError: they are not there.
    """
    if len(payload) < offset + 4:
        raise ProtocolError("a frame that is cut short")
    value: int = _NUMBER.unpack_from(payload, offset)[0]
    return value & LARGEST_WINDOW


def unpadded(payload: bytes, flags: int, *, priority: bool = False) -> bytes:
    """The content of a DATA or HEADERS frame.

    Raises:
        ProtocolError: more padding than payload.
    """
    start, end = 0, len(payload)
    if flags & PADDED:
        if not payload:
            raise ProtocolError("padding without a length")
        start, end = 1, end - payload[0]
    if priority and flags & PRIORITISED:
        start += 5
    if start > end:
        raise ProtocolError("more padding than there is payload")
    return payload[start:end] if flags & (PADDED | PRIORITISED) else payload
