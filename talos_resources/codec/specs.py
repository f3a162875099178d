"""Specs ↔ their messages; and resources whose spec is read when somebody looks at it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

import talos_resources.resources  # noqa: F401 - registers the typed kinds
from talos_resources.codec.decoder import FieldError, decoder
from talos_resources.codec.encoder import encode
from talos_resources.codec.protowire import WireError
from talos_resources.codec.unknown import marked, says_more, with_names
from talos_resources.model.errors import DecodeError
from talos_resources.model.kind import has_class, typed_kind
from talos_resources.model.metadata import Metadata
from talos_resources.model.redact import may_hold_secrets
from talos_resources.model.resource import Resource
from talos_resources.model.sent import Unread
from talos_resources.model.spec import REDACTED, RedactedSpec, UntypedSpec, untyped_spec

S = TypeVar("S")


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


def spec_at_look(metadata: Metadata, message: bytes, yaml: str) -> Resource[Any]:
    """A resource of a type that is read when it is looked at, or never where it has no class.

    Args:
        metadata: says the type.
        message: of the spec; empty if there is only YAML.
        yaml: of the spec; empty if there is only the message.
    """
    spec = untyped_spec(yaml, message)
    if isinstance(spec, RedactedSpec) or not has_class(metadata.type):
        return Resource(metadata, spec)
    return Unread.of(metadata, message, yaml, _spec_of_type)


def message_of(type: str, yaml: str) -> bytes:
    """The message of a spec of which there is only the YAML: clients in Go read nothing else.

    Empty where the type has no class, or the YAML is none of it.
    """
    kind = typed_kind(type) if yaml else None
    if kind is None:
        return b""
    is_shared = len(yaml) <= _LONGEST_SHARED and not may_hold_secrets(kind.spec)
    return (_shared_message_of if is_shared else _message_of)(kind.spec, yaml)


def _message_of(cls: type[Any], yaml: str) -> bytes:
    try:
        spec = spec_from_yaml(cls, yaml)
    except DecodeError:
        return b""
    return b"" if isinstance(spec, UntypedSpec) else marked(encode(spec), spec)


# A server sends the same resource to everybody who asks. At most 4,096 texts of 4 kB are kept, and their messages.
_LONGEST_SHARED: Final = 1 << 12
_shared_message_of: Final = cast("Callable[[type[Any], str], bytes]", functools.lru_cache(maxsize=1 << 12)(_message_of))


def _spec_of_type(type: str, message: bytes, yaml: str) -> Any:
    kind = typed_kind(type)
    assert kind is not None  # as `spec_at_look` has seen
    if not message and yaml:
        return spec_from_yaml(kind.spec, yaml)
    return named_by_yaml(spec_from_wire(kind.spec, message, path="spec"), yaml)


def named_by_yaml(spec: S, yaml: str) -> S:
    """The spec with what only its YAML says: of fields that its class does not know, and the texts of CEL expressions."""
    if not yaml or not says_more(spec):
        return spec
    try:
        return cast("S", with_names(spec, spec_from_yaml(type(spec), yaml)))
    except DecodeError:  # the message is what counts
        return spec


def spec_from_yaml(cls: type[Any], yaml: str) -> Any:
    """Reads the YAML of a spec.

    Raises:
        DecodeError: it is none of that class.
    """
    from talos_resources.codec.goyaml.read import load
    from talos_resources.codec.strict import structure

    plain = load(yaml, source="yaml_spec")
    return RedactedSpec() if plain == REDACTED else structure(cls, plain, path="spec")
