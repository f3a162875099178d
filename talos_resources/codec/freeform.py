"""Free-form values on the wire: google.protobuf.Struct.

Every number is a double there; one without a fraction is an integer here, as YAML shows it.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any, Final

from immutabledict import immutabledict

from talos_resources.codec.protowire import LEN, WireError, lengthened, read_payload, read_varint, skip
from talos_resources.model.freezing import MAX_DEPTH

_EXACT: Final = 1 << 53
_NULL: Final = b"\x08\x00"


def struct_to_wire(value: Mapping[str, Any]) -> bytes:
    """The message of a mapping of texts to plain values.

    Raises:
        TypeError: a value that free-form fields cannot hold.
    """
    entries = [lengthened(b"\x0a", key.encode()) + lengthened(b"\x12", _value(item)) for key, item in value.items()]
    return b"".join([lengthened(b"\x0a", entry) for entry in entries])


def struct_from_wire(data: bytes) -> immutabledict[str, Any]:
    """Reads a Struct; all that is in it is immutable.

    Raises:
        WireError: no such message, or one nested more than 100 deep.
    """
    return _struct(data, MAX_DEPTH)


def _value(value: Any) -> bytes:
    match value:
        case None:
            return _NULL
        case bool():
            return b"\x20\x01" if value else b"\x20\x00"
        case int() | float():
            return b"\x11" + struct.pack("<d", value)
        case str():
            return lengthened(b"\x1a", value.encode())
        case Mapping():
            return lengthened(b"\x2a", struct_to_wire(value))
        case list() | tuple():
            return lengthened(b"\x32", b"".join([lengthened(b"\x0a", _value(item)) for item in value]))
        case _:
            raise TypeError(f"a free-form field cannot hold a {type(value).__name__}")


def _struct(data: bytes, depth: int) -> immutabledict[str, Any]:
    found: dict[str, Any] = {}
    for entry in _payloads(data, 0x0A):
        key, value = "", None
        position = 0
        while position < len(entry):
            lead, position = read_varint(entry, position)
            if lead == 0x0A:
                raw, position = read_payload(entry, position)
                key = raw.decode()
            elif lead == 0x12:
                raw, position = read_payload(entry, position)
                value = _read(raw, depth)
            else:
                position = skip(entry, position, lead)
        found[key] = value
    return immutabledict(found)


def _payloads(data: bytes, wanted: int) -> list[bytes]:
    """The contents of all fields with this tag."""
    found, position = [], 0
    while position < len(data):
        lead, position = read_varint(data, position)
        if lead == wanted:
            raw, position = read_payload(data, position)
            found.append(raw)
        else:
            position = skip(data, position, lead)
    return found


def _read(data: bytes, depth: int) -> Any:
    if depth == 0:
        raise WireError(f"values nested more than {MAX_DEPTH} deep")
    value, position = None, 0
    while position < len(data):
        lead, position = read_varint(data, position)
        if lead == 0x11:
            if position + 8 > len(data):
                raise WireError("cut off within a number")
            value = _number(struct.unpack_from("<d", data, position)[0])
            position += 8
        elif lead & 7 == LEN and lead in _READERS:
            raw, position = read_payload(data, position)
            value = _READERS[lead](raw, depth - 1)
        elif lead == 0x20:
            number, position = read_varint(data, position)
            value = bool(number)
        else:
            position = skip(data, position, lead)
    return value


def _number(value: float) -> int | float:
    return int(value) if value.is_integer() and abs(value) < _EXACT else value


def _list(data: bytes, depth: int) -> tuple[Any, ...]:
    return tuple(_read(item, depth) for item in _payloads(data, 0x0A))


_READERS: Final[dict[int, Any]] = {0x1A: lambda data, _: data.decode(), 0x2A: _struct, 0x32: _list}
