"""JSON patches with talosctl's looseness: each operation is made strict, and `jsonpatch` applies it.

talosctl's patch library is laxer than RFC 6902: a replace of a missing key adds it, indices may be
negative or padded with zeros, a missing key is null to `test` and `copy`, a missing value is null,
and a path without its leading slash loses its first step.

Source: observed on talosctl v1.12.3.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs

from talos_resources.codec.goyaml.values import same
from talos_resources.model.errors import ConfigError

_INDEX: Final = re.compile(r"[+-]?\d{1,18}", re.ASCII)


class PatchError(ConfigError):
    """A JSON patch that does not apply; `operation` counts from 1."""

    operation: int


@attrs.frozen
class JsonPatch:
    """A list of operations.

    Attributes:
        operations: as written: mappings with `op`, `path` and so on.
        split_escapes: a text of the patch spells a character beyond U+FFFF as two escapes, which talosctl
            cannot write back as YAML.
    """

    operations: tuple[Mapping[str, Any], ...] = attrs.field(repr=False)
    split_escapes: bool = False

    def joined(self, other: JsonPatch) -> JsonPatch:
        """Both patches as one, this one first."""
        return JsonPatch(self.operations + other.operations, self.split_escapes or other.split_escapes)

    def apply(self, document: Any) -> Any:
        """The patched document; the argument is changed where operations apply before one fails.

        Args:
            document: plain values as from JSON.

        Raises:
            PatchError: an operation that cannot be understood or does not apply, with its number and why.
        """
        import jsonpatch

        for number, operation in enumerate(self.operations, 1):
            try:
                strict = _strict(operation, document)
                if strict is not None:
                    document = jsonpatch.JsonPatch([strict]).apply(document, in_place=True)
            except (_RefusedError, jsonpatch.JsonPatchException, jsonpatch.JsonPointerException) as error:
                what = " ".join(str(operation.get(key, "")) for key in ("op", "path")).strip()
                text = f"JSON patch, operation {number} ({what}): {error}"
                raise PatchError(text, operation=number, path=operation.get("path")) from None
        return document


class _RefusedError(Exception):
    """Why an operation does not apply."""


def _strict(operation: Mapping[str, Any], document: Any) -> dict[str, Any] | None:
    """The operation as RFC 6902 has it, with paths that exist; None if there is nothing to do."""
    op, path = operation.get("op"), operation.get("path")
    if op not in {"add", "remove", "replace", "move", "copy", "test"}:
        raise _RefusedError(f"there is no operation {op!r}; there are add, remove, replace, move, copy and test")
    steps = _steps(path, "path")
    value = copy.deepcopy(operation.get("value"))
    match op:
        case "test":
            _test(steps, document, value)
            return None
        case "add":
            return _added(steps, document, value)
        case "replace":
            if not steps and not isinstance(value, dict | list):
                raise _RefusedError("the whole document can only be replaced by a mapping or a list")
            pointer = _existing(steps, document, missing_key=True) if steps else ""
            return {"op": "replace", "path": pointer, "value": value}
        case "remove":
            return {"op": "remove", "path": _existing(steps, document)}
        case "move":
            source = _steps(operation.get("from"), "from")
            pointer = _existing(source, document)
            moved = _value(source, document)
            # Positions in the target count without what is moved, so that has to be gone first.
            JsonPatch(({"op": "remove", "path": pointer},)).apply(document)
            return _added(steps, document, moved)
        case _:
            source = _steps(operation.get("from"), "from")
            return _added(steps, document, copy.deepcopy(_value(source, document)))


def _steps(pointer: Any, member: str) -> list[str]:
    if not isinstance(pointer, str):
        raise _RefusedError(f'it has no "{member}"')
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def _pointer(steps: Sequence[str | int]) -> str:
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in steps)


def _index(step: str, length: int, *, add: bool = False) -> int:
    """The position that a step names in a list, from 0 on; it may be just behind the end when adding."""
    if add and step == "-":
        return length
    if _INDEX.fullmatch(step) is None:
        raise _RefusedError(f"{step!r} is no position in a list")
    index = int(step)
    size = length + 1 if add else length
    if not -size <= index < size:
        raise _RefusedError(f"there is no position {step}, the list has {length} items")
    return index if index >= 0 else index + size


def _parent(steps: Sequence[str], document: Any) -> tuple[Any, list[str | int]]:
    """The collection that holds the last step, and the strict steps that lead to it."""
    if not steps:
        raise _RefusedError("the whole document cannot be the target; replace can")
    walked: list[str | int] = []
    for step in steps[:-1]:
        key: str | int = _index(step, len(document)) if isinstance(document, list) else step
        missing = not isinstance(document, list) and (not isinstance(document, dict) or step not in document)
        document = None if missing else document[key]
        walked.append(key)
        if not isinstance(document, dict | list):
            raise _RefusedError(f"there is no collection at {_pointer(walked)}")
    if not isinstance(document, dict | list):
        raise _RefusedError("the document is no collection")
    return document, walked


def _added(steps: list[str], document: Any, value: Any) -> dict[str, Any]:
    parent, walked = _parent(steps, document)
    last: str | int = _index(steps[-1], len(parent), add=True) if isinstance(parent, list) else steps[-1]
    return {"op": "add", "path": _pointer([*walked, last]), "value": value}


def _existing(steps: list[str], document: Any, *, missing_key: bool = False) -> str:
    """The strict pointer to something that is there; `missing_key` lets a key be missing."""
    parent, walked = _parent(steps, document)
    if isinstance(parent, list):
        return _pointer([*walked, _index(steps[-1], len(parent))])
    if steps[-1] not in parent:
        if not missing_key:
            raise _RefusedError("there is nothing at this path")
        parent[steps[-1]] = None
    return _pointer([*walked, steps[-1]])


def _value(steps: list[str], document: Any) -> Any:
    """What a path leads to; None for a key that its mapping does not have."""
    parent, _ = _parent(steps, document)
    return parent[_index(steps[-1], len(parent))] if isinstance(parent, list) else parent.get(steps[-1])


def _test(steps: list[str], document: Any, value: Any) -> None:
    if not same(_value(steps, document) if steps else document, value):
        raise _RefusedError("the value there is another one")
