"""Spec classes → their protobuf messages: one encoder per class, made at first use."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from struct import pack
from typing import Any, Final

from talos_resources.codec import wire_values
from talos_resources.codec.fields import SCALARS, FieldInfo, Shape, cached, fields_of
from talos_resources.codec.freeform import struct_to_wire
from talos_resources.codec.protowire import FIXED64, LEN, VARINT, lengthened, tag, varint
from talos_resources.model.spec import NO_ENTRIES, Unknown
from talos_resources.model.timestamp import Timestamp

Encoder = Callable[[Any], bytes]

_PAYLOADS: Final[dict[Shape, Encoder]] = {
    "text": str.encode,
    "bytes": bytes,
    "address": wire_values.address_to_wire,
    "prefix": wire_values.prefix_to_wire,
    "addrport": wire_values.addrport_to_wire,
    "time": wire_values.time_to_wire,
    "duration": wire_values.duration_to_wire,
    "url": wire_values.url_to_wire,
    "hardware": bytes,
    "expression": attrgetter("checked"),
    "free": struct_to_wire,
}
_EMPTY_PAYLOADS: Final = frozenset({"text", "bytes", "hardware", "expression", "duration"})


def encode(spec: Any) -> bytes:
    """The message of an instance of a spec class, the fields that the class does not know at its end."""
    return encoder(type(spec))(spec)


@cached
def encoder(cls: type[Any]) -> Encoder:
    """The function that encodes instances of the class; fields in the order of their numbers."""
    infos = sorted(fields_of(cls), key=lambda info: info.number)
    values_of = attrgetter(*(info.name for info in infos), "unknown", "unknown")
    steps = tuple(map(_field_encoder, infos))

    def encode_message(spec: Any) -> bytes:
        values = values_of(spec)
        parts = [step(value) for step, value in zip(steps, values, strict=False)]
        unknown: Unknown | None = values[-1]
        if unknown is not None:
            parts.append(unknown.wire)
        return b"".join(parts)

    return encode_message


def _field_encoder(info: FieldInfo) -> Encoder:
    """The function that encodes a field with its tag, nothing for the empty value."""
    if info.mapping:
        return _mapping_encoder(info)
    if info.shape in SCALARS or info.shape == "float":
        return _scalar_encoder(info)
    lead = tag(info.number, LEN)
    payload = _payload_encoder(info)

    if info.shape == "addrport" and not info.repeated:
        return lambda value: b"" if value is None else wire_values.addrport_field(lead, value)
    if info.repeated:
        return lambda values: b"".join([lengthened(lead, payload(value)) for value in values]) if values else b""
    if info.shape == "time":
        return lambda value: b"" if value == Timestamp.ZERO else lengthened(lead, payload(value))
    if info.shape in _EMPTY_PAYLOADS and not info.optional:
        return lambda value: lengthened(lead, payload(value)) if value else b""
    if info.shape == "free":
        # Go tells a map that is nil, of which nothing is sent, from an empty one.
        return lambda value: b"" if value is NO_ENTRIES else lengthened(lead, payload(value))
    if info.omit_blank and not info.optional:
        return lambda value: lengthened(lead, data) if (data := payload(value)) else b""
    return lambda value: b"" if value is None else lengthened(lead, payload(value))


def _payload_encoder(info: FieldInfo) -> Encoder:
    """What encodes one value to the contents of a field of its own."""
    if info.shape == "message":
        return encoder(info.cls)
    return _PAYLOADS[info.shape]


def _mapping_encoder(info: FieldInfo) -> Encoder:
    """A map is a repeated message of a key and a value; an entry has both, empty or not."""
    lead = tag(info.number, LEN)
    if info.shape == "flag":
        value_of: Encoder = lambda value: b"\x10\x01" if value else b"\x10\x00"  # noqa: E731
    else:
        payload = _payload_encoder(info)
        value_of = lambda value: lengthened(b"\x12", payload(value))  # noqa: E731

    def encode_mapping(values: Any) -> bytes:
        entries = [lengthened(b"\x0a", key.encode()) + value_of(value) for key, value in values.items()]
        return b"".join([lengthened(lead, entry) for entry in entries])

    return encode_mapping


def _scalar_encoder(info: FieldInfo) -> Encoder:
    number = _numbered(info)
    if info.repeated:
        packed = tag(info.number, LEN)
        return lambda values: lengthened(packed, b"".join([varint(number(value)) for value in values])) if values else b""
    if info.shape == "float":
        lead = tag(info.number, FIXED64)
        return lambda value: lead + pack("<d", value) if value else b""
    lead = tag(info.number, VARINT)
    if info.optional:
        return lambda value: b"" if value is None else lead + varint(number(value))
    if info.shape == "flag":
        return lambda value: lead + b"\x01" if value else b""
    if info.shape == "enum":
        coded = {number: lead + varint(number) for number in info.cls.numbers()} | {0: b""}  # which may have no name

        def encode_enum(value: Any) -> bytes:
            number = value.number
            return coded[number] if number in coded else lead + varint(number)

        return encode_enum
    return lambda value: lead + varint(value) if value else b""


def _numbered(info: FieldInfo) -> Callable[[Any], int]:
    """The number that stands for a value on the wire."""
    if info.shape != "enum":
        return int
    return attrgetter("number")
