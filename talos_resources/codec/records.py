"""Resources, and what happened to them, as flat dictionaries for data frames."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from talos_resources.codec.fields import FieldInfo, cached, fields_of
from talos_resources.codec.plain import spec_to_plain, to_plain
from talos_resources.model.duration import Duration
from talos_resources.model.records import Recorded, finished
from talos_resources.model.resource import Resource
from talos_resources.model.spec import UntypedSpec

Convert = Callable[[Any], Any]


def records(things: Iterable[Resource[Any] | Recorded], *, json: bool = False) -> list[dict[str, Any]]:
    """A plain dictionary for each of some resources, events, versions, changes, findings or links, all by one convention.

    A resource is its id, version and namespace, then the fields of its spec, nested structures as dictionaries. Where the
    spec has a field of such a name, what is the resource's own is called `resource_version` and the like.
    Secrets are left out at any depth: read them from the spec. An untyped spec gives the keys of its YAML.
    `talos_resources.model.records` says what values become.

    Args:
        things: in any order, of any types.
        json: texts in place of times and lengths of time, so that `json.dumps` takes them.

    Raises:
        DecodeError: the YAML of an untyped spec is broken.
        TypeError: one of the things is none of these.
    """
    return [finished(resource_record(thing) if isinstance(thing, Resource) else _own(thing), json=json) for thing in things]


def _own(thing: Recorded) -> dict[str, Any]:
    if not isinstance(thing, Recorded):
        msg = f"{thing!r} has no record; records() takes resources, events, versions, changes, findings and links"
        raise TypeError(msg)
    return thing.to_record()


def resource_record(resource: Resource[Any]) -> dict[str, Any]:
    """One resource, its times and lengths of time as ours."""
    return beside({"id": resource.id, "version": resource.version, "namespace": resource.namespace}, _spec(resource.spec))


def beside(own: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, Any]:
    """What is the resource's own, and the fields of its spec; where both have a name, the field keeps it."""
    return {own_name(name, spec): value for name, value in own.items()} | dict(spec)


def own_name(name: str, spec: Collection[str]) -> str:
    """What the resource's own `version` and the like is called beside such fields of a spec."""
    return f"resource_{name}" if name in spec else name


def record_columns(cls: type[Any]) -> tuple[str, ...]:
    """The names that the record of a resource with such a spec has, in their order; without those of an untyped one."""
    spec = () if issubclass(cls, UntypedSpec) else tuple(_converters(cls))
    return (*(own_name(name, spec) for name in ("id", "version", "namespace")), *spec)


def _spec(spec: Any) -> dict[str, Any]:
    if isinstance(spec, UntypedSpec):
        plain = spec_to_plain(spec)
        return plain if isinstance(plain, dict) else {} if plain is None else {"spec": plain}
    return {name: convert(getattr(spec, name)) for name, convert in _columns(type(spec))}


def event_record(event: str, resource: Resource[Any]) -> dict[str, Any]:
    """What happened to a resource, and the resource as it is since, or was if it is gone."""
    return beside({"event": event, "type": resource.type}, resource_record(resource))


def field_names(spec: Any) -> list[str]:
    """What `field_value` knows of a spec."""
    return list(_spec(spec))


def field_value(spec: Any, field: str) -> Any:
    """One field of a spec as records have it.

    Raises:
        KeyError: the spec has no such field, or it is a secret.
    """
    if isinstance(spec, UntypedSpec):
        return _spec(spec)[field]
    return _converters(type(spec))[field](getattr(spec, field))


def spelled(cls: type[Any], path: str) -> str:
    """A path of YAML keys as records spell it: `kubespan.publicKey` → `kubespan.public_key`; what no class knows stays."""
    key, _, rest = path.partition(".")
    info = next((info for info in fields_of(cls) if info.key == key), None)
    if info is None:
        return path
    if not rest:
        return info.name
    return f"{info.name}.{spelled(info.cls, rest) if info.shape == 'message' and not info.plural else rest}"


@cached
def _columns(cls: type[Any]) -> tuple[tuple[str, Convert], ...]:
    return tuple((info.name, _converter(info)) for info in fields_of(cls) if not info.secret)


@cached
def _converters(cls: type[Any]) -> Mapping[str, Convert]:
    return dict(_columns(cls))


def _converter(info: FieldInfo) -> Convert:
    one = _item(info)
    if info.mapping:
        return lambda values: {key: one(value) for key, value in values.items()}
    if info.repeated:
        return lambda values: [one(value) for value in values or ()]
    return one


def _item(info: FieldInfo) -> Convert:
    if info.shape == "time":
        return lambda moment: moment
    if info.shape == "duration":
        return lambda length: None if length is None else Duration.of(length)
    if info.shape == "message":
        return lambda value: None if value is None else _spec(value)
    if info.shape in {"text", "flag", "number", "float"} and info.form is None:
        return lambda value: value
    convert = to_plain(_single(info)) if info.plural else to_plain(info)
    return lambda value: None if value is None else convert(value)


def _single(info: FieldInfo) -> FieldInfo:
    return info._replace(repeated=False, mapping=False)
