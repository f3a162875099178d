"""`$patch: delete`: finding the statements in a patch, and doing what they say.

Source: Talos v1.12.3, configuration patches; observed on talosctl v1.12.3.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import attrs

from talos_resources.codec.goyaml.nodes import Node, at
from talos_resources.machineconfig.decode import dotted
from talos_resources.machineconfig.documents import MAIN, Document, MachineConfig
from talos_resources.machineconfig.schema.table import Atom, ListOf, MapOf, Struct, Type
from talos_resources.model.errors import ConfigError, DecodeError

_MARK: Final = "$patch"


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


def apply_delete(config: MachineConfig, delete: Delete) -> MachineConfig:
    """The configuration without what the statement names.

    Raises:
        ConfigError: there is no such document, or the path leads to nothing. A field that is not set, of a
            section that is there, is no error.
    """
    document = config.find(delete.kind, delete.name)
    if document is None:
        raise ConfigError(f"cannot delete {delete}: there is no such document")
    if not delete.path:
        return MachineConfig(tuple(other for other in config.documents if other is not document))
    fields = _without(document.type, document.fields, delete.path, delete)
    return config.with_document(Document(document.kind, fields, document.line))


def _without(kind: Type, value: Any, path: tuple[str, ...], delete: Delete) -> Any:
    """The value without what the rest of the path names."""
    step, rest = path[0], path[1:]
    inner: Type
    always_there = False
    match kind:
        case Struct():
            if step not in kind.fields or kind.atomic:
                raise _lost(delete)
            inner = kind.fields[step].type
            always_there = isinstance(inner, Struct) and not kind.fields[step].pointer
            if not rest and delete.item is None and isinstance(value, Mapping):
                return {key: old for key, old in value.items() if key != step}
        case MapOf():
            inner = kind.item
            if not isinstance(value, Mapping) or step not in value:
                raise _lost(delete)
            if not rest and delete.item is None:
                return {key: old for key, old in value.items() if key != step}
        case _:
            raise _lost(delete)
    below = value.get(step) if isinstance(value, Mapping) else None
    if below is None:
        if not always_there:
            raise _lost(delete)
        below = {}
    return {**value, step: _without(inner, below, rest, delete) if rest else _without_item(inner, below, delete)}


def _without_item(kind: Type, value: Any, delete: Delete) -> list[Any]:
    """The list without the first item whose field has the text."""
    assert delete.item is not None
    key, wanted = delete.item
    item = kind.item if isinstance(kind, ListOf) else None
    field = item.fields.get(key) if isinstance(item, Struct) else None
    if field is None or not isinstance(field.type, Atom) or field.type.name != "string":
        raise _lost(delete)
    position = next((i for i, old in enumerate(value) if old is not None and old.get(key, "") == wanted), None)
    if position is None:
        raise _lost(delete)
    return [*value[:position], *value[position + 1 :]]


def _lost(delete: Delete) -> ConfigError:
    return ConfigError(f"cannot delete {delete}: there is nothing", path=dotted(delete.path))
