from __future__ import annotations

import gzip
import struct
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talos_resources.rpc.framing import Deframer, FrameError, frame, frames


@given(st.lists(st.binary(max_size=300), max_size=20), st.lists(st.integers(1, 70), min_size=1))
@settings(max_examples=100, deadline=None)
def test_messages_come_out_as_they_went_in_however_they_are_split(messages: list[bytes], cuts: list[int]) -> None:
    stream = frames(messages)
    deframer = Deframer()
    out: list[bytes] = []
    position = turn = 0
    while position < len(stream):
        size = cuts[turn % len(cuts)]
        out += deframer.feed(memoryview(stream)[position : position + size])
        position, turn = position + size, turn + 1
    deframer.finish()
    assert out == messages
    assert stream == b"".join(map(frame, messages))


@given(st.lists(st.binary(max_size=200), max_size=10), st.sampled_from(["identity", "gzip", "snappy"]))
@settings(max_examples=100, deadline=None)
def test_garbage_is_refused_or_waited_for(pieces: list[bytes], encoding: str) -> None:
    deframer = Deframer(limit=1000, encoding=encoding)
    with suppress(FrameError):
        for piece in pieces:
            assert all(len(message) <= 1000 for message in deframer.feed(piece))
        deframer.finish()


def test_compressed_messages_are_inflated() -> None:
    body = gzip.compress(b"x" * 1000)
    stream = b"\x01" + struct.pack(">I", len(body)) + body + frame(b"plain")
    assert Deframer(encoding="gzip").feed(stream) == [b"x" * 1000, b"plain"]


NO_MESSAGES = {
    "an unknown flag": (b"\x07\0\0\0\0", "identity", "0x07"),
    "longer than the limit": (b"\0\0\0\x04\x01", "identity", "larger than the limit"),
    "compressed by nothing": (b"\x01\0\0\0\x01x", "identity", "only gzip"),
    "one letter": (b"\x01\0\0\0\x01x", "gzip", "cut short|not"),
    "not compressed": (b"\x01" + struct.pack(">I", 30) + b"nonsense that is not compressed", "gzip", "is not"),
    "a bomb": (b"\x01" + struct.pack(">I", len(gzip.compress(b"x" * 5000))) + gzip.compress(b"x" * 5000), "gzip", "grows beyond"),
    "half": (b"\x01" + struct.pack(">I", 20) + gzip.compress(b"x" * 500)[:20], "gzip", "cut short"),
}


@pytest.mark.parametrize("case", NO_MESSAGES)
def test_what_is_no_message_is_refused(case: str) -> None:
    stream, encoding, fault = NO_MESSAGES[case]
    with pytest.raises(FrameError, match=fault):
        Deframer(limit=1024, encoding=encoding).feed(stream)


def test_a_stream_that_ends_within_a_message_is_refused() -> None:
    deframer = Deframer()
    assert deframer.feed(frame(b"hello")[:-1]) == []
    with pytest.raises(FrameError, match="within a message"):
        deframer.finish()
