"""What changed in a resource, or between two moments: pure functions of resources."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import attrs

from talos_resources.codec.plain import metadata_to_plain
from talos_resources.codec.shown import shown_spec
from talos_resources.model.resource import Resource

COUNTERS: Final = frozenset({"receiveBytes", "transmitBytes", "lastHandshakeTime"})
"""Fields of peer statuses that change whenever somebody looks."""

_METADATA: Final = ("owner", "phase", "labels", "annotations", "finalizers")


@attrs.frozen
class FieldChange:
    """A field that changed.

    Attributes:
        path: `state`, `endpoints`, `metadata.labels.zone`.
        old: before, as a plain value; None if it was not there.
        new: after.
    """

    path: str
    old: Any
    new: Any

    @property
    def is_counter(self) -> bool:
        """Whether it changes all the time without meaning anything."""
        return self.path in COUNTERS


def field_changes(old: Resource[Any], new: Resource[Any]) -> tuple[FieldChange, ...]:
    """The fields that differ, those of the metadata last; lists count as one field."""
    if old.spec == new.spec and old.metadata == new.metadata:
        return ()
    before, after = (dict(_flat(shown_spec(resource))) for resource in (old, new))
    then, now = (dict(_flat(_metadata(resource), "metadata")) for resource in (old, new))
    return (*_differences(before, after), *_differences(then, now))


@attrs.frozen
class ResourceChange:
    """A resource that came, went or changed between two moments.

    Attributes:
        node: whose it is.
        change: `created`, `destroyed` or `updated`.
        resource: as it is, or was if it is gone.
        fields: what changed.
    """

    node: str
    change: str
    resource: Resource[Any]
    fields: tuple[FieldChange, ...] = ()

    @property
    def is_noise(self) -> bool:
        """Whether nothing but counters changed."""
        return self.change == "updated" and all(field.is_counter for field in self.fields)


def resource_changes(node: str, before: Iterable[Resource[Any]], after: Iterable[Resource[Any]]) -> Iterator[ResourceChange]:
    """What came, went and changed, by type and id."""
    then, now = ({_key(resource): resource for resource in resources} for resources in (before, after))
    for key in sorted(then.keys() | now.keys()):
        old, new = then.get(key), now.get(key)
        if new is None:
            yield ResourceChange(node, "destroyed", then[key])
        elif old is None:
            yield ResourceChange(node, "created", new)
        elif fields := field_changes(old, new):
            yield ResourceChange(node, "updated", new, fields)


def _key(resource: Resource[Any]) -> tuple[str, str, str]:
    return resource.type, resource.namespace, resource.id


def _metadata(resource: Resource[Any]) -> Mapping[str, Any]:
    plain = metadata_to_plain(resource)
    return {key: plain[key] for key in _METADATA if plain.get(key)}


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _flat(item, f"{path}.{key}" if path else str(key))
    else:
        yield path, value


def _differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> Sequence[FieldChange]:
    paths = dict.fromkeys((*new, *old))
    return [FieldChange(path, old.get(path), new.get(path)) for path in paths if old.get(path) != new.get(path)]
