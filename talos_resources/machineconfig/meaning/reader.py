"""Takes values out of a configuration, so that what no topic took is what is left."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any

from talos_resources.machineconfig.migrate.draft import Draft, Fields


class Reader:
    """Takes values out of a draft, so that what nobody took is what is left."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.whole_old = draft.has_defaults
        self.has_network = draft.is_whole and draft.get("cluster.network") is not None
        self.has_node = any(draft.get(f"machine.node{word}") is not None for word in ("Labels", "Annotations", "Taints"))
        self.role = draft.role

    def section(self, path: str) -> Any:
        """A section, which is gone then; an empty mapping where there is none."""
        value = self.draft.drop(path)
        return {} if value is None else value

    def has(self, path: str) -> bool:
        """Whether there is a section."""
        return self.draft.get(path) is not None

    def document(self, kind: str, name: str = "") -> Fields | None:
        """A document, which is gone then; None where there is none."""
        fields = self.draft.document(kind, name)
        self.draft.remove(kind, name)
        return None if fields is None else bare(fields)

    def documents(self, kind: str) -> dict[str, Fields]:
        """The documents of a kind by name, which are gone then."""
        found = {str(fields.get("name", "")): fields for _, fields in self.draft.of_kind(kind)}
        for name in found:
            self.draft.remove(kind, name)
        return {name: {key: value for key, value in bare(fields).items() if key != "name"} for name, fields in found.items()}


def bare(fields: Mapping[str, Any]) -> Fields:
    """The fields of a document that are not about the document itself."""
    return {key: value for key, value in fields.items() if key not in {"apiVersion", "kind"}}


def pruned(value: Any) -> Any:
    """A value without what is nothing: null, empty mappings and lists; None if nothing is left."""
    if isinstance(value, Mapping):
        kept = {str(key): said for key, item in value.items() if (said := pruned(item)) is not None}
        return kept or None
    if isinstance(value, list | tuple):
        return [pruned(item) for item in value] or None
    return value


def same_keys(path: str, kind: str) -> Callable[[Reader], Any]:
    """A topic whose section and document have the same fields."""

    def read(reader: Reader) -> Any:
        document = reader.document(kind)
        section = reader.section(path)
        return section if document is None else document

    return read


def one_field(path: str, kind: str, field: str) -> Callable[[Reader], Any]:
    """A topic that is a section here and a field there."""

    def read(reader: Reader) -> Any:
        document, section = reader.document(kind), reader.section(path)
        return [section or None, (document or {}).get(field) or None] if section and document else (document or {}).get(field) or section

    return read


def pem(text: Any) -> Any:
    """The text behind base64; what is none as it is."""
    try:
        return base64.b64decode(str(text), validate=True).decode()
    except (binascii.Error, ValueError):
        return text


def pair(section: Mapping[str, Any]) -> dict[str, Any]:
    """A certificate and its key as texts."""
    return {"cert": pem(section.get("crt", "")) or None, "key": pem(section.get("key", "")) or None}
