"""Plain values → classes, strictly: nothing is converted, and every fault is told with its path.

cattrs builds the readers of the classes and collects what goes wrong; what it converts by itself is
replaced here.
"""

from __future__ import annotations

import binascii
import functools
import ipaddress
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, Final, TypeVar, cast

import attrs
from cattrs import AttributeValidationNote, ClassValidationError, Converter, IterableValidationError, IterableValidationNote
from cattrs.gen import make_dict_structure_fn, override
from immutabledict import immutabledict

import talos_resources.resources  # noqa: F401 - registers the typed kinds
from talos_resources.codec.fields import BOUNDS, FieldInfo, Shape, cached, fields_of, inlined
from talos_resources.codec.freezing import frozen
from talos_resources.codec.goyaml.emit import dump
from talos_resources.codec.timetext import TimeText
from talos_resources.model.duration import Duration
from talos_resources.model.errors import DecodeError
from talos_resources.model.kind import typed_kind
from talos_resources.model.metadata import Metadata, Phase
from talos_resources.model.net import AddrPort, IPPrefix, parse_address
from talos_resources.model.resource import Resource
from talos_resources.model.spec import Form, Unknown, UntypedSpec
from talos_resources.model.timestamp import Timestamp
from talos_resources.model.values import Expression, HardwareAddress

S = TypeVar("S")

_INVALID_PREFIX: Final = "invalid Prefix"


class _FaultError(ValueError):
    """A value that its field cannot take; the text must not show a secret."""


def structure(cls: type[S], value: Any, *, path: str) -> S:
    """Reads a spec; see `codec.plain.spec_from_plain`."""
    if cls is UntypedSpec:
        return cast("S", _untyped(value))
    try:
        return cast("S", _reader(cls)(value))
    except (ClassValidationError, _FaultError) as error:
        raise _decode_error(_faults(error, path)) from None


def structure_resource(value: Any, *, source: str) -> Resource[Any]:
    """Reads a resource; see `codec.plain.resource_from_plain`."""
    faults: list[tuple[str, str]] = []
    if not isinstance(value, Mapping):
        raise DecodeError(f"expected a resource, got {_named(value)}", source=source)
    faults += [(str(key), "unknown key") for key in value if key not in {"node", "event", "metadata", "spec"}]
    metadata = spec = None
    try:
        metadata = _metadata(value.get("metadata"))
        kind = typed_kind(metadata.type)
        given = value.get("spec")
        spec = given if isinstance(given, UntypedSpec) else structure(UntypedSpec if kind is None else kind.spec, given, path="spec")
    except DecodeError as error:
        faults += error.faults
    if faults or metadata is None:
        raise _decode_error(faults, source=source)
    return Resource(metadata, spec)


def _decode_error(faults: list[tuple[str, str]], *, source: str = "") -> DecodeError:
    path, text = faults[0]
    return DecodeError(text, path=path, source=source, faults=faults)


def _untyped(value: Any) -> UntypedSpec:
    if value is None:
        return UntypedSpec()
    try:
        return UntypedSpec(yaml=dump(value))
    except TypeError as error:
        raise DecodeError(str(error), path="spec") from None


# --- metadata ---------------------------------------------------------------------------------------


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
    except (ClassValidationError, _FaultError) as error:
        faults = _faults(error, "metadata")
        raise _decode_error(faults) from None
    return Metadata(**{field.name: getattr(header, field.name) for field in attrs.fields(_Header)})


def _version(value: Any, _: Any = None) -> int:
    if value == "undefined":
        return 0
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 20:
        value = int(value)
    if type(value) is not int or not 0 <= value < 2**64:
        raise _FaultError(f"expected a version number, got {_shown(value)}")
    return value


def _nullable_text(value: Any, _: Any = None) -> str:
    return "" if value is None else _text(value)


def _labels(value: Any, _: Any = None) -> immutabledict[str, str]:
    if value is None:
        return immutabledict()
    if not isinstance(value, Mapping):
        raise _FaultError(f"expected a mapping, got {_named(value)}")
    errors: list[Exception] = []
    for key, item in value.items():
        try:
            _text(key)
            _text(item)
        except _FaultError as error:
            error.add_note(IterableValidationNote("label", str(key), str))
            errors.append(error)
    if errors:
        raise IterableValidationError("labels", errors, immutabledict)
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
        finalizers=override(struct_hook=functools.partial(_list, _text)),
        _cattrs_forbid_extra_keys=True,
    )
    return lambda value, _: read(_mapping(value), _Header)


# --- values -----------------------------------------------------------------------------------------


def _named(value: Any) -> str:
    """What a value is, without showing it."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "a boolean"
        case int():
            return "an integer"
        case float():
            return "a number"
        case TimeText():
            return "a time"
        case str():
            return "a text"
        case Mapping():
            return "a mapping"
        case list() | tuple():
            return "a list"
        case _:
            return f"a {type(value).__name__}"


def _shown(value: Any) -> str:
    """What a value is, with short ones shown."""
    return f"{_named(value)} ({value!r:.60})" if isinstance(value, (str, int, float)) else _named(value)


def _text(value: Any, _: Any = None) -> str:
    if not isinstance(value, str) or isinstance(value, TimeText):
        raise _FaultError(f"expected a text, got {_named(value)}; quote it if it is one")
    return str(value)


def _flag(value: Any, _: Any = None) -> bool:
    if not isinstance(value, bool):
        raise _FaultError(f"expected true or false, got {_shown(value)}")
    return value


def _number(bounds: range, value: Any, _: Any = None) -> int:
    if type(value) is not int:
        raise _FaultError(f"expected an integer, got {_shown(value)}")
    if value not in bounds:
        raise _FaultError(f"{value} is not from {bounds.start} to {bounds.stop - 1}")
    return value


def _bytes(value: Any, _: Any = None) -> bytes:
    if value is None:
        return b""
    if not isinstance(value, (list, tuple)) or not all(type(byte) is int and 0 <= byte < 256 for byte in value):
        raise _FaultError(f"expected a list of bytes (integers from 0 to 255), got {_named(value)}")
    return bytes(value)


def _time(value: Any, _: Any = None) -> Timestamp:
    if not isinstance(value, str):
        raise _FaultError(f"expected a time, got {_shown(value)}")
    return Timestamp.parse(value)


def _prefix(text: str) -> IPPrefix:
    # What Talos prints for a length that does not fit; which address it had is not told.
    return IPPrefix(ipaddress.IPv6Address(0), None) if text == _INVALID_PREFIX else IPPrefix.parse(text)


def _parsed(parse: Callable[[str], Any], what: str, value: Any, _: Any = None) -> Any:
    """A network value; empty text and null are None."""
    if value is None or (isinstance(value, str) and not value):
        return None
    if not isinstance(value, str):
        raise _FaultError(f"expected {what}, got {_shown(value)}")
    return parse(value)


def _member(cls: type[Enum], value: Any, _: Any = None) -> Enum:
    if isinstance(value, str):
        try:
            return cls(value)
        except ValueError:
            pass
    allowed = ", ".join(repr(member.value) for member in cls)
    raise _FaultError(f"expected one of {allowed}, got {_shown(value)}")


def _float(value: Any, _: Any = None) -> float:
    if type(value) not in {int, float}:
        raise _FaultError(f"expected a number, got {_shown(value)}")
    return float(value)


def _typed_text(parse: Callable[[str], Any], what: str, value: Any, _: Any = None) -> Any:
    """A value with a text of its own; empty text is its empty value."""
    if not isinstance(value, str):
        raise _FaultError(f"expected {what}, got {_shown(value)}")
    return parse(value)


def _free(value: Any, _: Any = None) -> Any:
    if value is None:
        return immutabledict()
    if not isinstance(value, Mapping):
        raise _FaultError(f"expected a mapping, got {_shown(value)}")
    return frozen(value)


def _url(value: Any, _: Any = None) -> Any:
    from talos_resources.codec.urls import url_from_plain

    return url_from_plain(value)


def _base64(value: Any, _: Any = None) -> bytes:
    if value is None:
        return b""
    try:
        return binascii.a2b_base64(_text(value), strict_mode=True)
    except ValueError:
        raise _FaultError("expected base64") from None


def _text_bytes(value: Any, _: Any = None) -> bytes:
    return value.encode() if isinstance(value, str) else _bytes(value)


def _entries(item: Callable[[Any], Any], value: Any, _: Any = None) -> Any:
    if value is None:
        return immutabledict()
    made, errors = {}, []
    for key, entry in _mapping(value).items():
        try:
            made[_text(key)] = item(entry)
        except (ValueError, ClassValidationError) as error:
            error.add_note(IterableValidationNote("entry", str(key), str))
            errors.append(error)
    if errors:
        raise IterableValidationError("entries", errors, immutabledict)
    return immutabledict(made)


def _list(item: Callable[[Any], Any], value: Any, _: Any = None) -> tuple[Any, ...]:
    if value is None:
        return ()
    if not isinstance(value, (list, tuple)):
        raise _FaultError(f"expected a list, got {_shown(value)}")
    made, errors = [], []
    for index, entry in enumerate(value):
        try:
            made.append(item(entry))
        except (ValueError, ClassValidationError) as error:
            error.add_note(IterableValidationNote("item", index, tuple))
            errors.append(error)
    if errors:
        raise IterableValidationError("items", errors, tuple)
    return tuple(made)


def _mapping(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _FaultError(f"expected a mapping, got {_shown(value)}")
    return value


# --- classes ----------------------------------------------------------------------------------------


@functools.cache
def _converter() -> Converter:
    converter = Converter(detailed_validation=True)
    converter.register_structure_hook(str, _text)
    converter.register_structure_hook(Timestamp, _time)
    converter.register_structure_hook(Phase, functools.partial(_member, Phase))
    converter.register_structure_hook(_Header, _header_reader(converter))
    return converter


@cached
def _reader(cls: type[Any]) -> Callable[[Any], Any]:
    """The function that reads an instance of a spec class from a mapping, or what stands for one that is all inlined."""
    infos = fields_of(cls)
    if inlined(cls):
        (only,) = infos
        hook = _hook(only)
        return lambda value: cls(**{only.name: hook(value)})
    inner = tuple(info for info in infos if not info.key)
    known = frozenset(info.key for info in infos)
    renames = {info.name: override(rename=info.key, struct_hook=_hook(info)) for info in infos if info.key}
    omitted = {info.name: override(omit=True) for info in inner}
    read = make_dict_structure_fn(cls, _converter(), unknown=override(omit=True), **renames, **omitted)  # type: ignore[arg-type]  # the names come from the class

    def structured(value: Any) -> Any:
        made = read(_mapping(value), cls)
        rest = value.keys() - known
        for info in inner:  # its keys stand among the others
            own = {key: value[key] for key in rest if key in _keys(info.cls)}
            made = attrs.evolve(made, **{info.name: _hook(info)(own)})
            rest -= own.keys()
        if rest:
            extra = tuple((_text(key), frozen(item)) for key, item in value.items() if key in rest)
            made = attrs.evolve(made, unknown=Unknown(fields=extra))
        return made

    return structured


def _keys(cls: type[Any]) -> frozenset[str]:
    return frozenset(info.key for info in fields_of(cls))


def _hook(info: FieldInfo) -> Callable[..., Any]:
    one = _item_hook(info)
    if info.repeated:
        one = functools.partial(_list, one)
    elif info.mapping:
        one = functools.partial(_entries, one)
    elif info.optional and info.shape not in _EMPTY_TEXTS:
        value_of = one
        one = lambda value, _=None: None if value is None else value_of(value)  # noqa: E731
    return functools.partial(_discreet, one) if info.secret else one


# Shapes of which an empty text stands for none.
_EMPTY_TEXTS: Final = frozenset({"address", "prefix", "addrport"})


def _item_hook(info: FieldInfo) -> Callable[..., Any]:
    match info.shape:
        case "number":
            return functools.partial(_number, BOUNDS[info.width])
        case "bytes":
            return _BYTES_OF.get(info.form, _bytes)
        case "enum":
            return functools.partial(_member, info.cls)
        case "flags":
            return functools.partial(_typed_text, info.cls.parse, "names joined by commas")
        case "message":
            read = _reader(info.cls)
            return lambda value, _=None: read(value)
        case shape:
            return _HOOKS[shape]


_BYTES_OF: Final[dict[Form | None, Callable[..., Any]]] = {"base64": _base64, "text": _text_bytes}
_HOOKS: Final[dict[Shape, Callable[..., Any]]] = {
    "text": _text,
    "flag": _flag,
    "float": _float,
    "time": _time,
    "address": functools.partial(_parsed, parse_address, "an IP address"),
    "prefix": functools.partial(_parsed, _prefix, "an address with a prefix length"),
    "addrport": functools.partial(_parsed, AddrPort.parse, "an IP address and port"),
    "duration": functools.partial(_typed_text, Duration.parse, "a duration such as 1m30s"),
    "hardware": functools.partial(_typed_text, HardwareAddress.parse, "a hardware address"),
    "expression": functools.partial(_typed_text, Expression, "a CEL expression"),
    "url": _url,
    "free": _free,
}


def _discreet(hook: Callable[..., Any], value: Any, _: Any = None) -> Any:
    """Reads a secret: a fault does not show it."""
    try:
        return hook(value)
    except (ValueError, ExceptionGroup):
        raise _FaultError(f"{_named(value)} cannot be this secret") from None


# --- faults -----------------------------------------------------------------------------------------


def _faults(error: BaseException, path: str) -> list[tuple[str, str]]:
    """What went wrong and where, in the order of the fields."""
    if isinstance(error, (ClassValidationError, IterableValidationError)):
        return [fault for inner in error.exceptions for fault in _faults(inner, _inner_path(error, inner, path))]
    if isinstance(error, KeyError):
        return [(path, "is missing")]
    extra = getattr(error, "extra_fields", None)
    if extra:
        return [(f"{path}.{key}".lstrip("."), "unknown key") for key in sorted(map(str, extra))]
    return [(path, str(error))]


def _inner_path(outer: BaseException, inner: BaseException, path: str) -> str:
    for note in getattr(inner, "__notes__", ()):
        if isinstance(note, IterableValidationNote):
            return f"{path}[{note.index}]" if isinstance(note.index, int) else f"{path}.{note.index}"
        if isinstance(note, AttributeValidationNote):
            cls = outer.cl if isinstance(outer, ClassValidationError) else None
            return f"{path}.{_key(cls, note.name)}".lstrip(".")
    return path


def _key(cls: Any, name: str) -> str:
    """The key of an attribute in YAML and JSON."""
    if cls is None or cls is _Header:
        return name
    return next((info.key for info in fields_of(cls) if info.name == name), name)
