"""Which places of the v1alpha1 document a patch is about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import attrs

from talos_resources.machineconfig.migrate.group import Group
from talos_resources.machineconfig.migrate.run import GROUPS
from talos_resources.machineconfig.patch.deletes import Delete
from talos_resources.machineconfig.patch.load import Patch
from talos_resources.machineconfig.patch.rfc6902 import JsonPatch, Steps
from talos_resources.machineconfig.schema.table import MAIN, document_type
from talos_resources.machineconfig.schema.types import ListOf, Scalar, Struct, Type
from talos_resources.releases import Release


@attrs.frozen
class Wish:
    """A place that a patch is about.

    Attributes:
        path: as the patch names it, dotted.
        leaves: what it sets there: the paths of all single values, or the path itself.
        is_removal: it takes away.
    """

    path: str
    leaves: tuple[str, ...]
    is_removal: bool = False

    def is_about(self, sections: Iterable[str]) -> bool:
        """Whether it is about one of these sections, or something in or above one."""
        return any(overlap(leaf, section) for leaf in self.leaves for section in sections)


def overlap(one: str, other: str) -> bool:
    """Whether one of two paths is the other, or leads into it."""
    return not one or f"{one}.".startswith(f"{other}.") or f"{other}.".startswith(f"{one}.")


def wishes_of(patch: Patch) -> tuple[Wish, ...]:
    """The places, in the order of the patch."""
    found = _json(patch) if isinstance(patch, JsonPatch) else _strategic(patch.steps)
    return tuple(dict.fromkeys(found))


def _json(patch: JsonPatch) -> Iterator[Wish]:
    for operation in patch.operations:
        if operation.get("op") == "test":
            places = JsonPatch(({"path": operation.get("path")},)).places
            yield from (Wish(".".join(steps), (".".join(steps),)) for steps in places)
            continue
        value, is_removal = operation.get("value"), operation.get("op") == "remove"
        for number, steps in enumerate(JsonPatch((operation,)).places):
            path = ".".join(steps)
            leaves = tuple(_leaves(value, path)) if not number and isinstance(value, Mapping) and value else (path,)
            yield Wish(path, leaves, is_removal or bool(number))


def _strategic(steps: Iterable[Any]) -> Iterator[Wish]:
    for step in steps:
        if step.kind != MAIN:
            continue
        paths = [".".join(step.path)] if isinstance(step, Delete) else [path for path in _leaves(step.fields) if "." in path]
        yield from (Wish(path, (path,), isinstance(step, Delete)) for path in paths)


def _leaves(fields: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in fields.items():
        path = f"{prefix}.{key}" if prefix else str(key)
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, path)
        else:
            yield path


def opening(patch: JsonPatch, release: Release, groups: Iterable[Group]) -> JsonPatch:
    """The patch, made to open what its paths lead through.

    A configuration in documents does not have the sections that older ones always had: those of the groups
    are made, and what is above any section that has become a document (`machine.network` is one).
    """
    main = document_type(MAIN, release)
    assert main is not None
    opens: dict[Steps, Any] = {}
    mine = tuple(section for group in groups for section in group.sections)
    above = tuple(section for group in GROUPS for section in group.sections)
    for steps in patch.places:
        for depth in range(1, len(steps)):
            path = ".".join(steps[:depth])
            if any(overlap(path, section) for section in mine) or any(section.startswith(f"{path}.") for section in above):
                empty = _empty(main, steps[:depth])
                if empty is not None:
                    opens[steps[:depth]] = empty
    return attrs.evolve(patch, opens=MappingProxyType(opens))


def _empty(kind: Type | None, steps: Steps) -> Any:
    """An empty collection of the type that steps lead to; None for what is none, and inside of lists."""
    for step in steps:
        if isinstance(kind, Struct):
            field = kind.fields.get(step)
            kind = field.type if field is not None else None
        elif isinstance(kind, ListOf | Scalar) or kind is None:
            return None
        else:
            kind = getattr(kind, "item", kind)
    if kind is None or isinstance(kind, Scalar):
        return None
    return [] if isinstance(kind, ListOf) else {}
