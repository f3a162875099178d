"""A zip archive whose end is missing, as of a download that broke off: its members stand one after the other before it.

Source: PKWARE APPNOTE 6.3.10, sections 4.3.7 to 4.3.9 and 4.5.3: local headers, descriptors behind the data, and zip64.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from functools import partial
from typing import Final

_HEADER: Final = struct.Struct("<4s5H3I2H")
LEAD: Final = b"PK\x03\x04"
"""An archive begins with it, as each member does."""
_DESCRIPTOR: Final = b"PK\x07\x08"
_SIZE_BEHIND: Final = 1 << 3
_UTF8: Final = 1 << 11
_STORED, _DEFLATED = 0, 8
_PIECE: Final = 1 << 16
_CHECKSUM_AND_SIZES, _CHECKSUM_AND_LONG_SIZES = 12, 20
_EXTRA: Final = struct.Struct("<2H")
_ZIP64: Final = 1


def whole_members(data: bytes, *, largest: int, largest_member: int) -> dict[str, Callable[[], bytes]]:
    """The members that are there in full: their names → what unpacks them. What comes behind the first one that is not, is left out.

    Args:
        data: of the archive, from its beginning.
        largest: the most bytes that all of them together may unpack to.
        largest_member: the same for each of them.
    """
    found: dict[str, Callable[[], bytes]] = {}
    position = 0
    while data.startswith(LEAD, position) and len(data) >= position + _HEADER.size:
        _, _, flags, method, _, _, checksum, size, _, name_size, extra_size = _HEADER.unpack_from(data, position)
        start = position + _HEADER.size + name_size + extra_size
        unpack = partial(_unpacked, data, start, method, None if flags & _SIZE_BEHIND else size, min(largest, largest_member))
        unpacked = unpack()
        if unpacked is None:
            break
        contents, position = unpacked
        if flags & _SIZE_BEHIND:
            position += len(_DESCRIPTOR) if data.startswith(_DESCRIPTOR, position) else 0
            checksum = int.from_bytes(data[position : position + 4], "little")
            position += _CHECKSUM_AND_LONG_SIZES if _has_long_sizes(data[start - extra_size : start]) else _CHECKSUM_AND_SIZES
        if zlib.crc32(contents) != checksum or position > len(data):
            break
        name = data[start - extra_size - name_size : start - extra_size].decode("utf-8" if flags & _UTF8 else "cp437", "replace")
        found[name] = partial(_contents, unpack)
        largest -= len(contents)
    return found


def _contents(unpack: Callable[[], tuple[bytes, int] | None]) -> bytes:
    unpacked = unpack()
    assert unpacked is not None  # as it was when it was found
    return unpacked[0]


def _has_long_sizes(extra: bytes) -> bool:
    """Whether the extra fields of a member have one of zip64: then the sizes behind its data have 8 bytes each."""
    while len(extra) >= _EXTRA.size:
        kind, size = _EXTRA.unpack_from(extra)
        if kind == _ZIP64:
            return True
        extra = extra[_EXTRA.size + size :]
    return False


def _unpacked(data: bytes, start: int, method: int, size: int | None, largest: int) -> tuple[bytes, int] | None:
    """The contents of a member, and where what follows begins; None if it is not whole, or too large."""
    if method == _STORED and size is not None:
        end = start + size
        return (data[start:end], end) if end <= len(data) and size <= largest else None
    if method != _DEFLATED:
        return None
    packed, pieces, total, position = zlib.decompressobj(-zlib.MAX_WBITS), [], 0, start
    while not packed.eof:
        piece = packed.unconsumed_tail or data[position : position + _PIECE]
        if not packed.unconsumed_tail:
            position += len(piece)
        try:
            pieces.append(packed.decompress(piece, _PIECE))
        except zlib.error:
            return None
        total += len(pieces[-1])
        if total > largest or not (piece or packed.eof):
            return None
    return b"".join(pieces), position - len(packed.unused_data)
