"""Resources as flat dictionaries for data frames."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from talos_resources.codec.fields import FieldInfo, cached, fields_of
from talos_resources.codec.plain import spec_to_plain, to_plain
from talos_resources.model.resource import Resource
from talos_resources.model.spec import UntypedSpec


def records(resources: Iterable[Resource[Any]]) -> list[dict[str, Any]]:
    """One dictionary per resource: id, version, namespace, then the fields of the spec.

    Fields have Python's spelling. Addresses and enums are text, times are aware datetimes in UTC
    (microseconds; None where there was no such moment), lists are lists, messages are dictionaries as
    in YAML. Secrets are left out: read them from the spec. An untyped spec gives the keys of its YAML.

    Raises:
        DecodeError: the YAML of an untyped spec is broken.
    """
    return [
        {"id": resource.id, "version": resource.version, "namespace": resource.namespace, **_spec(resource.spec)} for resource in resources
    ]


def _spec(spec: Any) -> dict[str, Any]:
    if isinstance(spec, UntypedSpec):
        plain = spec_to_plain(spec)
        return plain if isinstance(plain, dict) else {} if plain is None else {"spec": plain}
    return {name: convert(getattr(spec, name)) for name, convert in _columns(type(spec))}


@cached
def _columns(cls: type[Any]) -> tuple[tuple[str, Callable[[Any], Any]], ...]:
    return tuple((info.name, _converter(info)) for info in fields_of(cls) if not info.secret)


def _converter(info: FieldInfo) -> Callable[[Any], Any]:
    if info.shape == "time":
        return lambda moment: None if moment.is_zero else moment.to_datetime()
    convert = to_plain(info)
    if info.repeated or info.shape not in {"address", "prefix", "addrport", "message"}:
        return convert
    return lambda value: None if value is None else convert(value)
