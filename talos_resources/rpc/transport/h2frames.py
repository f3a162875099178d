"""HTTP/2 frames for a client that has one request under way per connection.

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

ENABLE_PUSH, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE = 2, 4, 5
HEAD_BYTES: Final = 9

_HEAD: Final = struct.Struct(">BHBBI")
_SETTING: Final = struct.Struct(">HI")
_NUMBER: Final = struct.Struct(">I")


class ProtocolError(Exception):
    """The other side sent what HTTP/2 does not allow, or what this client cannot use."""


def frame_head(kind: int, flags: int, stream: int, length: int) -> bytes:
    """The nine bytes before a payload of so many."""
    return _HEAD.pack(length >> 16, length & 0xFFFF, kind, flags, stream)


def parse_head(data: bytes | bytearray) -> tuple[int, int, int, int]:
    """Kind, flags, stream and length of the frame whose head these bytes begin with."""
    high, low, kind, flags, stream = _HEAD.unpack_from(data)
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
