"""Strategic merge: one document's fields over another's, by the rules of the field table.

Nothing is changed in place: the result shares what neither side changes.

Source: Talos v1.12.3 and v1.14.0-rc.1, configuration merge (by Go reflection); observed on talosctl.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from talos_resources.codec.timetext import TimeText
from talos_resources.machineconfig.document import Document
from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.machineconfig.encode import is_zero
from talos_resources.machineconfig.schema import urls
from talos_resources.machineconfig.schema.types import ArgValue, FreeForm, ListOf, MapOf, Scalar, Struct, Type
from talos_resources.model.errors import ConfigError

_URLS: Final = {"v1alpha1.Endpoint", "meta.URL"}


def merge_document(config: MachineConfig, document: Document) -> MachineConfig:
    """Merges a document of a patch into the one with its kind and name, or appends it.

    Raises:
        ConfigError: free-form values of different types meet, or the documents then claim one thing twice.
    """
    old = config.find(*document.key)
    if old is None:
        return config.with_document(document)
    try:
        merged = merge(document.type, old.fields, document.fields)
    except _MismatchError as error:
        raise ConfigError(f"cannot patch {document}: {'.'.join(error.path)}: {error}", path=".".join(error.path)) from None
    return config.with_document(old.with_fields(merged))


def check_dates(config: MachineConfig) -> None:
    """Refuses dates in free-form parts: Talos v1.14 breaks off when it copies such a document.

    Raises:
        ConfigError: says where.
    """
    for document in config.documents:
        path = _date_in(document.fields)
        if path is not None:
            where = ".".join(path).replace(".[", "[")
            raise ConfigError(f"{document}: {where}: Talos cannot copy a date; put it in quotes", path=where)


def _date_in(value: Any) -> list[str] | None:
    """The path to a date somewhere below; None if there is none."""
    if isinstance(value, TimeText):
        return []
    below = (
        value.items()
        if isinstance(value, Mapping)
        else ((f"[{i}]", item) for i, item in enumerate(value))
        if isinstance(value, list)
        else ()
    )
    for key, item in below:
        path = _date_in(item)
        if path is not None:
            return [str(key), *path]
    return None


class _MismatchError(Exception):
    """Two free-form values of different types; `path` grows on the way up."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.path: list[str] = []


def merge(kind: Type, left: Any, right: Any) -> Any:
    """The left value with the right one merged into it; None stands for an absent one.

    - a text or a number that is empty or zero does not override; a boolean always does;
    - lists are appended, and merged by identity where the table names merge keys;
    - maps and structs are merged key by key;
    - the value of an argument is replaced as a whole.
    """
    if right is None:
        return left
    if left is None:
        return right
    match kind:
        case Struct():
            return right if kind.atomic else _struct(kind, left, right)
        case ListOf():
            return _list(kind, left, right)
        case MapOf():
            return _map(kind, left, right)
        case FreeForm():
            return _free(left, right)
        case ArgValue():
            return right
        case Scalar():
            return _atom(kind, left, right)


def _struct(kind: Struct, left: Mapping[str, Any], right: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(left)
    for key, value in right.items():
        field = kind.fields[key]
        if field.pointer and isinstance(field.type, Scalar) and field.type.name not in _URLS:
            merged[key] = value  # what is set through a pointer counts even when it is false or 0
        elif field.replace:
            merged[key] = value if isinstance(field.type, ListOf) or not is_zero(field.type, value) else left.get(key)
        else:
            merged[key] = _below(key, field.type, left.get(key), value)
    return {key: value for key, value in merged.items() if value is not None}


def _below(key: str, kind: Type, left: Any, right: Any) -> Any:
    try:
        return merge(kind, left, right)
    except _MismatchError as error:
        error.path.insert(0, key)
        raise


def _list(kind: ListOf, left: list[Any], right: list[Any]) -> list[Any]:
    if not kind.merge_keys:
        return [*left, *right]
    merged = list(left)
    for item in right:
        position = _position(kind.merge_keys, merged, item)
        if position is None:
            merged.append(item)
        else:
            merged[position] = item if kind.items_replaced else merge(kind.item, merged[position], item)
    return merged


def _position(keys: tuple[str, ...], items: list[Any], wanted: Any) -> int | None:
    """Where the item with the same identity is: that of the first key that the wanted item has."""
    if wanted is None:
        return None
    key = next((key for key in keys if wanted.get(key)), None)
    if key is None:
        return None
    return next((i for i, item in enumerate(items) if item is not None and item.get(key) == wanted[key]), None)


def _map(kind: MapOf, left: Mapping[str, Any], right: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(left)
    for key, value in right.items():
        merged[key] = _below(key, kind.item, left[key], value) if left.get(key) is not None else value
    return merged


def _atom(kind: Scalar, left: Any, right: Any) -> Any:
    if kind.name in _URLS:
        return urls.merge(left, right)
    if isinstance(right, bool) or kind.name == "v1alpha1.Base64Bytes":
        return right
    return left if is_zero(kind, right) else right


def _free(left: Any, right: Any) -> Any:
    """Free-form values: mappings merge, lists append, scalars override unless empty or zero."""
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        merged = dict(left)
        for key, value in right.items():
            merged[key] = _free_below(str(key), left[key], value) if left.get(key) is not None else value
        return merged
    if right is None:  # Talos itself breaks off here
        raise _MismatchError("null cannot stand for what is there; to take it away write $patch: delete")
    if type(left) is not type(right):
        raise _MismatchError(f"a {_named(left)} cannot be merged with a {_named(right)}")
    if isinstance(left, list):
        return [*left, *right]
    return right if right or isinstance(right, bool) else left


def _free_below(key: str, left: Any, right: Any) -> Any:
    try:
        return _free(left, right)
    except _MismatchError as error:
        error.path.insert(0, key)
        raise


def _named(value: Any) -> str:
    return {dict: "mapping", list: "list", str: "text", bool: "boolean", int: "number", float: "number with a fraction"}.get(
        type(value), type(value).__name__
    )
