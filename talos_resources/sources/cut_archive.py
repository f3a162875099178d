"""A zip archive whose end is missing, as of a download that broke off: its members stand one after the other before it.

Source: PKWARE APPNOTE 6.3.10, sections 4.3.7 to 4.3.9: local headers, and descriptors behind the data.
"""

from __future__ import annotations

import struct
import zlib
from typing import Final

_HEADER: Final = struct.Struct("<4s5H3I2H")
_LEAD: Final = b"PK\x03\x04"
_DESCRIPTOR: Final = b"PK\x07\x08"
_SIZE_BEHIND: Final = 1 << 3
_UTF8: Final = 1 << 11
_STORED, _DEFLATED = 0, 8
_PIECE: Final = 1 << 16
_CHECKSUM_AND_SIZES: Final = 12


def whole_members(data: bytes, *, largest: int) -> dict[str, bytes]:
    """The members that are there in full, by their names; what comes behind the first one that is not, is left out.

    Args:
        data: of the archive, from its beginning.
        largest: the most bytes that all of them together may unpack to.
    """
    found: dict[str, bytes] = {}
    position = 0
    while data.startswith(_LEAD, position) and len(data) >= position + _HEADER.size:
        _, _, flags, method, _, _, checksum, size, _, name_size, extra_size = _HEADER.unpack_from(data, position)
        start = position + _HEADER.size + name_size + extra_size
        unpacked = _unpacked(data, start, method, None if flags & _SIZE_BEHIND else size, largest)
        if unpacked is None:
            break
        contents, position = unpacked
        if flags & _SIZE_BEHIND:
            position += len(_DESCRIPTOR) if data.startswith(_DESCRIPTOR, position) else 0
            checksum = int.from_bytes(data[position : position + 4], "little")
            position += _CHECKSUM_AND_SIZES
        if zlib.crc32(contents) != checksum or position > len(data):
            break
        name = data[start - extra_size - name_size : start - extra_size].decode("utf-8" if flags & _UTF8 else "cp437", "replace")
        found[name] = contents
        largest -= len(contents)
    return found


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
