"""Resources and specs ↔ plain values: dict, list, str, int, bool, as YAML and JSON show them."""

from __future__ import annotations

import binascii
import operator
from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any, Final, TypeVar

from talos_resources.codec.fields import FieldInfo, Shape, cached, fields_of, inlined
from talos_resources.codec.goyaml.keys import natural_key
from talos_resources.codec.value_text import address_text, addrport_text, prefix_text, time_text
from talos_resources.model.freezing import thawed
from talos_resources.model.resource import Resource
from talos_resources.model.spec import Form, Unknown, UntypedSpec
from talos_resources.model.timestamp import Timestamp
from talos_resources.model.values import URL

S = TypeVar("S")

Plain = Callable[[Any], Any]


def _same(value: Any) -> Any:
    return value


def sorted_keys(value: Any) -> Any:
    """A free-form value as dictionaries and lists, keys in the order in which Go prints those of a map."""
    if isinstance(value, Mapping):
        return {key: sorted_keys(value[key]) for key in sorted(value, key=natural_key)}
    return [sorted_keys(item) for item in value] if isinstance(value, (list, tuple)) else value


def _url(value: URL | None) -> Any:
    # Few resources have one, and the standard library's parser takes its time to load.
    from talos_resources.codec.urls import url_to_plain

    return url_to_plain(value)


_PLAIN: Final[dict[Shape, Plain]] = {
    "text": _same,
    "flag": _same,
    "number": _same,
    "bytes": list,
    "address": address_text,
    "prefix": prefix_text,
    "addrport": addrport_text,
    "time": time_text,
    "enum": str,
    "float": _same,
    "duration": str,
    "flags": str,
    "url": _url,
    "hardware": str,
    "expression": str,
    "free": sorted_keys,
}


def _text_or_bytes(value: bytes) -> Any:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return list(value)


def _loaded(text: str) -> Any:
    from talos_resources.codec.goyaml.read import load

    return load(text, source="spec")


_FORMS: Final[dict[Form, Plain]] = {
    "base64": lambda value: binascii.b2a_base64(value, newline=False).decode(),
    "text": _text_or_bytes,
}


def spec_to_plain(spec: Any) -> Any:
    """A spec with the keys and values that talosctl prints, in its order.

    Times are `TimeText`. Fields that the class does not know are where they were. An untyped spec
    is read from its YAML; without any it is None.

    Raises:
        DecodeError: the YAML of an untyped spec is broken.
        TypeError: the class is no spec class.
    """
    if isinstance(spec, UntypedSpec):
        from talos_resources.codec.goyaml.read import load

        return load(spec.yaml, source="spec")
    return _encoder(type(spec))(spec)


@cached
def _encoder(cls: type[Any]) -> Callable[[Any], Any]:
    """The function that turns an instance of the class into a plain dictionary, or, if all of it is inlined, a plain value."""
    infos = fields_of(cls)
    # Two more names than there may be fields: attrgetter gives a tuple for several names only.
    values_of = attrgetter(*(info.name for info in infos), "unknown", "unknown")
    steps = tuple((info.key, to_plain(info), left_out(info)) for info in infos)
    if inlined(cls):
        name, item = infos[0].name, steps[0][1]
        return lambda spec: item(getattr(spec, name))

    def encode(spec: Any) -> dict[str, Any]:
        values = values_of(spec)
        plain: dict[str, Any] = {}
        for (key, item, empty), value in zip(steps, values, strict=False):
            if empty is not None and empty(value):
                continue
            if key:
                plain[key] = item(value)
            else:
                plain.update(item(value))
        unknown: Unknown | None = values[-1]
        if unknown is not None:
            plain.update((key, thawed(value)) for key, value in unknown.fields)
            if unknown.order:
                plain = {key: plain[key] for key in unknown.order if key in plain} | plain
        return plain

    return encode


# Go takes a struct without public fields for an empty one, whatever is in it.
_NEVER_SHOWN: Final = frozenset({"address", "prefix", "addrport"})


def left_out(info: FieldInfo) -> Callable[[Any], bool] | None:
    """What tells the values of a field that YAML and JSON do not show; None where they show all.

    Go's omitempty: nothing, zero, an empty list, a struct without anything in it; a pointer to zero is shown.
    """
    if not info.omit_empty:
        return None
    if info.omit_blank:
        blank = info.cls()
        return lambda value: value is None or value == blank
    if info.plural:
        return operator.not_
    if info.shape in _NEVER_SHOWN:
        return lambda _: True
    if info.optional:
        return lambda value: value is None
    if info.shape == "time":
        return lambda value: value == Timestamp.ZERO
    if info.shape == "enum":
        return lambda value: value.number == 0
    return operator.not_


def to_plain(info: FieldInfo) -> Plain:
    """The function that turns a value of a field into a plain one."""
    one = _item_to_plain(info)
    if info.mapping:
        ordered = info.form == "entries"
        return lambda values: {key: one(values[key]) for key in (values if ordered else sorted(values, key=natural_key))}
    if info.repeated:
        return lambda values: [one(value) for value in values or ()]
    return one


def _item_to_plain(info: FieldInfo) -> Plain:
    if info.shape == "message":
        return (lambda value: None if value is None else spec_to_plain(value)) if info.optional and not info.repeated else spec_to_plain
    if info.shape == "bytes" and info.form in _FORMS:
        return _FORMS[info.form]
    if info.form == "yaml":
        return _loaded
    if info.shape == "enum" and info.optional:
        return lambda value: None if value is None else str(value)
    return _PLAIN[info.shape]


def metadata_to_plain(resource: Resource[Any]) -> dict[str, Any]:
    """The metadata with talosctl's keys in its order; times in whole seconds, no owner is None."""
    metadata = resource.metadata
    plain: dict[str, Any] = {
        "namespace": metadata.namespace,
        "type": metadata.type,
        "id": metadata.id,
        "version": metadata.version or "undefined",
        "owner": metadata.owner or None,
        "phase": str(metadata.phase),
        "created": time_text(metadata.created, whole_seconds=True),
        "updated": time_text(metadata.updated, whole_seconds=True),
    }
    if metadata.labels:
        plain["labels"] = dict(sorted(metadata.labels.items()))
    if metadata.annotations:
        plain["annotations"] = dict(sorted(metadata.annotations.items()))
    if metadata.finalizers:
        plain["finalizers"] = list(metadata.finalizers)
    return plain


def resource_to_plain(resource: Resource[Any]) -> dict[str, Any]:
    """A resource as `{"metadata": …, "spec": …}`.

    Raises:
        DecodeError: the YAML of an untyped spec is broken.
    """
    return {"metadata": metadata_to_plain(resource), "spec": spec_to_plain(resource.spec)}


def spec_from_plain(cls: type[S], value: Any, *, path: str = "") -> S:
    """Reads a spec strictly: each value must have the type that the field has.

    Args:
        cls: a spec class.
        value: what YAML or JSON gave.
        path: of the spec within its document, for errors.

    Raises:
        DecodeError: with every fault and its path.
    """
    from talos_resources.codec.strict import structure

    return structure(cls, value, path=path)


def resource_from_plain(value: Any, *, source: str = "") -> Resource[Any]:
    """Reads `{"metadata": …, "spec": …}`; the keys `node` and `event` of talosctl's output are ignored.

    The spec becomes an instance of the class of its type, where there is one: of the types of KubeSpan and
    discovery now, of others when it is looked at. Else it is an `UntypedSpec`.

    Args:
        value: what YAML or JSON gave. In place of the spec there may be an `UntypedSpec` already.
        source: a file name for errors.

    Raises:
        DecodeError: with every fault and its path.
    """
    from talos_resources.codec.strict_resource import structure_resource

    return structure_resource(value, source=source)
