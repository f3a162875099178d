"""`$patch: delete`: finding the statements in a patch, and doing what they say.

Source: Talos v1.12.3 and v1.14.0-rc.1, configuration patches; observed on talosctl.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import attrs

from talos_resources.codec.goyaml.nodes import Node, at
from talos_resources.machineconfig.decode import dotted
from talos_resources.machineconfig.document import Document
from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.machineconfig.schema.scalars import SCALARS
from talos_resources.machineconfig.schema.table import MAIN
from talos_resources.machineconfig.schema.types import Field, FreeForm, ListOf, MapOf, Scalar, Struct, Type
from talos_resources.model.errors import ConfigError, DecodeError
from talos_resources.releases import NEWEST, PatchRules, Release

_MARK: Final = "$patch"
_TOO_OLD: Final = "only Talos v1.13 and later can delete inside of free-form parts and embedded structures"


@attrs.frozen
class Delete:
    """One statement.

    Attributes:
        kind: of the document.
        name: of the document.
        path: what goes; empty for the document itself.
        item: for an item of the list at `path`: the field and the text by which it is found.
    """

    kind: str
    name: str
    path: tuple[str, ...] = ()
    item: tuple[str, str] | None = None

    def target(self, config: MachineConfig) -> Document | None:
        """The document that is meant; the v1alpha1 one cannot go as a whole."""
        return config.find(self.kind, self.name) if self.path or self.kind != MAIN else None

    def __str__(self) -> str:
        where = dotted(self.path) or "the document"
        found = f" with {self.item[0]} {self.item[1]!r}" if self.item else ""
        return f"{where}{found} in {self.kind}{'/' + self.name if self.name else ''}"


def take_deletes(root: Node, *, source: str = "") -> tuple[Node | None, list[Delete]]:
    """Takes the statements out of a document.

    Returns:
        What is left to be merged (None if that is nothing), and the statements.

    Raises:
        DecodeError: a statement that cannot be understood.
    """
    kind, name = (_text(root, key) for key in ("kind", "name"))
    if _is_marked(root):
        for key in ("apiVersion", "kind"):
            if not _text(root, key):
                text = f"$patch: delete of a whole document needs its {key}"
                raise DecodeError(text, source=at(source, root.line))
        return None, [Delete(kind, name)]
    taker = _Taker(kind or MAIN, name, source)
    return taker.without(root, ()), taker.found


def _text(root: Node, key: str) -> str:
    node = root.get(key)
    return node.text if node is not None else ""


def _is_marked(node: Node) -> bool:
    mark = node.get(_MARK)
    return mark is not None and mark.text == "delete"


class _Taker:
    def __init__(self, kind: str, name: str, source: str) -> None:
        self.found: list[Delete] = []
        self._kind = kind
        self._name = name
        self._source = source

    def without(self, node: Node, path: tuple[str, ...]) -> Node | None:
        """The node without what is marked below it: the very node if nothing is, None if nothing else is there."""
        if node.kind == "mapping":
            return self._changed(node, [self._pair(pair, path) for pair in node.value])
        if node.kind == "sequence":
            return self._changed(node, [self._item(item, (*path, f"[{i}]"), path) for i, item in enumerate(node.value)])
        return node

    def _pair(self, pair: tuple[Node, Node], path: tuple[str, ...]) -> tuple[Node, Node] | None:
        key, value = pair
        inner = (*path, key.text)
        if not _is_marked(value):
            kept = self.without(value, inner)
            return pair if kept is value else (key, kept) if kept is not None else None
        if any(step.startswith("[") for step in path):
            text = f"cannot delete a key inside of a list item: {dotted(inner)}; delete the item by a key of its own"
            raise DecodeError(text, source=at(self._source, key.line), path=dotted(inner))
        self.found.append(Delete(self._kind, self._name, inner))
        return None

    def _item(self, item: Node, path: tuple[str, ...], parent: tuple[str, ...]) -> Node | None:
        if not _is_marked(item):
            return self.without(item, path)
        found = next(((key.text, value.text) for key, value in item.pairs if key.text != _MARK), None)
        if found is None:
            text = f"{dotted(path)}: $patch: delete needs a key that tells which item"
            raise DecodeError(text, source=at(self._source, item.line), path=dotted(path))
        self.found.append(Delete(self._kind, self._name, parent, found))
        return None

    @staticmethod
    def _changed(node: Node, value: list[Any]) -> Node | None:
        if all(new is old for new, old in zip(value, node.value, strict=True)):
            return node
        kept = [new for new in value if new is not None]
        return node.with_value(kept) if kept else None


def apply_delete(config: MachineConfig, delete: Delete, release: Release = NEWEST) -> MachineConfig:
    """The configuration without what the statement names.

    Raises:
        ConfigError: the path leads to nothing, or (in older releases) there is no such document. A field
            that is not set, of a section that is there, is no error.
    """
    document = delete.target(config)
    if document is None and release.patch.absent_document_leaves_empty:
        raise ConfigError(f"cannot delete {delete}: there is no such document")
    if document is None:
        return config
    if not delete.path:
        return config.without_document(*document.key)
    fields = _Deleter(delete, release.patch).without(document.type, document.fields, delete.path)
    return config.with_document(document.with_fields(fields))


class _Deleter:
    """Takes what a statement names out of the fields of its document."""

    def __init__(self, delete: Delete, rules: PatchRules) -> None:
        self._delete = delete
        self._rules = rules

    def without(self, kind: Type, value: Any, path: tuple[str, ...]) -> Any:
        """The value without what the rest of the path names."""
        match kind:
            case Struct():
                return self._of_struct(kind, value, path)
            case MapOf() | FreeForm() if isinstance(value, Mapping):
                return self._of_map(kind, value, path)
            case _:
                raise self._lost()

    def _of_struct(self, kind: Struct, value: Mapping[str, Any] | None, path: tuple[str, ...]) -> Any:
        step, rest = path[0], path[1:]
        field = kind.fields.get(step)
        if field is None:
            raise self._lost("there is no such field")
        if kind.atomic:
            raise self._lost("it is part of one value")
        if field.embedded and not self._rules.inner_deletes:
            raise self._lost(_TOO_OLD)
        fields = value if value is not None else {}
        if not rest and self._delete.item is None:
            return {key: old for key, old in fields.items() if key != step}
        below = fields.get(step)
        if below is None:
            if not _is_always_there(field):
                raise self._lost()
            below = {}
        return {**fields, step: self._below(field.type, below, rest)}

    def _of_map(self, kind: MapOf | FreeForm, value: Mapping[str, Any], path: tuple[str, ...]) -> Any:
        step, rest = path[0], path[1:]
        if isinstance(kind, FreeForm) and not self._rules.inner_deletes:
            raise self._lost(_TOO_OLD)
        if step not in value:
            raise self._lost()
        if not rest and self._delete.item is None:
            return {key: old for key, old in value.items() if key != step}
        return {**value, step: self._below(kind.item if isinstance(kind, MapOf) else kind, value[step], rest)}

    def _below(self, kind: Type, value: Any, path: tuple[str, ...]) -> Any:
        return self.without(kind, value, path) if path else self._without_item(kind, value)

    def _without_item(self, kind: Type, value: Any) -> list[Any]:
        """The list without the first item whose field has the text."""
        assert self._delete.item is not None
        key, wanted = self._delete.item
        if isinstance(kind, FreeForm):
            raise self._lost("items of lists in free-form parts cannot be deleted; delete the list and give it anew")
        item = kind.item if isinstance(kind, ListOf) else None
        field = item.fields.get(key) if isinstance(item, Struct) else None
        if field is None or not isinstance(field.type, Scalar) or not self._is_text(field.type):
            raise self._lost("items cannot be told apart by that field")
        position = next((i for i, old in enumerate(value) if old is not None and old.get(key, "") == wanted), None)
        if position is None:
            raise self._lost()
        return [*value[:position], *value[position + 1 :]]

    def _is_text(self, kind: Scalar) -> bool:
        """Whether items can be told apart by a field of this type."""
        return kind.name == "string" or (self._rules.deletes_by_any_text and SCALARS[kind.name].resolved == "text")

    def _lost(self, reason: str = "there is nothing") -> ConfigError:
        return ConfigError(f"cannot delete {self._delete}: {reason}", path=dotted(self._delete.path))


def _is_always_there(field: Field) -> bool:
    """Whether a structure is part of the one that holds it, and not a pointer that may be null."""
    return isinstance(field.type, Struct) and not field.pointer
