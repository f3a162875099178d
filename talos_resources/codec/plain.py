"""Resources and specs ↔ plain values: dict, list, str, int, bool, as YAML and JSON show them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any, Final, TypeVar

from immutabledict import immutabledict

from talos_resources.codec.fields import FieldInfo, Shape, cached, fields_of
from talos_resources.codec.value_text import address_text, addrport_text, prefix_text, time_text
from talos_resources.model.resource import Resource
from talos_resources.model.spec import Unknown, UntypedSpec

S = TypeVar("S")

Plain = Callable[[Any], Any]


def _same(value: Any) -> Any:
    return value


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
}


def spec_to_plain(spec: Any) -> Any:
    """A spec with the keys and values that talosctl prints, in its order.

    Times are `TimeText`. Fields that the class does not know come last, as they were. An untyped spec
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
def _encoder(cls: type[Any]) -> Callable[[Any], dict[str, Any]]:
    """The function that turns an instance of the class into a plain dictionary."""
    infos = fields_of(cls)
    # One more name than there are fields: attrgetter gives a tuple for several names only.
    values_of = attrgetter(*(info.name for info in infos), "unknown")
    steps = tuple((info.key, to_plain(info), info.omit_empty) for info in infos)
    structs = frozenset(info.key for info in infos if info.omit_blank)

    def encode(spec: Any) -> dict[str, Any]:
        values = values_of(spec)
        plain = {}
        for (key, item, omit_empty), value in zip(steps, values, strict=False):
            if omit_empty and (not value or (key in structs and value == type(value)())):
                continue
            plain[key] = item(value)
        unknown: Unknown | None = values[-1]
        if unknown is not None:
            plain.update((key, thawed(value)) for key, value in unknown.fields)
        return plain

    return encode


def to_plain(info: FieldInfo) -> Plain:
    """The function that turns a value of a field into a plain one."""
    one = spec_to_plain if info.shape == "message" else _PLAIN[info.shape]
    if not info.repeated:
        return one
    return lambda values: [one(value) for value in values or ()]


def thawed(value: Any) -> Any:
    """A frozen plain value as dictionaries and lists."""
    if isinstance(value, Mapping):
        return {key: thawed(item) for key, item in value.items()}
    return [thawed(item) for item in value] if isinstance(value, tuple) else value


def frozen(value: Any) -> Any:
    """A plain value without anything that can change."""
    if isinstance(value, Mapping):
        return immutabledict({key: frozen(item) for key, item in value.items()})
    return tuple(frozen(item) for item in value) if isinstance(value, (list, tuple)) else value


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

    The spec becomes an instance of the class of its type, where there is one, else an `UntypedSpec`.

    Args:
        value: what YAML or JSON gave. In place of the spec there may be an `UntypedSpec` already.
        source: a file name for errors.

    Raises:
        DecodeError: with every fault and its path.
    """
    from talos_resources.codec.strict import structure_resource

    return structure_resource(value, source=source)
