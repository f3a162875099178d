"""Resources and specs ↔ protobuf, as `cosi.resource.Resource` and the messages of Talos have them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

from immutabledict import immutabledict

import talos_resources.resources  # noqa: F401 - registers the typed kinds
from talos_resources.codec import wire_values
from talos_resources.codec.decoder import FieldError, decoder
from talos_resources.codec.encoder import encode
from talos_resources.codec.fields import cached
from talos_resources.codec.in_order import REQUIRED, Step, in_order
from talos_resources.codec.protowire import LEN, WireError, cut_off, lengthened, read_varint, size, skip, tag
from talos_resources.model.errors import DecodeError
from talos_resources.model.kind import typed_kind
from talos_resources.model.lazy_resource import unread
from talos_resources.model.metadata import NO_LABELS, Labels, Metadata, OpenMetadata, Phase
from talos_resources.model.resource import Resource
from talos_resources.model.spec import UntypedSpec
from talos_resources.model.timestamp import Timestamp

S = TypeVar("S")

_new: Final = object.__new__
Maker = Callable[[Metadata, bytes], Resource[Any]]
"""Makes a resource of its metadata and the message of its spec."""

_PHASES: Final = {phase.value: phase for phase in Phase}


def spec_to_wire(spec: Any) -> bytes:
    """The message of a spec's type; an untyped spec's is what it came with."""
    return spec.wire if isinstance(spec, UntypedSpec) else encode(spec)


def spec_from_wire(cls: type[S], data: bytes, *, path: str = "") -> S:
    """Reads the message of a spec class; fields that the class does not know are kept in `unknown`.

    Args:
        cls: the class.
        data: the message.
        path: where it stands, for errors.

    Raises:
        DecodeError: the bytes are no such message; the path begins at the message.
    """
    try:
        return cast("S", decoder(cls)(data))
    except FieldError as error:
        raise DecodeError(str(error), path=f"{path}.{error.path}" if path else error.path) from None
    except WireError as error:
        raise DecodeError(f"not a message: {error}", path=path) from None


def resource_to_wire(resource: Resource[Any], *, with_yaml: bool = True) -> bytes:
    """A `cosi.resource.Resource` with the spec both as a message and as YAML, as Talos sends it.

    Args:
        resource: to encode.
        with_yaml: False leaves the YAML out where the message says it all, as COSI's stores do. An untyped
            spec keeps what it came with.
    """
    spec = resource.spec
    if isinstance(spec, UntypedSpec):
        proto, yaml = spec.wire, spec.yaml.encode()
    elif not with_yaml:
        proto, yaml = encode(spec), b""
    else:
        # Who only reads resources does not pay for the YAML writer.
        from talos_resources.codec.yamltext import spec_text

        proto, yaml = encode(spec), spec_text(spec).encode()
    body = b"%b%b" % (lengthened(b"\x0a", proto) if proto else b"", lengthened(b"\x12", yaml) if yaml else b"")
    metadata = _metadata_to_wire(resource.metadata)
    return b"\x0a%b%b\x12%b%b" % (size(metadata), metadata, size(body), body)


def _metadata_to_wire(metadata: Metadata) -> bytes:
    name = metadata.id.encode()
    created, updated = wire_values.time_to_wire(metadata.created), wire_values.time_to_wire(metadata.updated)
    data = b"%b%b%b%b\x3a%b%b\x42%b%b" % (
        _kind_to_wire(metadata.namespace, metadata.type),
        lengthened(b"\x1a", name) if name else b"",
        _version_to_wire(metadata.version),
        _owner_to_wire(metadata.owner, metadata.phase),
        size(created),
        created,
        size(updated),
        updated,
    )
    if metadata.finalizers:
        data += b"".join([lengthened(b"\x4a", finalizer.encode()) for finalizer in metadata.finalizers])
    if metadata.labels:
        data += _labels_to_wire(b"\x52", metadata.labels)
    if metadata.annotations:
        data += _labels_to_wire(b"\x5a", metadata.annotations)
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


def _labels_to_wire(lead: bytes, labels: Labels) -> bytes:
    return b"".join([lengthened(lead, _pair_to_wire(key, value)) for key, value in sorted(labels.items())])


def _pair_to_wire(key: str, value: str) -> bytes:
    # An entry of a map has both fields, empty or not.
    return lengthened(b"\x0a", key.encode()) + lengthened(b"\x12", value.encode())


def resource_of_store(data: bytes) -> Resource[Any]:
    """As `resource_from_wire`, of bytes that a store has written: the spec is read when somebody looks at it.

    Raises:
        DecodeError: the bytes are no resource. A fault within the spec is told by the look at it.
    """
    try:
        plain = _plain_resource(data, _unread)
    except (FieldError, WireError):
        plain = None
    return resource_from_wire(data) if plain is None else plain


@cached
def _unread(cls: type[Any]) -> Maker:
    return unread(functools.partial(spec_from_wire, cls, path="spec"))


def resource_from_wire(data: bytes) -> Resource[Any]:
    """Reads a `cosi.resource.Resource`.

    The spec becomes an instance of the class of its type where there is one, read from its message, or
    from its YAML if that is all there is; else it is kept as it came, in an `UntypedSpec`.

    Raises:
        DecodeError: the bytes are no resource; the path says which field is at fault.
    """
    try:
        plain = _plain_resource(data, _read)
        if plain is not None:
            return plain
        fields = _fields(data, "resource")
        metadata = _read_metadata(b"".join(fields.get(1, ())))
        spec = _fields(b"".join(fields.get(2, ())), "spec")
        proto, yaml = _last(spec.get(1)), _last(spec.get(2))
        kind = typed_kind(metadata.type)
        if kind is None:
            return Resource(metadata, UntypedSpec(yaml=_text(yaml, "spec.yaml_spec"), wire=proto))
        if proto or not yaml:
            return Resource(metadata, decoder(kind.spec)(proto))
        text = _text(yaml, "spec.yaml_spec")
    except FieldError as error:
        where = error.path if error.path.startswith(("resource", "metadata", "spec.")) else f"spec.{error.path}"
        raise DecodeError(str(error), path=where) from None
    except WireError as error:
        raise DecodeError(f"not a message: {error}") from None
    return Resource(metadata, _spec_from_yaml(kind.spec, text))


@cached
def _read(cls: type[Any]) -> Maker:
    decode = decoder(cls)
    return lambda metadata, data: Resource(metadata, decode(data))


def _plain_resource(data: bytes, maker: Callable[[type[Any]], Maker]) -> Resource[Any] | None:
    """A resource as stores write it: the metadata and a typed spec's message, each in one piece; None for any other.

    It is what a list of a hundred thousand consists of.
    """
    try:
        if data[0] != 0x0A:
            return None
        length, start = (data[1], 2) if data[1] < 128 else read_varint(data, 1)
        stop = start + length
        if data[stop] != 0x12:
            return None
        length, inner = (data[stop + 1], stop + 2) if data[stop + 1] < 128 else read_varint(data, stop + 1)
        if inner + length != len(data) or data[inner] != 0x0A:
            return None
        length, message = (data[inner + 1], inner + 2) if data[inner + 1] < 128 else read_varint(data, inner + 1)
        if message + length != len(data):
            return None
    except (IndexError, WireError):
        return None
    metadata = _read_metadata(data[start:stop])
    kind = typed_kind(metadata.type)
    return None if kind is None else maker(kind.spec)(metadata, data[message:])


def _spec_from_yaml(cls: type[Any], yaml: str) -> Any:
    from talos_resources.codec.goyaml.read import load
    from talos_resources.codec.plain import spec_from_plain

    return spec_from_plain(cls, load(yaml, source="yaml_spec"), path="spec")


def _last(payloads: list[bytes] | None) -> bytes:
    return payloads[-1] if payloads else b""


def _fields(data: bytes, path: str) -> dict[int, list[bytes]]:
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


def _metadata_from_wire(data: bytes) -> Metadata:
    fields = _fields(data, "metadata")
    given = fields.get
    name = _shared_text(_last(given(6)), "metadata.phase")
    phase = _PHASES.get(name)
    if phase is None:
        raise FieldError("metadata.phase", f"{name!r:.40} is neither running nor tearingDown")
    finalizers = given(9)
    # In one piece; see `talos_resources.model.build`.
    made: Any = _new(OpenMetadata)
    made.namespace = _shared_text(_last(given(1)), "metadata.namespace")
    made.type = _shared_text(_last(given(2)), "metadata.type")
    made.id = _text(_last(given(3)), "metadata.id")
    made.version = _version(_last(given(4)))
    made.owner = _shared_text(_last(given(5)), "metadata.owner")
    made.phase = phase
    made.finalizers = tuple(_text(item, "metadata.finalizers") for item in finalizers) if finalizers else ()
    made.labels = _labels(given(10), "metadata.labels")
    made.annotations = _labels(given(11), "metadata.annotations")
    made.created = _time(given(7), "metadata.created")
    made.updated = _time(given(8), "metadata.updated")
    made.__class__ = Metadata
    metadata: Metadata = made
    return metadata


@functools.lru_cache(maxsize=1024)
def _version(data: bytes) -> int:
    text = _text(data, "metadata.version")
    if text in {"undefined", ""}:
        return 0
    if not (text.isascii() and text.isdigit() and len(text) <= 20):
        raise FieldError("metadata.version", f"{text!r:.40} is no version number")
    return int(text)


def _text(data: bytes, path: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise FieldError(path, f"byte 0x{data[error.start]:02x} is not valid UTF-8") from None


@functools.lru_cache(maxsize=1024)
def _shared_text(data: bytes, path: str) -> str:
    """A text that many resources have: all of them hold one object."""
    return _text(data, path)


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
        pair = _fields(entry, path)
        labels[_text(_last(pair.get(1)), path)] = _text(_last(pair.get(2)), path)
    return immutabledict(labels)


@functools.lru_cache(maxsize=1024)
def _pair(entry: bytes) -> tuple[str, str]:
    fields = _fields(entry, "")
    return _last(fields.get(1)).decode(), _last(fields.get(2)).decode()


# What many resources have in common is one object.
_shared: Final = functools.lru_cache(maxsize=1024)(bytes.decode)
_read_metadata: Final = in_order(
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
    _metadata_from_wire,
)
