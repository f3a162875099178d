"""Resources and specs ↔ protobuf, as `cosi.resource.Resource` and the messages of Talos have them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

import talos_resources.resources  # noqa: F401 - registers the typed kinds
from talos_resources.codec.decoder import FieldError, decoder
from talos_resources.codec.encoder import encode
from talos_resources.codec.fields import cached
from talos_resources.codec.protowire import WireError, lengthened, read_varint, size
from talos_resources.codec.unknown import has_unknown, marked, with_names
from talos_resources.codec.wire_metadata import last, metadata_from_wire, metadata_to_wire, payloads_of, utf8
from talos_resources.model.errors import DecodeError
from talos_resources.model.kind import typed_kind
from talos_resources.model.lazy_resource import unread
from talos_resources.model.metadata import Metadata
from talos_resources.model.resource import Resource
from talos_resources.model.sent import Sent, sent_yaml
from talos_resources.model.spec import REDACTED, RedactedSpec, UntypedSpec, untyped_spec

S = TypeVar("S")

_new: Final = object.__new__
Maker = Callable[[Metadata, bytes], Resource[Any]]
"""Makes a resource of its metadata and the message of its spec."""


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
        with_yaml: False leaves the YAML out where the message says it all, as COSI's stores do. What came
            with YAML that says more than its class knows keeps it.
    """
    spec = resource.spec
    if isinstance(spec, UntypedSpec):
        proto, yaml = spec.wire, spec.yaml.encode()
    elif not with_yaml and not has_unknown(spec):
        proto, yaml = encode(spec), b""
    elif (sent := sent_yaml(resource)) is not None:
        proto, yaml = encode(spec), sent.encode()
    else:
        # Who only reads resources does not pay for the YAML writer.
        from talos_resources.codec.yamltext import spec_text

        proto, yaml = marked(encode(spec), spec), spec_text(spec).encode()
    body = b"%b%b" % (lengthened(b"\x0a", proto) if proto else b"", lengthened(b"\x12", yaml) if yaml else b"")
    metadata = metadata_to_wire(resource.metadata)
    return b"\x0a%b%b\x12%b%b" % (size(metadata), metadata, size(body), body)


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
    from its YAML if that is all there is; else it is kept as it came, in an `UntypedSpec`. The YAML stays
    with the resource: see `talos_resources.model.sent`.

    Raises:
        DecodeError: the bytes are no resource; the path says which field is at fault.
    """
    try:
        plain = _plain_resource(data, _read)
        if plain is not None:
            return plain
        fields = payloads_of(data, "resource")
        metadata = metadata_from_wire(b"".join(fields.get(1, ())))
        spec = payloads_of(b"".join(fields.get(2, ())), "spec")
        proto, yaml = last(spec.get(1)), last(spec.get(2))
        kind = typed_kind(metadata.type)
        if kind is None:
            return Resource(metadata, untyped_spec(utf8(yaml, "spec.yaml_spec"), proto))
        if not yaml:
            return Resource(metadata, decoder(kind.spec)(proto))
        text = utf8(yaml, "spec.yaml_spec")
        if proto:
            decoded = decoder(kind.spec)(proto)
            return Sent(metadata, _named(decoded, text) if has_unknown(decoded) else decoded, text)
    except FieldError as error:
        where = error.path if error.path.startswith(("resource", "metadata", "spec.")) else f"spec.{error.path}"
        raise DecodeError(str(error), path=where) from None
    except WireError as error:
        raise DecodeError(f"not a message: {error}") from None
    return Sent(metadata, _spec_from_yaml(kind.spec, text), text)


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
    metadata = metadata_from_wire(data[start:stop])
    kind = typed_kind(metadata.type)
    return None if kind is None else maker(kind.spec)(metadata, data[message:])


def _named(spec: Any, yaml: str) -> Any:
    """The spec with the names and values that its YAML gives to fields that its class does not know."""
    try:
        return with_names(spec, _spec_from_yaml(type(spec), yaml))
    except DecodeError:  # the message is what counts
        return spec


def _spec_from_yaml(cls: type[Any], yaml: str) -> Any:
    from talos_resources.codec.goyaml.read import load
    from talos_resources.codec.plain import spec_from_plain

    plain = load(yaml, source="yaml_spec")
    return RedactedSpec() if plain == REDACTED else spec_from_plain(cls, plain, path="spec")
