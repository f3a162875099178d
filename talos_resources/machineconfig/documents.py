"""A machine configuration: the documents of a file, loaded strictly and written as Talos writes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import attrs

from talos_resources.codec.goyaml.emit import dump
from talos_resources.codec.goyaml.nodes import Node, at, compose_all
from talos_resources.machineconfig.decode import decode
from talos_resources.machineconfig.encode import encode
from talos_resources.machineconfig.paths import child_type, parse_path
from talos_resources.machineconfig.schema.table import Struct, document_type
from talos_resources.model.errors import ConfigError, DecodeError

MAIN: Final = "v1alpha1"
"""The kind of the document that has `machine` and `cluster` and names no kind itself."""

MAIN_KEYS: Final = ("machine", "cluster", "debug", "persist")
"""The keys of which it must have one."""


@attrs.frozen
class Document:
    """One document.

    Attributes:
        kind: `v1alpha1` for the main document, else what `kind` says.
        fields: its typed fields as `decode` gives them; never changed in place.
        line: where it starts in the file, 1-based; 0 if it comes from no file.
    """

    kind: str
    fields: Mapping[str, Any] = attrs.field(repr=False)  # full of secrets
    line: int = attrs.field(default=0, eq=False)

    @property
    def type(self) -> Struct:
        """Its type in the field table."""
        found = document_type(self.kind)
        assert found is not None
        return found

    @property
    def name(self) -> str:
        """What `name` says; empty for a kind of which there is only one."""
        return str(self.fields.get("name", "")) if self.kind != MAIN else ""

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from the other documents: kind and name."""
        return self.kind, self.name

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}" if self.name else self.kind

    def text(self) -> str:
        """The document as YAML."""
        return encode(self.type, self.fields)


@attrs.frozen
class MachineConfig:
    """The documents of a configuration; the main one, where there is one, comes first."""

    documents: tuple[Document, ...]

    @classmethod
    def of(cls, documents: Iterable[Document]) -> MachineConfig:
        """A configuration of these documents, in Talos's order."""
        ordered = sorted(documents, key=lambda document: document.kind != MAIN)
        return cls(tuple(ordered))

    @classmethod
    def load(cls, data: bytes | str, *, source: str = "") -> MachineConfig:
        """Reads a configuration.

        Args:
            data: the text of one or several documents.
            source: a file name for errors.

        Raises:
            DecodeError: no YAML, an unknown kind or key, a value of the wrong type, a document that is
                there twice; with every fault, its path and its line.
            ConfigError: there is no document.
        """
        return cls.of(documents_of(compose_all(data, source=source), source=source))

    @property
    def main(self) -> Document | None:
        """The v1alpha1 document."""
        return self.find(MAIN)

    def find(self, kind: str, name: str = "") -> Document | None:
        """The document of this kind and name."""
        return next((document for document in self.documents if document.key == (kind, name)), None)

    def get(self, path: str, default: Any = None, *, kind: str = MAIN, name: str = "") -> Any:
        """A value by its path, such as `machine.network.kubespan.mtu` or `cluster.inlineManifests[0].name`.

        Args:
            path: checked against the field table; `["a.b/c"]` names a key with dots.
            default: what to give for a value that is not set.
            kind: of the document.
            name: of the document, for a kind that has names.

        Raises:
            ConfigError: there can be no such field.
        """
        steps = parse_path(path)
        root = document_type(kind)
        if root is None:
            raise ConfigError(f'there is no kind of document "{kind}"', kind=kind)
        child_type(root, steps)
        document = self.find(kind, name)
        value: Any = document.fields if document is not None else None
        for step in steps:
            if isinstance(value, Mapping):
                value = value.get(str(step))
            elif isinstance(value, list) and isinstance(step, int) and -len(value) <= step < len(value):
                value = value[step]
            else:
                return default
        return default if value is None else value

    def with_value(self, path: str, value: Any, *, kind: str = MAIN, name: str = "") -> MachineConfig:
        """The configuration with one value set; sections and documents that are missing are made.

        Args:
            path: of keys, checked against the field table; it cannot lead into a list.
            value: plain: dict, list, str, int, float, bool; None removes what is there.
            kind: of the document.
            name: of the document, for a kind that has names.

        Raises:
            ConfigError: there can be no such field.
            DecodeError: the value does not fit it.
        """
        root = document_type(kind)
        if root is None:
            raise ConfigError(f'there is no kind of document "{kind}"', kind=kind)
        steps = parse_path(path)
        child_type(root, steps)
        if not steps or any(isinstance(step, int) for step in steps):
            raise ConfigError(f"a value can only be set below keys, {path!r} leads into a list or nowhere", path=path)
        nested: Any = value
        for step in reversed(steps):
            nested = {step: nested}
        decoded: Any = decode(root, compose_all(dump(nested), source="value")[0], source="value")
        for step in steps:
            decoded = decoded.get(step) if decoded is not None else None
        document = self.find(kind, name) or Document(kind, _identity(kind, name))
        return self.with_document(Document(kind, _with(document.fields, [str(step) for step in steps], decoded), document.line))

    def with_document(self, document: Document) -> MachineConfig:
        """The configuration with this document in place of the one with its kind and name, or after the others."""
        if self.find(*document.key) is None:
            return MachineConfig.of([*self.documents, document])
        return MachineConfig(tuple(document if old.key == document.key else old for old in self.documents))

    def text(self) -> str:
        """All documents as YAML, joined by `---`, without a leading one."""
        return "---\n".join(document.text() for document in self.documents)


def _identity(kind: str, name: str) -> dict[str, Any]:
    """The fields that tell a new document from the others."""
    if kind == MAIN:
        return {"version": MAIN}
    return {"apiVersion": MAIN, "kind": kind, **({"name": name} if name else {})}


def _with(fields: Mapping[str, Any], steps: list[str], value: Any) -> dict[str, Any]:
    step, *rest = steps
    if not rest and value is None:
        return {key: old for key, old in fields.items() if key != step}
    return {**fields, step: _with(fields.get(step) or {}, rest, value) if rest else value}


def documents_of(roots: Iterable[Node], *, source: str = "") -> list[Document]:
    """Decodes parsed documents, in their order; those that are null are left out.

    Raises:
        DecodeError: as `MachineConfig.load`.
        ConfigError: there is none.
    """
    documents: list[Document] = []
    seen: set[tuple[str, str]] = set()
    for root in roots:
        if root.is_null:
            continue
        document = _decoded(root, source)
        if document.key in seen:
            raise DecodeError(f"a second document {document}; there may be only one", source=at(source, root.line))
        seen.add(document.key)
        documents.append(document)
    if not documents:
        raise ConfigError(f"{source + ': ' if source else ''}no configuration found: there is no document", source=source)
    return documents


def kind_of(root: Node, *, source: str = "") -> str:
    """The kind of a document; `v1alpha1` for the main one.

    Raises:
        DecodeError: it is no mapping, has no kind, or one that Talos v1.12 does not know.
    """
    where = at(source, root.line)
    if root.kind != "mapping":
        raise DecodeError(f"expected a configuration document (a mapping), found a {root.kind}", source=where)
    kind, version = (_word(root, key) for key in ("kind", "apiVersion"))
    if kind is None:
        if not any(root.get(key) for key in MAIN_KEYS):
            raise DecodeError("missing kind: neither a kind nor machine or cluster", source=where)
        return MAIN
    if version != MAIN or document_type(kind) is None or kind == MAIN:
        raise DecodeError(f'no kind of document "{kind}" in apiVersion "{version or ""}"', source=where, path="kind")
    return kind


def _word(root: Node, key: str) -> str | None:
    node = root.get(key)
    return node.text if node is not None and node.kind == "scalar" and not node.is_null else None


def _decoded(root: Node, source: str) -> Document:
    kind = kind_of(root, source=source)
    found = document_type(kind)
    assert found is not None
    name = _word(root, "name") or ""
    label = "" if kind == MAIN else f"{kind}/{name}" if name else kind
    return Document(kind, decode(found, root, source=source, name=label), root.line)
