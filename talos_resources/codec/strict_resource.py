"""Documents → resources, strictly: every fault is told with its path."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import attrs
from cattrs import ClassValidationError, Converter, IterableValidationError, IterableValidationNote
from cattrs.gen import make_dict_structure_fn, override
from immutabledict import immutabledict

import talos_resources.resources  # noqa: F401 - registers the typed kinds
from talos_resources.codec import strict_values as values
from talos_resources.codec.as_given import text_as_given
from talos_resources.codec.specs import spec_at_look, spec_from_yaml
from talos_resources.codec.strict import decode_error, structure
from talos_resources.codec.strict_faults import faults_of
from talos_resources.codec.strict_values import FaultError, named, shown
from talos_resources.model.errors import DecodeError
from talos_resources.model.kind import own_kind
from talos_resources.model.metadata import Metadata, Phase
from talos_resources.model.resource import Resource
from talos_resources.model.sent import Sent
from talos_resources.model.spec import REDACTED, RedactedSpec, UntypedSpec
from talos_resources.model.timestamp import Timestamp


def structure_resource(value: Any, *, source: str) -> Resource[Any]:
    """Reads a resource; see `codec.plain.resource_from_plain`."""
    faults: list[tuple[str, str]] = []
    if not isinstance(value, Mapping):
        raise DecodeError(f"expected a resource, got {named(value)}", source=source)
    faults += [(str(key), "unknown key") for key in value if key not in {"node", "event", "metadata", "spec"}]
    metadata = spec = kind = text = None
    try:
        metadata = _metadata(value.get("metadata"))
        kind, given = own_kind(metadata.type), value.get("spec")
        if type(given) is UntypedSpec and kind is not None:
            return Sent(metadata, spec_from_yaml(kind.spec, given.yaml), given.yaml)
        if isinstance(given, UntypedSpec):
            spec = given
        elif given == REDACTED:
            spec = RedactedSpec()
        else:
            spec = structure(UntypedSpec if kind is None else kind.spec, given, path="spec")
            text = None if kind is None else text_as_given(spec, given)
    except DecodeError as error:
        faults += error.faults
    if faults or metadata is None:
        raise decode_error(faults, source=source)
    if type(spec) is UntypedSpec and kind is None:
        return spec_at_look(metadata, spec.wire, spec.yaml)
    return Resource(metadata, spec) if text is None else Sent(metadata, spec, text)


@attrs.frozen(kw_only=True)
class _Header:
    """The metadata as documents have it."""

    namespace: str = ""
    type: str
    id: str = ""
    version: int = 0
    owner: str = ""
    phase: Phase = Phase.RUNNING
    created: Timestamp = Timestamp.ZERO
    updated: Timestamp = Timestamp.ZERO
    labels: immutabledict[str, str] = immutabledict()
    annotations: immutabledict[str, str] = immutabledict()
    finalizers: tuple[str, ...] = ()


def _metadata(value: Any) -> Metadata:
    try:
        header: _Header = _converter().structure(value, _Header)
    except (ClassValidationError, FaultError) as error:
        faults = faults_of(error, "metadata")
        raise decode_error(faults) from None
    return Metadata(**{field.name: getattr(header, field.name) for field in attrs.fields(_Header)})


def _version(value: Any, _: Any = None) -> int:
    if value == "undefined":
        return 0
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 20:
        value = int(value)
    if type(value) is not int or not 0 <= value < 2**64:
        raise FaultError(f"expected a version number, got {shown(value)}")
    return value


def _nullable_text(value: Any, _: Any = None) -> str:
    return "" if value is None else values.text(value)


def _labels(value: Any, _: Any = None) -> immutabledict[str, str]:
    if value is None:
        return immutabledict()
    if not isinstance(value, Mapping):
        raise FaultError(f"expected a mapping, got {named(value)}")
    errors: list[Exception] = []
    for key, item in value.items():
        try:
            values.text(key)
            values.text(item)
        except FaultError as error:
            error.add_note(IterableValidationNote("label", str(key), str))
            errors.append(error)
    if errors:
        raise IterableValidationError("labels", errors, immutabledict)  # pyright: ignore[reportCallIssue]  # the stub of the base class
    return immutabledict(value)


def _header_reader(converter: Converter) -> Callable[[Any, Any], Any]:
    text = {"struct_hook": _nullable_text}
    read = make_dict_structure_fn(
        _Header,
        converter,
        namespace=override(**text),  # type: ignore[arg-type]
        id=override(**text),  # type: ignore[arg-type]
        owner=override(**text),  # type: ignore[arg-type]
        version=override(struct_hook=_version),
        labels=override(struct_hook=_labels),
        annotations=override(struct_hook=_labels),
        finalizers=override(struct_hook=functools.partial(values.listed, values.text)),
        _cattrs_forbid_extra_keys=True,
    )
    return lambda value, _: read(values.mapping(value), _Header)


@functools.cache
def _converter() -> Converter:
    converter = Converter(detailed_validation=True)
    converter.register_structure_hook(Timestamp, values.time)
    converter.register_structure_hook(Phase, functools.partial(values.member, Phase))
    converter.register_structure_hook(_Header, _header_reader(converter))
    return converter
