"""Resources of the demo as a store holds them: with versions, owners and times."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

from talos_resources.model.kind import kind_of
from talos_resources.model.metadata import NO_LABELS, Labels, Metadata
from talos_resources.model.resource import Resource
from talos_resources.model.timestamp import Timestamp

S = TypeVar("S")

Made = Iterator[Resource[Any]]
"""What a function that makes the resources of a type gives."""


def stored(
    spec: S,
    id: str,
    *,
    created: Timestamp,
    owner: str = "",
    version: int = 1,
    updated: Timestamp | None = None,
    annotations: Labels = NO_LABELS,
) -> Resource[S]:
    """A resource in the namespace of its type.

    Args:
        spec: of a class that has a type.
        id: of the resource.
        created: when it was made.
        owner: the controller that made it.
        version: how often it was written.
        updated: the last time; None for never since it was made.
        annotations: of the resource.
    """
    kind = kind_of(type(spec))
    return Resource(
        Metadata(
            namespace=kind.namespace,
            type=kind.type,
            id=id,
            version=version,
            owner=owner,
            annotations=annotations,
            created=created,
            updated=created if updated is None else updated,
        ),
        spec,
    )
