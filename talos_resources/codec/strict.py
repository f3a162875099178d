"""Plain values → classes, strictly: nothing is converted, and every fault is told with its path.

cattrs builds the readers of the classes and collects what goes wrong; what it converts by itself is
replaced here.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar, cast

import attrs
from cattrs import ClassValidationError, Converter
from cattrs.gen import make_dict_structure_fn, override

import talos_resources.resources  # noqa: F401 - registers the typed kinds
from talos_resources.codec import strict_values as values
from talos_resources.codec.fields import FieldInfo, Shape, cached, fields_of, inlined
from talos_resources.codec.goyaml.emit import dump
from talos_resources.codec.strict_faults import faults_of
from talos_resources.codec.strict_values import FaultError, named
from talos_resources.model.duration import Duration
from talos_resources.model.errors import DecodeError
from talos_resources.model.freezing import frozen
from talos_resources.model.metadata import Phase
from talos_resources.model.net import AddrPort, parse_address
from talos_resources.model.spec import BOUNDS, Form, Unknown, UntypedSpec
from talos_resources.model.timestamp import Timestamp
from talos_resources.model.values import Expression, HardwareAddr

S = TypeVar("S")


def structure(cls: type[S], value: Any, *, path: str) -> S:
    """Reads a spec; see `codec.plain.spec_from_plain`."""
    if cls is UntypedSpec:
        return cast("S", _untyped(value))
    try:
        return cast("S", _reader(cls)(value))
    except (ClassValidationError, FaultError) as error:
        raise decode_error(faults_of(error, path)) from None


def decode_error(faults: list[tuple[str, str]], *, source: str = "") -> DecodeError:
    """The error that tells these faults, each with its path."""
    path, text = faults[0]
    return DecodeError(text, path=path, source=source, faults=faults)


def _untyped(value: Any) -> UntypedSpec:
    if value is None:
        return UntypedSpec()
    try:
        return UntypedSpec(yaml=dump(value))
    except TypeError as error:
        raise DecodeError(str(error), path="spec") from None


# --- classes ----------------------------------------------------------------------------------------


@functools.cache
def _converter() -> Converter:
    converter = Converter(detailed_validation=True)
    converter.register_structure_hook(str, values.text)
    converter.register_structure_hook(Timestamp, values.time)
    converter.register_structure_hook(Phase, functools.partial(values.member, Phase))
    return converter


def _order(value: Mapping[str, Any], infos: Sequence[FieldInfo], extra: Mapping[str, Any]) -> tuple[str, ...]:
    """The keys as they came, where unknown ones stand among the known ones and those are in the order of the class.

    JSON is sorted by key, which says nothing of the order in YAML.
    """
    keys = [str(key) for key in value]
    known = [key for key in keys if key not in extra]
    is_ours = known == [info.key for info in infos if info.key in value]
    return tuple(keys) if is_ours and keys[len(known) :] != list(extra) else ()


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
        made = read(values.mapping(value), cls)
        rest = value.keys() - known
        for info in inner:  # its keys stand among the others
            own = {key: value[key] for key in rest if key in _keys(info.cls)}
            made = attrs.evolve(made, **{info.name: _hook(info)(own)})
            rest -= own.keys()
        if rest:
            extra = tuple((values.text(key), frozen(item)) for key, item in value.items() if key in rest)
            made = attrs.evolve(made, unknown=Unknown(fields=extra, order=_order(value, infos, dict(extra))))
        return made

    return structured


def _keys(cls: type[Any]) -> frozenset[str]:
    return frozenset(info.key for info in fields_of(cls))


def _hook(info: FieldInfo) -> Callable[..., Any]:
    one = _item_hook(info)
    if info.repeated:
        one = functools.partial(values.listed, one)
    elif info.mapping:
        one = functools.partial(values.entries, one)
        if info.form == "entries":
            entries = one
            one = lambda value, _=None: entries(values.unquoted(value))  # noqa: E731
    elif info.optional and info.shape not in _EMPTY_TEXTS:
        value_of = one
        one = lambda value, _=None: None if value is None else value_of(value)  # noqa: E731
    return functools.partial(_discreet, one) if info.secret else one


# Shapes of which an empty text stands for none.
_EMPTY_TEXTS: Final = frozenset({"address", "prefix", "addrport"})


def _item_hook(info: FieldInfo) -> Callable[..., Any]:
    match info.shape:
        case "number":
            return functools.partial(values.number, BOUNDS[info.width])
        case "text" if info.form == "yaml":
            return lambda value, _=None: dump(value)
        case "bytes":
            return _BYTES_OF.get(info.form, values.byte_list)
        case "enum":
            return functools.partial(values.member, info.cls)
        case "flags":
            return functools.partial(values.typed_text, info.cls.parse, "names joined by commas")
        case "message":
            read = _reader(info.cls)
            return lambda value, _=None: read(value)
        case shape:
            return _HOOKS[shape]


_BYTES_OF: Final[dict[Form | None, Callable[..., Any]]] = {"base64": values.base64, "text": values.text_bytes}
_HOOKS: Final[dict[Shape, Callable[..., Any]]] = {
    "text": values.text,
    "flag": values.flag,
    "float": values.decimal,
    "time": values.time,
    "address": functools.partial(values.parsed, parse_address, "an IP address"),
    "prefix": functools.partial(values.parsed, values.prefix, "an address with a prefix length"),
    "addrport": functools.partial(values.parsed, AddrPort.parse, "an IP address and port"),
    "duration": functools.partial(values.typed_text, Duration.parse, "a duration such as 1m30s"),
    "hardware": functools.partial(values.typed_text, HardwareAddr.parse, "a hardware address"),
    "expression": functools.partial(values.typed_text, Expression, "a CEL expression"),
    "url": values.url,
    "free": values.free_form,
}


def _discreet(hook: Callable[..., Any], value: Any, _: Any = None) -> Any:
    """Reads a secret: a fault does not show it."""
    try:
        return hook(value)
    except (ValueError, ExceptionGroup):
        raise FaultError(f"{named(value)} cannot be this secret") from None
