"""The discovery service's messages as bytes, read by the rules of the real programs.

They decode with vtproto, not with the protobuf runtime: unknown fields are kept, text need not be
UTF-8, and a known field with another wire type is an error, which to the runtime would be an unknown
field. The words of the errors are theirs, because they travel: a client is told why its request cannot
be read.

Source: discovery service v1.1.0, discovery client v0.1.15; golden/discovery/payload.json.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal, TypeVar

import attrs

from talos_resources.codec import protowire
from talos_resources.codec.fields import cached
from talos_resources.codec.protowire import LEN, VARINT, lengthened, read_payload, read_varint, signed, tag, varint

M = TypeVar("M")

Shape = Literal["text", "bytes", "uint32", "int32", "int64", "flag", "message"]

_KEY: Final = "talos_resources.discovery"
_NUMBERS: Final = frozenset({"uint32", "int32", "int64", "flag"})


class MessageError(ValueError):
    """Bytes that are not the message they should be, in the words of the Go programs."""


@attrs.frozen
class _Field:
    """One field of a message: `cls` for messages; `present` if even its empty value is sent when it is not None."""

    name: str
    number: int
    shape: Shape
    cls: Any
    repeated: bool
    present: bool
    default: Any

    @property
    def go_name(self) -> str:
        return "".join(part.capitalize() for part in self.name.split("_"))


def field(number: int, shape: Shape = "message", *, cls: Any = None, repeated: bool = False, optional: bool = False) -> Any:
    """Declares a field of a message class.

    Args:
        number: of the field.
        shape: of a value.
        cls: of a value that is a message.
        repeated: a tuple of values.
        optional: None where it was not sent; messages are always so.
    """
    default: Any = () if repeated else None if optional or shape == "message" else _zero(shape)
    return attrs.field(default=default, metadata={_KEY: (number, shape, cls, repeated, optional or shape == "message")})


def unknown() -> Any:
    """Declares what keeps the fields that a message class does not know, encoded."""
    return attrs.field(default=b"", repr=False)


def encode(message: Any) -> bytes:
    """The bytes of a message: fields by number, defaults left out, unknown ones at the end."""
    parts: list[bytes] = []
    for info in _fields(type(message)):
        value = getattr(message, info.name)
        if info.repeated:
            parts.extend(_encoded(info, item) for item in value)
        elif value is not None if info.present else value:
            parts.append(_encoded(info, value))
    return b"".join([*parts, message.unknown])


def decode(cls: type[M], data: bytes) -> M:
    """The message of a class that the bytes are.

    Raises:
        MessageError: they are none.
    """
    values: dict[str, Any] = {}
    rest = b""
    known = {info.number: info for info in _fields(cls)}
    position = 0
    while position < len(data):
        start = position
        key, position = _read(read_varint, data, position)
        number, wire_type = signed(key >> 3, 32), key & 7
        if wire_type == 4:
            raise MessageError(f"proto: {cls.__name__}: wiretype end group for non-group")
        if number <= 0:
            raise MessageError(f"proto: {cls.__name__}: illegal tag {number} (wire type {wire_type})")
        info = known.get(number)
        if info is None:
            position = _skip(data, position, key)
            rest += data[start:position]
            continue
        if wire_type != (VARINT if info.shape in _NUMBERS else LEN):
            raise MessageError(f"proto: wrong wireType = {wire_type} for field {info.go_name}")
        raw, position = _read(read_varint if wire_type == VARINT else read_payload, data, position)
        _take(values, info, raw)
    return cls(**values, **({"unknown": rest} if rest else {}))


@cached
def _fields(cls: type[Any]) -> tuple[_Field, ...]:
    found = []
    for attribute in attrs.fields(cls):
        declared = attribute.metadata.get(_KEY)
        if declared is not None:
            number, shape, item, repeated, present = declared
            found.append(_Field(attribute.name, number, shape, item, repeated, present, attribute.default))
    return tuple(sorted(found, key=lambda info: info.number))


def _zero(shape: Shape) -> Any:
    return {"text": "", "bytes": b"", "flag": False}.get(shape, 0)


def _encoded(info: _Field, value: Any) -> bytes:
    if info.shape in _NUMBERS:
        return tag(info.number, VARINT) + varint(int(value))
    payload = encode(value) if info.shape == "message" else text_bytes(value) if info.shape == "text" else value
    return lengthened(tag(info.number, LEN), payload)


def text_bytes(text: str) -> bytes:
    """The bytes that a text field was read from; they may be no UTF-8."""
    return text.encode("utf-8", "surrogateescape")


def _take(values: dict[str, Any], info: _Field, raw: Any) -> None:
    """Puts a field that was read to the others: the last scalar wins, messages that come in parts are merged."""
    if info.shape == "message":
        value = decode(info.cls, raw)
        if not info.repeated and info.name in values:
            value = decode(info.cls, encode(values[info.name]) + raw)
    else:
        value = _SCALARS[info.shape](raw)
    values[info.name] = (*values.get(info.name, ()), value) if info.repeated else value


_SCALARS: Final[dict[str, Callable[[Any], Any]]] = {
    "text": lambda raw: raw.decode("utf-8", "surrogateescape"),
    "bytes": bytes,
    "uint32": lambda raw: raw & 0xFFFFFFFF,
    "int32": lambda raw: signed(raw, 32),
    "int64": signed,
    "flag": bool,
}


def _read(read: Callable[[bytes, int], tuple[Any, int]], data: bytes, position: int) -> tuple[Any, int]:
    try:
        return read(data, position)
    except protowire.WireError as error:
        raise _in_their_words(error) from None


def _skip(data: bytes, position: int, key: int) -> int:
    if key & 7 > 5:
        raise MessageError(f"proto: illegal wireType {key & 7}")
    try:
        return protowire.skip(data, position, key)
    except protowire.WireError as error:
        raise _in_their_words(error) from None


def _in_their_words(error: protowire.WireError) -> MessageError:
    return MessageError("proto: integer overflow" if "64 bits" in str(error) else "unexpected EOF")
