"""What an older release does not know of a document that it does know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from talos_resources.machineconfig.schema.table import document_type
from talos_resources.machineconfig.schema.types import ListOf, MapOf, Scalar, Struct, Type
from talos_resources.releases import Release


def cut_unknown(kind: str, fields: dict[str, Any], release: Release) -> Iterator[str]:
    """Takes out of a document what the field table of a release does not have; gives the path of each.

    Args:
        kind: of the document, one that the release knows.
        fields: changed in place.
        release: whose table counts.
    """
    found = document_type(kind, release)
    if found is not None:
        yield from _cut(found, fields, "")


def _cut(kind: Type, value: Any, path: str) -> Iterator[str]:
    match kind, value:
        case Struct(), dict():
            for key in list(value):
                inner = f"{path}.{key}" if path else key
                field = kind.fields.get(key)
                if field is None or _is_list_for_text(field.type, value[key]):
                    del value[key]
                    yield inner
                else:
                    yield from _cut(field.type, value[key], inner)
        case ListOf(), list():
            for index, item in enumerate(value):
                yield from _cut(kind.item, item, f"{path}[{index}]")
        case MapOf(), dict():
            for key in list(value):
                if _is_list_for_text(kind.item, value[key]):
                    del value[key]
                    yield f"{path}.{key}"
                else:
                    yield from _cut(kind.item, value[key], f"{path}.{key}")
        case _:
            pass


def _is_list_for_text(kind: Type, value: Any) -> bool:
    """Whether there are several values where the release takes one, as for arguments before v1.13."""
    return isinstance(kind, Scalar) and isinstance(value, list | Mapping)
