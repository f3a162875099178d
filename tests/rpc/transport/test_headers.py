from __future__ import annotations

import hpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from talos_resources.rpc.transport.frames import ProtocolError
from talos_resources.rpc.transport.headers import USUAL_BLOCKS, HeaderBlocks, encode

NAMES = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=200)
VALUES = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=400)


@given(st.dictionaries(NAMES, VALUES, max_size=5))
def test_what_we_write_is_what_is_read(fields: dict[str, str]) -> None:
    block = encode(fields.items())
    assert {str(name): str(value) for name, value in hpack.Decoder().decode(block)} == fields
    assert HeaderBlocks().decode(block) == fields


def test_what_is_never_indexed() -> None:
    assert all(
        isinstance(field, hpack.NeverIndexedHeaderTuple) for field in hpack.Decoder().decode(encode([("node", "a"), ("token", "t")]))
    )


def test_blocks_that_need_no_decoder_say_what_hpack_reads() -> None:
    for block, fields in USUAL_BLOCKS.items():
        assert {str(name): str(value) for name, value in hpack.Decoder().decode(block)} == fields


@given(st.binary(max_size=100))
def test_any_bytes(block: bytes) -> None:
    try:
        HeaderBlocks().decode(block)
    except ProtocolError:
        pass


def test_no_block_spoils_the_next() -> None:
    """A server that goes on to index, although it was told that nothing is remembered, is not believed."""
    blocks, encoder = HeaderBlocks(), hpack.Encoder()
    assert blocks.decode(encoder.encode([("a", "b")])) == {"a": "b"}
    with pytest.raises(ProtocolError, match="cannot be read"):
        blocks.decode(encoder.encode([("a", "b")]))
    assert blocks.decode(encode([("c", "d")])) == {"c": "d"}


def test_a_block_that_unpacks_to_megabytes() -> None:
    with pytest.raises(ProtocolError):
        HeaderBlocks().decode(encode([("a", "x" * 70_000)]))
