"""Protobuf messages → spec classes: one decoder per class, made at first use."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from struct import unpack
from typing import Any, Final

from immutabledict import immutabledict

from talos_resources.codec import wire_values
from talos_resources.codec.fields import SCALARS, FieldInfo, Shape, cached, fields_of
from talos_resources.codec.freeform import struct_from_wire
from talos_resources.codec.in_order import Step, in_order
from talos_resources.codec.protowire import FIXED64, LEN, VARINT, cut_off, read_varint, signed, skip
from talos_resources.model.build import twin
from talos_resources.model.enums import NumberedEnum
from talos_resources.model.spec import Unknown, Width
from talos_resources.model.values import Expression, HardwareAddr

Decoder = Callable[[Any], Any]

_FROM_PAYLOAD: Final[dict[Shape, Decoder]] = {
    "text": bytes.decode,
    "bytes": bytes,
    "address": wire_values.address_from_wire,
    "prefix": wire_values.prefix_from_wire,
    "addrport": wire_values.addrport_from_wire,
    "time": wire_values.time_from_wire,
    "duration": wire_values.duration_from_wire,
    "url": wire_values.url_from_wire,
    "hardware": HardwareAddr,
    "expression": lambda data: Expression(checked=bytes(data)),
    "free": struct_from_wire,
}
# Parts of one of these that come in several fields belong together.
_MERGED: Final = frozenset({"address", "prefix", "addrport", "time", "duration", "free", "message"})


class FieldError(ValueError):
    """A fault in a field; `path` is relative to the message."""

    def __init__(self, path: str, text: str) -> None:
        super().__init__(text)
        self.path = path


@cached
def decoder(cls: type[Any]) -> Callable[[bytes], Any]:
    """The function that decodes a message into an instance of the class.

    It raises `FieldError` for what the class cannot hold, `WireError` for bytes that are no message.
    """
    infos = fields_of(cls)
    opened = twin(cls)
    defaults = [info.default for info in infos]
    by_tag = _by_tag(infos)

    def decode(data: bytes) -> Any:
        values = defaults.copy()
        parts: dict[int, bytes] = {}
        items: dict[int, list[Any]] = {}
        unknown = b""
        position, end = 0, len(data)
        while position < end:
            start = position
            key, position = read_varint(data, start)
            known = by_tag.get(key)
            if known is None:
                position = skip(data, position, key)
                unknown += data[start:position]
                continue
            index, read, take, merged = known
            raw, position = _raw(data, position, end, key & 7)
            if merged:
                raw = parts[index] = parts[index] + raw if index in parts else raw
            try:
                if take is None:
                    values[index] = read(raw)
                else:
                    take(items.setdefault(index, []), read(raw))
            except ValueError as error:
                raise _located(error, infos[index], items.get(index, ())) from None
        for index, found in items.items():
            values[index] = immutabledict(found) if infos[index].mapping else tuple(found)
        made = opened(*values, Unknown(wire=unknown) if unknown else None)
        made.__class__ = cls
        return made

    steps = [
        Step(
            info.number,
            info.name,
            _field_decoder(info),
            default=info.default,
            varint=info.shape in SCALARS,
            collect=immutabledict if info.mapping else tuple if info.repeated else None,
        )
        for info in sorted(infos, key=lambda info: info.number)
    ]
    if any(info.shape == "float" or (info.repeated and info.shape in SCALARS) for info in infos):
        return decode
    return in_order(cls, steps, decode, empty="unknown")


def _by_tag(infos: Sequence[FieldInfo]) -> dict[int, tuple[int, Decoder, Callable[[list[Any], Any], None] | None, bool]]:
    """By tag: which field, what reads a value, what takes it to the others of a plural field, whether parts are merged."""
    found: dict[int, tuple[int, Decoder, Callable[[list[Any], Any], None] | None, bool]] = {}
    for index, info in enumerate(infos):
        read = _field_decoder(info)
        found[info.number << 3 | _wire_type(info)] = (
            index,
            read,
            list.append if info.plural else None,
            info.shape in _MERGED and not info.plural,
        )
        if info.repeated and info.shape in SCALARS:  # packed, as encoders write them
            found[info.number << 3 | LEN] = (index, functools.partial(_unpacked, read), list.extend, False)
    return found


def _wire_type(info: FieldInfo) -> int:
    if info.mapping:
        return LEN
    return VARINT if info.shape in SCALARS else FIXED64 if info.shape == "float" else LEN


def _raw(data: bytes, position: int, end: int, wire_type: int) -> tuple[Any, int]:
    """What follows a tag: the number, or the contents; and the position after it."""
    if wire_type == FIXED64:
        if position + 8 > end:
            raise cut_off(8, end - position)
        return data[position : position + 8], position + 8
    # Most numbers and lengths are one byte, and there are a dozen of them in a resource.
    raw = data[position] if position < end else 128
    if raw > 127:
        raw, position = read_varint(data, position)
    else:
        position += 1
    if wire_type == VARINT:
        return raw, position
    stop = position + raw
    if stop > end:
        raise cut_off(raw, end - position)
    return data[position:stop], stop


def _located(error: ValueError, info: FieldInfo, items: Sequence[Any]) -> FieldError:
    path = f"{info.key or info.name}[{len(items)}]" if info.repeated else info.key or info.name
    if isinstance(error, FieldError):
        return FieldError(f"{path}.{error.path}", str(error))
    if isinstance(error, UnicodeDecodeError):
        return FieldError(path, f"byte 0x{error.object[error.start]:02x} is not valid UTF-8")
    return FieldError(path, str(error))


def _field_decoder(info: FieldInfo) -> Decoder:
    """What reads one value; of a mapping, one entry."""
    one = _item_decoder(info)
    return functools.partial(_entry, one, _MISSING.get(info.shape, b""), VARINT if info.shape in SCALARS else LEN) if info.mapping else one


_MISSING: Final[dict[Shape, Any]] = {"flag": 0}


def _item_decoder(info: FieldInfo) -> Decoder:
    match info.shape:
        case "flag":
            return bool
        case "number":
            return _NUMBERS[info.width]
        case "float":
            return lambda raw: unpack("<d", raw)[0]
        case "enum":
            return _named(info.cls)
        case "flags":
            return lambda raw: info.cls(raw & 0xFFFFFFFF)
        case "message":
            return decoder(info.cls)
        case shape:
            return _FROM_PAYLOAD[shape]


def _unsigned(bits: int) -> Callable[[int], int]:
    mask = (1 << bits) - 1
    return lambda raw: raw & mask


_NUMBERS: Final[dict[Width, Callable[[int], int]]] = {
    "int64": signed,
    "int32": functools.partial(signed, bits=32),
    "uint64": _unsigned(64),
    "uint32": _unsigned(32),
    "uint16": _unsigned(16),
    "uint8": _unsigned(8),
}


def _unpacked(read: Decoder, data: bytes) -> list[Any]:
    """The values of a packed field."""
    found, position = [], 0
    while position < len(data):
        number, position = read_varint(data, position)
        found.append(read(number))
    return found


def _entry(read: Decoder, missing: Any, wire_type: int, data: bytes) -> tuple[str, Any]:
    """The key and the value of an entry of a map; what has another wire type than theirs is passed over."""
    key, raw, position = "", missing, 0
    while position < len(data):
        lead, position = read_varint(data, position)
        is_key = lead == (1 << 3 | LEN)
        if not is_key and lead != (2 << 3 | wire_type):
            position = skip(data, position, lead)
            continue
        value, position = _raw(data, position, len(data), lead & 7)
        if is_key:
            key = value.decode()
        else:
            raw = value
    return key, read(raw)


def _named(cls: type[NumberedEnum]) -> Callable[[int], NumberedEnum]:
    """What reads a number of an enumeration, also one that no member has."""
    named = cls.numbers().get

    def read(number: int) -> NumberedEnum:
        member = named(number)
        return cls.of(signed(number)) if member is None else member

    return read
