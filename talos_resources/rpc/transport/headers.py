"""HTTP/2's header blocks (HPACK), without a table that the two sides would have to keep alike.

We tell the other side that we remember nothing (SETTINGS_HEADER_TABLE_SIZE 0), so that a block means the same
whenever it comes. That makes a block that came before free of cost, and no answer can spoil the next one. What
we send is never indexed, for the same reason. Decoding is hpack's.

Source: RFC 7541.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from talos_resources.rpc.transport.frames import ProtocolError

if TYPE_CHECKING:
    import hpack

MAX_BLOCK_BYTES: Final = 1 << 16
_KNOWN_BLOCKS: Final = 64
_SHORT_BLOCK: Final = 512

# The first and the last block of a good answer, as grpc-go and our own server write them; a test holds them against
# hpack. Decoding them would load hpack, and with it logging: 14 ms of the 100 that a command on a live node takes.
_GO_HEAD: Final = bytes.fromhex("880f10901d75d0620d263d4c4d6564ff75d8749f")
_GO_END: Final = bytes.fromhex("00889acac8b21234da8f013000899acac8b5254207317f00")
_OUR_HEAD: Final = bytes.fromhex("885f901d75d0620d263d4c4d6564ff75d8749f408e9acac8b0c842d6958b510f21aa9b839bd9ab")
_OUR_END: Final = bytes.fromhex("40889acac8b21234da8f8107")
_HEAD: Final = {":status": "200", "content-type": "application/grpc+proto"}
USUAL_BLOCKS: Final[Mapping[bytes, Mapping[str, str]]] = {
    _GO_HEAD: _HEAD,
    _GO_END: {"grpc-status": "0", "grpc-message": ""},
    # A list of nothing is both at once.
    _GO_HEAD + _GO_END: {**_HEAD, "grpc-status": "0", "grpc-message": ""},
    _OUR_HEAD: {**_HEAD, "grpc-accept-encoding": "gzip"},
    _OUR_END: {"grpc-status": "0"},
    _OUR_HEAD + _OUR_END: {**_HEAD, "grpc-accept-encoding": "gzip", "grpc-status": "0"},
}

# "I shall remember nothing", as a server says it before its first block.
_NO_TABLE: Final = b"\x20"


class HeaderBlocks:
    """Decodes the header blocks of one connection."""

    def __init__(self) -> None:
        self._known: dict[bytes, Mapping[str, str]] = dict(USUAL_BLOCKS)
        self._decoder: hpack.Decoder | None = None

    def decode(self, block: bytes) -> Mapping[str, str]:
        """The fields of a block; of a name that occurs twice the last.

        Raises:
            ProtocolError: it is none, or too long.
        """
        block = block.removeprefix(_NO_TABLE)
        fields = self._known.get(block)
        if fields is None:
            fields = self._decoded(block)
            if len(block) < _SHORT_BLOCK and len(self._known) < _KNOWN_BLOCKS:
                self._known[block] = fields
        return fields

    def _decoded(self, block: bytes) -> Mapping[str, str]:
        import hpack  # here, see USUAL_BLOCKS

        if self._decoder is None:
            self._decoder = hpack.Decoder(max_header_list_size=MAX_BLOCK_BYTES)
            self._decoder.max_allowed_table_size = self._decoder.header_table_size = 0
        try:
            return {str(name): str(value) for name, value in self._decoder.decode(block)}
        except (hpack.HPACKError, UnicodeDecodeError) as error:
            raise ProtocolError(f"headers that cannot be read ({type(error).__name__})") from None


def encode(fields: Iterable[tuple[str, str]]) -> bytes:
    """The block of these fields, in order; each a literal that is never indexed.

    Raises:
        UnicodeEncodeError: a field is not ASCII.
    """
    return b"".join(b"\x10" + _string(name) + _string(value) for name, value in fields)


def _string(text: str) -> bytes:
    data = text.encode("ascii")
    length = len(data)
    if length < 127:
        return bytes((length,)) + data
    head, length = [127], length - 127
    while length >= 128:
        head.append(length & 127 | 128)
        length >>= 7
    return bytes((*head, length)) + data
