"""The protobuf wire format: varints, tags, fields.

Hand-written because importing the protobuf runtime costs more than all of a short command, and because
it has no way to hand out the fields that a message does not know. Tests hold it against the runtime.
"""

from __future__ import annotations

from typing import Final

VARINT: Final = 0
LEN: Final = 2
FIXED64: Final = 1
_START_GROUP: Final = 3
_END_GROUP: Final = 4
_FIXED32: Final = 5
_MAX_GROUPS: Final = 100
_SMALL: Final = tuple(bytes([number]) for number in range(128))


class WireError(ValueError):
    """Bytes that are no protobuf message, or that its fields cannot hold."""


def varint(number: int) -> bytes:
    """An integer of up to 64 bits; a negative one as its two's complement."""
    if 0 <= number < 128:
        return _SMALL[number]
    if 0 <= number < 1 << 35:
        # Nearly all: lengths, ports, counters and seconds, without a loop.
        if number < 1 << 14:
            return bytes((number & 127 | 128, number >> 7))
        if number < 1 << 21:
            return bytes((number & 127 | 128, number >> 7 & 127 | 128, number >> 14))
        if number < 1 << 28:
            return bytes((number & 127 | 128, number >> 7 & 127 | 128, number >> 14 & 127 | 128, number >> 21))
        return bytes((number & 127 | 128, number >> 7 & 127 | 128, number >> 14 & 127 | 128, number >> 21 & 127 | 128, number >> 28))
    number &= 0xFFFFFFFFFFFFFFFF
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def tag(number: int, wire_type: int) -> bytes:
    """What stands before a field."""
    return varint(number << 3 | wire_type)


def size(data: bytes) -> bytes:
    """The length of a field's contents, as it stands before them."""
    length = len(data)
    return _SIZES[length] if length < 512 else varint(length)


def lengthened(lead: bytes, payload: bytes) -> bytes:
    """A length-delimited field behind its tag."""
    length = len(payload)
    return b"%b%b%b" % (lead, _SIZES[length] if length < 512 else varint(length), payload)


_SIZES: Final = tuple(varint(length) for length in range(512))


def read_varint(data: bytes, position: int) -> tuple[int, int]:
    """The unsigned integer (at most 64 bits) at a position, and the position after it.

    Raises:
        WireError: the data ends within it, or it is longer than ten bytes.
    """
    try:
        # Nearly all: lengths, ports, counters and seconds, without a loop.
        one = data[position]
        if one < 128:
            return one, position + 1
        # What is taken off is the highest bit of each byte before the last.
        two = data[position + 1]
        if two < 128:
            return (two << 7) + one - 0x80, position + 2
        three = data[position + 2]
        if three < 128:
            return (three << 14) + (two << 7) + one - 0x4080, position + 3
        four = data[position + 3]
        if four < 128:
            return (four << 21) + (three << 14) + (two << 7) + one - 0x204080, position + 4
        five = data[position + 4]
        result = (five << 28) + (four << 21) + (three << 14) + (two << 7) + one - 0x10204080
        position += 5
        if five < 128:
            return result, position
        result -= 0x800000000
        for shift in range(35, 64, 7):
            byte = data[position]
            position += 1
            result |= (byte & 127) << shift
            if byte < 128:
                return result & 0xFFFFFFFFFFFFFFFF, position
    except IndexError:
        raise WireError("cut off within an integer") from None
    raise WireError("an integer of more than 64 bits")


def signed(number: int, bits: int = 64) -> int:
    """A varint as an integer with a sign; of a wider one the low bits count."""
    number &= (1 << bits) - 1
    return number - (1 << bits) if number >> (bits - 1) else number


def read_payload(data: bytes, position: int) -> tuple[bytes, int]:
    """The contents of a length-delimited field whose length is at a position, and the position after it.

    Raises:
        WireError: the data ends within it.
    """
    length, position = read_varint(data, position)
    end = position + length
    if end > len(data):
        raise cut_off(length, len(data) - position)
    return data[position:end], end


def cut_off(length: int, left: int) -> WireError:
    """What is wrong with a field of which there is not all."""
    return WireError(f"cut off: a field of {length} bytes, of which {left} are there")


def skip(data: bytes, position: int, key: int) -> int:
    """The position after a field whose tag has been read.

    Raises:
        WireError: the field is broken, its number is 0, or its wire type does not exist.
    """
    groups: list[int] = []
    while True:
        number, wire_type = key >> 3, key & 7
        if not 0 < number < 1 << 29:
            raise WireError(f"a field with the number {number}")
        if wire_type == VARINT:
            _, position = read_varint(data, position)
        elif wire_type == LEN:
            _, position = read_payload(data, position)
        elif wire_type in {FIXED64, _FIXED32}:
            position += 8 if wire_type == FIXED64 else 4
            if position > len(data):
                raise WireError("cut off within a number")
        elif wire_type == _START_GROUP:
            if len(groups) >= _MAX_GROUPS:
                raise WireError("groups nested too deeply")
            groups.append(number)
        elif wire_type == _END_GROUP and groups and groups[-1] == number:
            groups.pop()
        else:
            raise WireError(f"a field of wire type {wire_type}")
        if not groups:
            return position
        key, position = read_varint(data, position)
