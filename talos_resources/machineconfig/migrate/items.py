"""Lists and maps of the v1alpha1 document whose items become documents of their own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import attrs

from talos_resources.machineconfig.migrate.draft import Draft, Fields, StaysError
from talos_resources.machineconfig.migrate.group import Group

_DNS_NAME: Final = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*", re.ASCII)


def is_dns_name(text: str) -> bool:
    """Whether Kubernetes takes a text for the name of a resource: a DNS-1123 subdomain."""
    return _DNS_NAME.fullmatch(text) is not None


@attrs.frozen
class Item:
    """How an item is written as a document.

    Attributes:
        kind: of the document.
        name_of: the name of a list's item; None for a map, whose keys are the names.
        to_new: name and item → the fields of the document, the name included.
        to_old: the fields, without apiVersion and kind → the item.
        lost: what of a document no item can hold.
        new: the path of the item in the document; empty for the whole document.
        dns_names: the document's name has to be one that Kubernetes takes.
    """

    kind: str
    name_of: Callable[[Any], str] | None
    to_new: Callable[[str, Any], Fields]
    to_old: Callable[[Fields], Any]
    lost: Callable[[Fields], Iterator[str]] = lambda _: iter(())
    new: str = ""
    dns_names: bool = False


@attrs.frozen
class ItemsRule:
    """How documents stand for the items of one list or map.

    Attributes:
        path: of the list or map.
        item: how its items are written.
        sections: what must be gone with it; by default the list itself.
    """

    path: str
    item: Item
    sections: tuple[str, ...] = ()

    def group(self, name: str) -> Group:
        """The group that moves by this rule."""
        return Group(
            name=name,
            sections=self.sections or (self.path,),
            kinds=(self.item.kind,),
            forward=self.forward,
            backward=self.backward,
            lost=self.lost,
            joins=True,
        )

    def forward(self, draft: Draft) -> None:
        """Puts documents in place of the items."""
        values = draft.get(self.path)
        if values is None:
            return
        item, is_map = self.item, isinstance(values, dict)
        if is_map and (both := _names(draft, item.kind) & set(values)):
            raise StaysError(self.path, f'there is a {item.kind} "{min(both)}" already')
        pairs = list(values.items()) if is_map else _named(draft, self.path, values, item)
        documents = [(key, item.to_new(key, value or {})) for key, value in pairs]
        for index, (key, fields) in enumerate(documents):
            draft.rename(f"{self.path}.{key}" if is_map else f"{self.path}[{index}]", item.kind, key, item.new)
            draft.put(item.kind, {field: value for field, value in fields.items() if field != "name"}, name=key)
        draft.drop(self.path)
        for section in self.sections:
            if draft.get(section) == {}:
                draft.drop(section)

    def backward(self, draft: Draft) -> None:
        """Puts items in place of the documents."""
        item = self.item
        found = [fields for _, fields in draft.of_kind(item.kind)]
        if not found:
            return
        old = [item.to_old({key: value for key, value in fields.items() if key not in {"apiVersion", "kind"}}) for fields in found]
        if item.name_of is None:
            names = [fields.get("name", "") for fields in found]
            draft.set(self.path, {**(draft.get(self.path) or {}), **dict(zip(names, old, strict=True))})
        else:
            draft.set(self.path, [*(draft.get(self.path) or []), *old])
        for fields in found:
            draft.remove(item.kind, fields.get("name", ""))

    def lost(self, draft: Draft) -> Iterator[str]:
        """What of the documents no item can hold."""
        for kind, fields in draft.of_kind(self.item.kind):
            yield from (f"{kind}/{fields.get('name', '')}.{what}" for what in self.item.lost(fields))


def _names(draft: Draft, kind: str) -> set[str]:
    return {str(fields.get("name", "")) for _, fields in draft.of_kind(kind)}


def _named(draft: Draft, path: str, values: list[Any], item: Item) -> list[tuple[str, Any]]:
    assert item.name_of is not None
    named = [(item.name_of(value or {}), value) for value in values]
    seen = _names(draft, item.kind)
    for name, _ in named:
        if not name or name in seen:
            raise StaysError(path, f'{item.kind} needs names of their own, and "{name}" is there twice' if name else "an item has no name")
        if item.dns_names and not is_dns_name(name):
            raise StaysError(path, f'"{name[:80]}" is no name that {item.kind} takes (lower-case letters, digits, - and .)')
        seen.add(name)
    return named
