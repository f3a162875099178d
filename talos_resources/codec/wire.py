"""Resources and specs ↔ protobuf, as `cosi.resource.Resource` and the messages of Talos have them."""

from __future__ import annotations

from typing import Any, Final, TypeVar

from immutabledict import immutabledict

import talos_resources.resources  # noqa: F401 - registers the typed kinds
from talos_resources.codec import atoms, messages
from talos_resources.codec.protowire import LEN, WireError, field, read_payload, read_varint, skip, varint
from talos_resources.codec.text import spec_to_yaml
from talos_resources.model.errors import DecodeError
from talos_resources.model.kind import typed_kind
from talos_resources.model.metadata import NO_LABELS, Labels, Metadata, Phase
from talos_resources.model.resource import Resource
from talos_resources.model.spec import UntypedSpec
from talos_resources.model.timestamp import Timestamp

S = TypeVar("S")

_PHASES: Final = {phase.value: phase for phase in Phase}


def spec_to_wire(spec: Any) -> bytes:
    """The message of a spec's type; an untyped spec's is what it came with."""
    return spec.wire if isinstance(spec, UntypedSpec) else messages.encode(spec)


def spec_from_wire(cls: type[S], data: bytes) -> S:
    """Reads the message of a spec class; fields that the class does not know are kept in `unknown`.

    Raises:
        DecodeError: the bytes are no such message; the path begins at the message.
    """
    try:
        return messages.decoder(cls)(data)  # type: ignore[no-any-return]  # decoders are made per class
    except messages.FieldError as error:
        raise DecodeError(str(error), path=error.path) from None
    except WireError as error:
        raise DecodeError(f"not a message: {error}") from None


def resource_to_wire(resource: Resource[Any]) -> bytes:
    """A `cosi.resource.Resource` with the spec both as a message and as YAML, as Talos sends it."""
    spec = resource.spec
    if isinstance(spec, UntypedSpec):
        proto, yaml = spec.wire, spec.yaml.encode()
    else:
        proto, yaml = messages.encode(spec), spec_to_yaml(spec).encode()
    metadata = _metadata_to_wire(resource.metadata)
    body = (b"\x0a" + varint(len(proto)) + proto if proto else b"") + (b"\x12" + varint(len(yaml)) + yaml if yaml else b"")
    return b"".join((b"\x0a", varint(len(metadata)), metadata, b"\x12", varint(len(body)), body))


def _metadata_to_wire(metadata: Metadata) -> bytes:
    parts = []
    for lead, text in (
        (b"\x0a", metadata.namespace),
        (b"\x12", metadata.type),
        (b"\x1a", metadata.id),
        (b"\x22", str(metadata.version or "undefined")),
        (b"\x2a", metadata.owner),
        (b"\x32", metadata.phase),
    ):
        if text:
            data = text.encode()
            parts += (lead, varint(len(data)), data)
    for lead, moment in ((b"\x3a", metadata.created), (b"\x42", metadata.updated)):
        data = atoms.time_to_wire(moment)
        parts += (lead, varint(len(data)), data)
    parts += [field(9, finalizer.encode()) for finalizer in metadata.finalizers]
    for number, labels in ((10, metadata.labels), (11, metadata.annotations)):
        if labels:
            parts += [field(number, field(1, key.encode()) + field(2, value.encode())) for key, value in sorted(labels.items())]
    return b"".join(parts)


def resource_from_wire(data: bytes) -> Resource[Any]:
    """Reads a `cosi.resource.Resource`.

    The spec becomes an instance of the class of its type where there is one, read from its message, or
    from its YAML if that is all there is; else it is kept as it came, in an `UntypedSpec`.

    Raises:
        DecodeError: the bytes are no resource; the path says which field is at fault.
    """
    try:
        fields = _fields(data, {1: "metadata", 2: "spec"}, "resource")
        metadata = _metadata_from_wire(b"".join(fields["metadata"]))
        spec = _fields(b"".join(fields["spec"]), {1: "proto_spec", 2: "yaml_spec"}, "spec")
        proto, yaml = _last(spec["proto_spec"]), _last(spec["yaml_spec"])
        kind = typed_kind(metadata.type)
        if kind is None:
            return Resource(metadata, UntypedSpec(yaml=_text(yaml, "spec.yaml_spec"), wire=proto))
        if proto or not yaml:
            return Resource(metadata, messages.decoder(kind.spec)(proto))
    except messages.FieldError as error:
        where = error.path if error.path.startswith(("resource", "metadata", "spec.")) else f"spec.{error.path}"
        raise DecodeError(str(error), path=where) from None
    except WireError as error:
        raise DecodeError(f"not a message: {error}") from None
    return Resource(metadata, _spec_from_yaml(kind.spec, _text(yaml, "spec.yaml_spec")))


def _spec_from_yaml(cls: type[Any], yaml: str) -> Any:
    from talos_resources.codec.goyaml.read import load
    from talos_resources.codec.plain import spec_from_plain

    return spec_from_plain(cls, load(yaml, source="yaml_spec"), path="spec")


def _last(payloads: list[bytes]) -> bytes:
    return payloads[-1] if payloads else b""


def _fields(data: bytes, names: dict[int, str], path: str) -> dict[str, list[bytes]]:
    """The length-delimited fields of a message by name; what has no name is passed over."""
    found: dict[str, list[bytes]] = {name: [] for name in names.values()}
    position = 0
    try:
        while position < len(data):
            key, position = read_varint(data, position)
            name = names.get(key >> 3) if key & 7 == LEN else None
            if name is None:
                position = skip(data, position, key)
            else:
                payload, position = read_payload(data, position)
                found[name].append(payload)
    except WireError as error:
        raise messages.FieldError(path, f"not a message: {error}") from None
    return found


_METADATA: Final = {
    1: "namespace",
    2: "type",
    3: "id",
    4: "version",
    5: "owner",
    6: "phase",
    7: "created",
    8: "updated",
    9: "finalizers",
    10: "labels",
    11: "annotations",
}


def _metadata_from_wire(data: bytes) -> Metadata:
    fields = _fields(data, _METADATA, "metadata")

    def text(name: str) -> str:
        return _text(_last(fields[name]), f"metadata.{name}")

    phase = _PHASES.get(text("phase"))
    if phase is None:
        raise messages.FieldError("metadata.phase", f"{text('phase')!r} is neither running nor tearingDown")
    return Metadata(
        namespace=text("namespace"),
        type=text("type"),
        id=text("id"),
        version=_version(text("version")),
        owner=text("owner"),
        phase=phase,
        finalizers=tuple(_text(item, "metadata.finalizers") for item in fields["finalizers"]),
        labels=_labels(fields["labels"], "metadata.labels"),
        annotations=_labels(fields["annotations"], "metadata.annotations"),
        created=_time(fields["created"], "metadata.created"),
        updated=_time(fields["updated"], "metadata.updated"),
    )


def _version(text: str) -> int:
    if text in {"undefined", ""}:
        return 0
    if not (text.isascii() and text.isdigit() and len(text) <= 20):
        raise messages.FieldError("metadata.version", f"{text!r:.40} is no version number")
    return int(text)


def _text(data: bytes, path: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise messages.FieldError(path, f"byte 0x{data[error.start]:02x} is not valid UTF-8") from None


def _time(payloads: list[bytes], path: str) -> Timestamp:
    if not payloads:
        return Timestamp.ZERO
    try:
        return atoms.time_from_wire(b"".join(payloads))
    except WireError as error:
        raise messages.FieldError(path, str(error)) from None


def _labels(entries: list[bytes], path: str) -> Labels:
    if not entries:
        return NO_LABELS
    labels = {}
    for entry in entries:
        pair = _fields(entry, {1: "key", 2: "value"}, path)
        labels[_text(_last(pair["key"]), path)] = _text(_last(pair["value"]), path)
    return immutabledict(labels)
