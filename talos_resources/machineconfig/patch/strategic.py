"""Strategic merge: one document's fields over another's, by the rules of the field table.

Nothing is changed in place: the result shares what neither side changes.

Source: Talos v1.12.3 and v1.14.0-rc.1, configuration merge (by Go reflection); observed on talosctl.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from talos_resources.codec.timetext import TimeText
from talos_resources.machineconfig.document import Document
from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.machineconfig.encode import is_zero
from talos_resources.machineconfig.patch import losses
from talos_resources.machineconfig.schema import urls
from talos_resources.machineconfig.schema.scalars import SCALARS
from talos_resources.machineconfig.schema.types import ArgValue, FreeForm, ListOf, MapOf, Scalar, Struct, Type
from talos_resources.model.errors import ConfigError

_URLS: Final = {"v1alpha1.Endpoint", "meta.URL"}
_SHARED: Final = "baseRuntimeSpecOverrides"
"""A free-form part that Talos does not copy."""
_BYTES: Final = {"v1alpha1.Base64Bytes", "nethelpers.HardwareAddr"}


def merge_document(config: MachineConfig, document: Document, *, with_losses: bool = False) -> MachineConfig:
    """Merges a document of a patch into the one with its kind and name, or appends it.

    Args:
        config: into which.
        document: of the patch.
        with_losses: lose what Talos loses (see `losses`).

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
    if with_losses:
        merged = losses.with_losses(document.type, old.fields, document.fields, merged)
    return config.with_document(old.with_fields(merged))


def check_copyable(config: MachineConfig) -> None:
    """Refuses what makes Talos break off when it copies the free-form parts of a document.

    That is dates, and nested mappings with keys that are no text.

    Raises:
        ConfigError: says where.
    """
    for document in config.documents:
        found = _uncopyable(document.fields)
        if found is not None:
            path, what = found
            where = ".".join(path).replace(".[", "[")
            raise ConfigError(f"{document}: {where}: Talos cannot copy a {what}; put it in quotes", path=where)


def _uncopyable(value: Any) -> tuple[list[str], str] | None:
    """The path to what cannot be copied and what it is; None if there is nothing."""
    if isinstance(value, TimeText):
        return [], "date"
    below: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, Mapping):
        below = value.items()
    elif isinstance(value, list):
        below = ((f"[{i}]", item) for i, item in enumerate(value))
    for key, item in below:
        if key == _SHARED:
            continue
        if type(key) is not str:
            return [str(key).lower()], "key that is no text"
        found = _uncopyable(item)
        if found is not None:
            return [key, *found[0]], found[1]
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
        return _list(kind, [], right) if isinstance(kind, ListOf) and kind.merge_keys else right
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
        position = _position(kind, left if kind.items_replaced else merged, item)
        if position is None:
            merged.append(item)
        else:
            merged[position] = item if kind.items_replaced else merge(kind.item, merged[position], item)
    return merged


def _position(kind: ListOf, items: list[Any], wanted: Any) -> int | None:
    """Where the item with the same identity is: the first one, or the last one where items are replaced.

    With one merge key also an empty one is an identity; of several, the first that the wanted item has counts.
    """
    if wanted is None:
        return None
    keys = kind.merge_keys
    key = keys[0] if len(keys) == 1 else next((key for key in keys if wanted.get(key)), None)
    if key is None:
        return None
    assert isinstance(kind.item, Struct)
    of = kind.item.fields[key].type
    found = [i for i, item in enumerate(items) if item is not None and _same_identity(of, item.get(key), wanted.get(key))]
    return None if not found else found[-1 if kind.items_replaced else 0]


def _same_identity(kind: Type, one: Any, other: Any) -> bool:
    """Whether two values tell the same item; what is set through a pointer is never the same to Talos."""
    if isinstance(kind, Struct):
        pointers = [key for key, field in kind.fields.items() if field.pointer]
        return one is not None and one == other and not any(key in one for key in pointers)
    zero = SCALARS[kind.name].zero
    return bool((zero if one is None else one) == (zero if other is None else other))


def _map(kind: MapOf, left: Mapping[str, Any], right: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(left)
    for key, value in right.items():
        merged[key] = _below(key, kind.item, left[key], value) if left.get(key) is not None else value
    return merged


def _atom(kind: Scalar, left: Any, right: Any) -> Any:
    if kind.name in _URLS:
        return urls.merge(left, right)
    if isinstance(right, bool) or kind.name in _BYTES:
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
