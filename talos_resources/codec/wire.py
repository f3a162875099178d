"""Resources and specs ↔ protobuf, as `cosi.resource.Resource` and the messages of Talos have them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final, TypeVar

import talos_resources.resources  # noqa: F401 - registers the typed kinds
from talos_resources.codec.as_given import says_less
from talos_resources.codec.decoder import FieldError, decoder
from talos_resources.codec.encoder import encode
from talos_resources.codec.fields import cached
from talos_resources.codec.protowire import WireError, lengthened, read_varint, size
from talos_resources.codec.specs import message_of, named_by_yaml, spec_at_look, spec_from_wire, spec_from_yaml
from talos_resources.codec.unknown import marked, says_more
from talos_resources.codec.wire_metadata import last, metadata_from_wire, metadata_to_wire, payloads_of, utf8
from talos_resources.model.errors import DecodeError
from talos_resources.model.kind import own_kind
from talos_resources.model.lazy_resource import unread
from talos_resources.model.metadata import Metadata
from talos_resources.model.redact import may_hold_secrets
from talos_resources.model.resource import Resource
from talos_resources.model.sent import Sent, Unread, sent_yaml
from talos_resources.model.spec import UnreadableSpec, UntypedSpec

S = TypeVar("S")

_SHARED: Final = 1 << 12
"""How many specs of a class are remembered by their message."""
_new: Final = object.__new__
Maker = Callable[[Metadata, bytes], Resource[Any]]
"""Makes a resource of its metadata and the message of its spec."""


def resource_to_wire(resource: Resource[Any], *, with_yaml: bool = True) -> bytes:
    """A `cosi.resource.Resource` with the spec both as a message and as YAML, as Talos sends it.

    Args:
        resource: to encode.
        with_yaml: False leaves the YAML out where the message says it all, as COSI's stores do. What came
            with YAML that says more than its class knows, or less than that always says, keeps it.
    """
    return with_body(resource.metadata, body_to_wire(resource, with_yaml=with_yaml))


def with_body(metadata: Metadata, body: bytes) -> bytes:
    """A `cosi.resource.Resource` of its two parts."""
    head = metadata_to_wire(metadata)
    return b"\x0a%b%b\x12%b%b" % (size(head), head, size(body), body)


def body_to_wire(resource: Resource[Any], *, with_yaml: bool) -> bytes:
    """The `cosi.resource.Spec` of a resource; see `resource_to_wire`."""
    if isinstance(resource, Unread):
        message, text = resource.parts
        return _body(message or message_of(resource.type, text), text.encode())
    spec = resource.spec
    if isinstance(spec, UntypedSpec):
        text = spec.yaml
        proto, yaml = spec.wire or message_of(resource.type, text), text.encode()
    elif not with_yaml and not says_more(spec) and not ((sent := sent_yaml(resource)) and says_less(type(spec), sent)):
        proto, yaml = encode(spec), b""
    elif (sent := sent_yaml(resource)) is not None:
        proto, yaml = marked(encode(spec), spec), sent.encode()
    else:
        # Who only reads resources does not pay for the YAML writer.
        from talos_resources.codec.yamltext import spec_text

        proto, yaml = marked(encode(spec), spec), (spec_text(spec) or "{}\n").encode()
    return _body(proto, yaml)


def _body(proto: bytes, yaml: bytes) -> bytes:
    return b"%b%b" % (lengthened(b"\x0a", proto) if proto else b"", lengthened(b"\x12", yaml) if yaml else b"")


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
    read = functools.partial(spec_from_wire, cls, path="spec")
    # Nodes of a cluster say the same of each other: what they hold is one object, read once.
    return unread(read if may_hold_secrets(cls) else functools.lru_cache(maxsize=_SHARED)(read))


def resource_from_wire(data: bytes) -> Resource[Any]:
    """Reads a `cosi.resource.Resource`.

    The spec becomes an instance of the class of its type where there is one, read from its message, or
    from its YAML if that is all there is: of the types of KubeSpan and discovery now, of others when it is
    looked at. Without a class it is kept as it came, in an `UntypedSpec`. The YAML stays with the resource:
    see `talos_resources.model.sent`.

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
        kind = own_kind(metadata.type)
        if kind is None:
            return spec_at_look(metadata, proto, utf8(yaml, "spec.yaml_spec"))
        if not yaml:
            return Resource(metadata, decoder(kind.spec)(proto))
        text = utf8(yaml, "spec.yaml_spec")
        if proto:
            return Sent(metadata, named_by_yaml(decoder(kind.spec)(proto), text), text)
    except FieldError as error:
        where = error.path if error.path.startswith(("resource", "metadata", "spec.")) else f"spec.{error.path}"
        raise DecodeError(str(error), path=where) from None
    except WireError as error:
        raise DecodeError(f"not a message: {error}") from None
    return Sent(metadata, spec_from_yaml(kind.spec, text), text)


def resource_as_it_is(data: bytes) -> Resource[Any]:
    """As `resource_from_wire`; a spec that its class cannot be made of is an `UnreadableSpec`: it costs one resource, not the file.

    Raises:
        DecodeError: the bytes are no resource, or the metadata are at fault.
    """
    try:
        return resource_from_wire(data)
    except DecodeError as error:
        if not error.path.startswith("spec"):
            raise
        fields = payloads_of(data, "resource")
        spec = payloads_of(b"".join(fields.get(2, ())), "spec")
        yaml = (last(spec.get(2)) or b"").decode("utf-8", "replace")
        kept = UnreadableSpec(yaml=yaml, wire=last(spec.get(1)) or b"", reason=f"{error.path}: {error.text}")
        return Resource(metadata_from_wire(b"".join(fields.get(1, ()))), kept)


def metadata_of_wire(data: bytes) -> Metadata:
    """The metadata of a `cosi.resource.Resource`, without a look at its spec.

    Raises:
        DecodeError: the bytes are no resource, or the metadata are at fault.
    """
    try:
        return metadata_from_wire(b"".join(payloads_of(data, "resource").get(1, ())))
    except FieldError as error:
        raise DecodeError(str(error), path=error.path) from None


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
    kind = own_kind(metadata.type)
    return spec_at_look(metadata, data[message:], "") if kind is None else maker(kind.spec)(metadata, data[message:])
