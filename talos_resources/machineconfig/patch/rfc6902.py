"""JSON patches with talosctl's looseness.

A library for RFC 6902 would have nothing left to do, because talosctl's own is laxer: a replace of a missing key adds it, indices may be
negative or padded with zeros, a missing key is null to `test` and `copy`, a missing value is null,
and a path without its leading slash loses its first step.

Source: observed on talosctl v1.12.3.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import attrs

from talos_resources.codec.goyaml.values import same
from talos_resources.model.errors import ConfigError

Steps = tuple[str, ...]

_PUTS: Final = frozenset({"add", "replace", "move", "copy"})
"""The operations that put something at their path."""

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
        opens: the steps to a collection that is made where it is missing and something is put below it, and
            an empty one of its kind; talosctl makes none.
    """

    operations: tuple[Mapping[str, Any], ...] = attrs.field(repr=False)
    split_escapes: bool = False
    opens: Mapping[Steps, Any] = attrs.field(default=MappingProxyType({}), repr=False, kw_only=True)

    def joined(self, other: JsonPatch) -> JsonPatch:
        """Both patches as one, this one first."""
        return JsonPatch(self.operations + other.operations, self.split_escapes or other.split_escapes)

    @property
    def places(self) -> tuple[Steps, ...]:
        """The places that the operations are about, as steps; what is no path is none."""
        pointers = (operation.get(member) for operation in self.operations for member in ("path", "from"))
        return tuple(tuple(_steps(pointer, "path")) for pointer in pointers if isinstance(pointer, str))

    def apply(self, document: Any) -> Any:
        """The patched document; the argument is changed where operations apply before one fails.

        Args:
            document: plain values as from JSON.

        Raises:
            PatchError: an operation that cannot be understood or does not apply, with its number and why.
        """
        for number, operation in enumerate(self.operations, 1):
            try:
                if operation.get("op") in _PUTS:
                    _open(operation.get("path"), document, self.opens)
                document = _applied(operation, document)
            except _RefusedError as error:
                what = " ".join(str(operation.get(key, "")) for key in ("op", "path")).strip()
                text = f"JSON patch, operation {number} ({what}): {error}"
                raise PatchError(text, operation=number, path=operation.get("path")) from None
        return document


class _RefusedError(Exception):
    """Why an operation does not apply."""


def _applied(operation: Mapping[str, Any], document: Any) -> Any:
    """The document after an operation; it is the same one, changed, unless it is replaced as a whole."""
    op, path = operation.get("op"), operation.get("path")
    if op not in {"add", "remove", "replace", "move", "copy", "test"}:
        raise _RefusedError(f"there is no operation {op!r}; there are add, remove, replace, move, copy and test")
    steps = _steps(path, "path")
    value = copy.deepcopy(operation.get("value"))
    match op:
        case "test":
            _test(steps, document, value)
        case "add":
            _add(steps, document, value)
        case "replace" if not steps:
            if not isinstance(value, dict | list):
                raise _RefusedError("the whole document can only be replaced by a mapping or a list")
            return value
        case "replace":
            parent, last = _place(steps, document)
            parent[last] = value
        case "remove":
            _remove(steps, document)
        case "move":
            source = _steps(operation.get("from"), "from")
            _place(source, document, there=True)
            moved = _value(source, document)
            # Positions in the target count without what is moved, so that has to be gone first.
            _remove(source, document)
            _add(steps, document, moved)
        case _:
            source = _steps(operation.get("from"), "from")
            _add(steps, document, copy.deepcopy(_value(source, document)))
    return document


def _open(pointer: Any, document: Any, opens: Mapping[Steps, Any]) -> None:
    """Makes the collections above a path that are missing and may be made."""
    steps = _steps(pointer, "path") if opens else []
    for depth, step in enumerate(steps[:-1], 1):
        if not isinstance(document, dict):
            return
        empty = opens.get(tuple(steps[:depth]))
        if document.get(step) is None and empty is not None:
            document[step] = copy.deepcopy(empty)
        document = document.get(step)


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


def _parent(steps: Sequence[str], document: Any) -> Any:
    """The collection that holds the last step."""
    if not steps:
        raise _RefusedError("the whole document cannot be the target; replace can")
    walked: list[str | int] = []
    for step in steps[:-1]:
        key: str | int = _index(step, len(document)) if isinstance(document, list) else step
        missing = not isinstance(document, list) and (not isinstance(document, dict) or step not in document)
        holder: Any = document
        document = None if missing else holder[key]
        walked.append(key)
        if not isinstance(document, dict | list):
            raise _RefusedError(f"there is no collection at {_pointer(walked)}")
    if not isinstance(document, dict | list):
        raise _RefusedError("the document is no collection")
    return document


def _place(steps: Sequence[str], document: Any, *, there: bool = False) -> tuple[Any, str | int]:
    """The collection that holds the last step, and the step as its key or position; `there`: the key has to exist."""
    parent = _parent(steps, document)
    if isinstance(parent, list):
        return parent, _index(steps[-1], len(parent))
    if there and steps[-1] not in parent:
        raise _RefusedError("there is nothing at this path")
    return parent, steps[-1]


def _add(steps: Sequence[str], document: Any, value: Any) -> None:
    parent = _parent(steps, document)
    if isinstance(parent, list):
        parent.insert(_index(steps[-1], len(parent), add=True), value)
    else:
        parent[steps[-1]] = value


def _remove(steps: Sequence[str], document: Any) -> None:
    parent, last = _place(steps, document, there=True)
    del parent[last]


def _value(steps: list[str], document: Any) -> Any:
    """What a path leads to; None for a key that its mapping does not have."""
    parent = _parent(steps, document)
    return parent[_index(steps[-1], len(parent))] if isinstance(parent, list) else parent.get(steps[-1])


def _test(steps: list[str], document: Any, value: Any) -> None:
    if not same(_value(steps, document) if steps else document, value):
        raise _RefusedError("the value there is another one")
