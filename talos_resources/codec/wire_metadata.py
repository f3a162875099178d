"""The metadata of a resource ↔ protobuf: `cosi.resource.Metadata`."""

from __future__ import annotations

import functools
from typing import Any, Final

from immutabledict import immutabledict

from talos_resources.codec import wire_values
from talos_resources.codec.decoder import FieldError
from talos_resources.codec.in_order import REQUIRED, Step, in_order
from talos_resources.codec.protowire import LEN, WireError, cut_off, lengthened, read_varint, skip, tag
from talos_resources.model.metadata import NO_LABELS, Labels, Metadata, OpenMetadata, Phase
from talos_resources.model.timestamp import Timestamp

_new: Final = object.__new__
_PHASES: Final = {phase.value: phase for phase in Phase}


def metadata_to_wire(metadata: Metadata) -> bytes:
    """The message of metadata, as Go writes it: fields by number, maps by key."""
    name = metadata.id.encode()
    data = b"%b%b%b%b%b%b" % (
        _kind_to_wire(metadata.namespace, metadata.type),
        lengthened(b"\x1a", name) if name else b"",
        _version_to_wire(metadata.version),
        _owner_to_wire(metadata.owner, metadata.phase),
        _time_to_wire(b"\x3a", metadata.created),
        _time_to_wire(b"\x42", metadata.updated),
    )
    if metadata.finalizers:
        data += b"".join([lengthened(b"\x4a", finalizer.encode()) for finalizer in metadata.finalizers])
    if (labels := metadata.labels) is not NO_LABELS:
        data += _labels_to_wire(b"\x52", labels)
    if (annotations := metadata.annotations) is not NO_LABELS:
        data += _labels_to_wire(b"\x5a", annotations)
    return data


def _texts_to_wire(*fields: tuple[int, str]) -> bytes:
    return b"".join([lengthened(tag(number, LEN), text.encode()) for number, text in fields if text])


# Few combinations of these make up all the resources of a cluster.
@functools.lru_cache(maxsize=1024)
def _kind_to_wire(namespace: str, type: str) -> bytes:
    return _texts_to_wire((1, namespace), (2, type))


@functools.lru_cache(maxsize=1024)
def _version_to_wire(version: int) -> bytes:
    return _texts_to_wire((4, str(version or "undefined")))


@functools.lru_cache(maxsize=1024)
def _owner_to_wire(owner: str, phase: Phase) -> bytes:
    return _texts_to_wire((5, owner), (6, phase.value))


@functools.lru_cache(maxsize=16_384)
def _time_to_wire(lead: bytes, moment: Timestamp) -> bytes:
    return lengthened(lead, wire_values.time_to_wire(moment))


def _labels_to_wire(lead: bytes, labels: Labels) -> bytes:
    return b"".join([lengthened(lead, _pair_to_wire(key, value)) for key, value in sorted(labels.items())])


def _pair_to_wire(key: str, value: str) -> bytes:
    # An entry of a map has both fields, empty or not.
    return lengthened(b"\x0a", key.encode()) + lengthened(b"\x12", value.encode())


def last(payloads: list[bytes] | None) -> bytes:
    """What a field that came several times holds; empty if it did not come."""
    return payloads[-1] if payloads else b""


def payloads_of(data: bytes, path: str) -> dict[int, list[bytes]]:
    """The length-delimited fields of a message by number; all others are passed over."""
    found: dict[int, list[bytes]] = {}
    position, end = 0, len(data)
    try:
        while position < end:
            key = data[position]
            position += 1
            if key > 127:
                key, position = read_varint(data, position - 1)
            if key & 7 != LEN or key < 8:
                position = skip(data, position, key)
                continue
            length = data[position] if position < end else 128
            if length > 127:
                length, position = read_varint(data, position)
            else:
                position += 1
            stop = position + length
            if stop > end:
                raise cut_off(length, end - position)
            payload, position = data[position:stop], stop
            number = key >> 3
            if number in found:
                found[number].append(payload)
            else:
                found[number] = [payload]
    except WireError as error:
        raise FieldError(path, f"not a message: {error}") from None
    return found


def _in_any_order(data: bytes) -> Metadata:
    fields = payloads_of(data, "metadata")
    given = fields.get
    name = _shared_text(last(given(6)), "metadata.phase")
    phase = _PHASES.get(name)
    if phase is None:
        raise FieldError("metadata.phase", f"{name!r:.40} is neither running nor tearingDown")
    finalizers = given(9)
    # In one piece; see `talos_resources.model.build`.
    made: Any = _new(OpenMetadata)
    made.namespace = _shared_text(last(given(1)), "metadata.namespace")
    made.type = _shared_text(last(given(2)), "metadata.type")
    made.id = utf8(last(given(3)), "metadata.id")
    made.version = _version(last(given(4)))
    made.owner = _shared_text(last(given(5)), "metadata.owner")
    made.phase = phase
    made.finalizers = tuple(utf8(item, "metadata.finalizers") for item in finalizers) if finalizers else ()
    made.labels = _labels(given(10), "metadata.labels")
    made.annotations = _labels(given(11), "metadata.annotations")
    made.created = _time(given(7), "metadata.created")
    made.updated = _time(given(8), "metadata.updated")
    made.__class__ = Metadata
    metadata: Metadata = made
    return metadata


@functools.lru_cache(maxsize=1024)
def _version(data: bytes) -> int:
    text = utf8(data, "metadata.version")
    if text in {"undefined", ""}:
        return 0
    if not (text.isascii() and text.isdigit() and len(text) <= 20):
        raise FieldError("metadata.version", f"{text!r:.40} is no version number")
    return int(text)


def utf8(data: bytes, path: str) -> str:
    """A text.

    Raises:
        FieldError: bytes that are none.
    """
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise FieldError(path, f"byte 0x{data[error.start]:02x} is not valid UTF-8") from None


@functools.lru_cache(maxsize=1024)
def _shared_text(data: bytes, path: str) -> str:
    """A text that many resources have: all of them hold one object."""
    return utf8(data, path)


def _time(payloads: list[bytes] | None, path: str) -> Timestamp:
    if not payloads:
        return Timestamp.ZERO
    try:
        return wire_values.time_from_wire(payloads[0] if len(payloads) == 1 else b"".join(payloads))
    except WireError as error:
        raise FieldError(path, str(error)) from None


def _labels(entries: list[bytes] | None, path: str) -> Labels:
    if not entries:
        return NO_LABELS
    labels = {}
    for entry in entries:
        pair = payloads_of(entry, path)
        labels[utf8(last(pair.get(1)), path)] = utf8(last(pair.get(2)), path)
    return immutabledict(labels)


@functools.lru_cache(maxsize=1024)
def _pair(entry: bytes) -> tuple[str, str]:
    fields = payloads_of(entry, "")
    return last(fields.get(1)).decode(), last(fields.get(2)).decode()


# What many resources have in common is one object.
_shared: Final = functools.lru_cache(maxsize=1024)(bytes.decode)
metadata_from_wire: Final = in_order(
    Metadata,
    [
        Step(1, "namespace", _shared, ""),
        Step(2, "type", _shared, ""),
        Step(3, "id", bytes.decode, ""),
        Step(4, "version", _version, 0),
        Step(5, "owner", _shared, ""),
        Step(6, "phase", {phase.value.encode(): phase for phase in Phase}.__getitem__, REQUIRED),
        Step(7, "created", wire_values.time_from_wire, Timestamp.ZERO),
        Step(8, "updated", wire_values.time_from_wire, Timestamp.ZERO),
        Step(9, "finalizers", bytes.decode, (), collect=tuple),
        Step(10, "labels", _pair, NO_LABELS, collect=immutabledict),
        Step(11, "annotations", _pair, NO_LABELS, collect=immutabledict),
    ],
    _in_any_order,
)
