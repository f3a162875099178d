"""A machine configuration: the documents of a file, loaded strictly and written as Talos writes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from talos_resources.codec.goyaml.emit import dump
from talos_resources.codec.goyaml.nodes import compose_all
from talos_resources.machineconfig.conflicts import check_conflicts
from talos_resources.machineconfig.decode import decode
from talos_resources.machineconfig.document import Document
from talos_resources.machineconfig.loading import documents_of
from talos_resources.machineconfig.node_output import unwrapped
from talos_resources.machineconfig.paths import child_type, parse_path
from talos_resources.machineconfig.schema.table import MAIN, document_type
from talos_resources.machineconfig.schema.types import Struct
from talos_resources.model.errors import ConfigError
from talos_resources.releases import NEWEST, Release


@attrs.frozen
class MachineConfig:
    """A configuration.

    Attributes:
        documents: the main one, where there is one, comes first.
        release: by whose rules documents are added to it.
    """

    documents: tuple[Document, ...]
    release: Release = attrs.field(default=NEWEST, eq=False, repr=False)

    @classmethod
    def of(cls, documents: Iterable[Document], release: Release = NEWEST) -> MachineConfig:
        """A configuration of these documents, in Talos's order.

        Raises:
            ConfigError: two of them claim one link, volume or address.
        """
        ordered = sorted(documents, key=lambda document: document.kind != MAIN)
        check_conflicts(ordered)
        return cls(tuple(ordered), release)

    @classmethod
    def load(cls, data: bytes | str, *, source: str = "", release: Release = NEWEST) -> MachineConfig:
        """Reads a configuration.

        Args:
            data: the text of one or several documents, also inside of what `talosctl get mc -o yaml|json` prints.
            source: a file name for errors.
            release: by whose rules: the newest reads what every release has written.

        Raises:
            DecodeError: no YAML, an unknown kind or key, a value of the wrong type, a document that is
                there twice; with every fault, its path and its line.
            ConfigError: there is no document, or two of them claim one link, volume or address.
        """
        text = unwrapped(data, source=source).text
        return cls.of(documents_of(compose_all(text, source=source), source=source, release=release), release)

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
        child_type(self._type(kind), steps)
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
        root = self._type(kind)
        steps = parse_path(path)
        child_type(root, steps)
        if not steps or any(isinstance(step, int) for step in steps):
            raise ConfigError(f"a value can only be set below keys, {path!r} leads into a list or nowhere", path=path)
        nested: Any = value
        for step in reversed(steps):
            nested = {step: nested}
        decoded: Any = decode(root, compose_all(dump(nested), source="value")[0], source="value", rules=self.release.load)
        for step in steps:
            decoded = decoded.get(step) if decoded is not None else None
        document = self.find(kind, name) or Document(kind, _identity(kind, name), release=self.release)
        return self.with_document(document.with_fields(_with(document.fields, [str(step) for step in steps], decoded)))

    def with_document(self, document: Document) -> MachineConfig:
        """The configuration with this document in place of the one with its kind and name, or after the others."""
        if self.find(*document.key) is None:
            return MachineConfig.of([*self.documents, document], self.release)
        return MachineConfig.of((document if old.key == document.key else old for old in self.documents), self.release)

    def without_document(self, kind: str, name: str = "") -> MachineConfig:
        """The configuration without the document of this kind and name."""
        return MachineConfig(tuple(document for document in self.documents if document.key != (kind, name)), self.release)

    def all(self, kind: str) -> tuple[Document, ...]:
        """The documents of this kind, in their order."""
        return tuple(document for document in self.documents if document.kind == kind)

    def _type(self, kind: str) -> Struct:
        found = document_type(kind, self.release)
        if found is None:
            raise ConfigError(f'there is no kind of document "{kind}"', kind=kind)
        return found

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
