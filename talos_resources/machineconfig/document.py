"""One document of a machine configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import attrs

from talos_resources.machineconfig.encode import encode
from talos_resources.machineconfig.schema.table import MAIN, document_type
from talos_resources.machineconfig.schema.types import Struct
from talos_resources.releases import NEWEST, Release

MAIN_KEYS: Final = ("machine", "cluster", "debug", "persist")
"""The keys of which the v1alpha1 document must have one."""


@attrs.frozen
class Document:
    """One document.

    Attributes:
        kind: `v1alpha1` for the main document, else what `kind` says.
        fields: its typed fields as `decode` gives them; never changed in place.
        line: where it starts in the file, 1-based; 0 if it comes from no file.
        release: by whose tables and style it is read and written.
    """

    kind: str
    fields: Mapping[str, Any] = attrs.field(repr=False)  # full of secrets
    line: int = attrs.field(default=0, eq=False)
    release: Release = attrs.field(default=NEWEST, eq=False, repr=False)

    @property
    def type(self) -> Struct:
        """Its type in the field table."""
        found = document_type(self.kind, self.release)
        assert found is not None
        return found

    @property
    def is_named(self) -> bool:
        """Whether there can be several of its kind, told apart by their names."""
        return self.kind != MAIN and "name" in self.type.fields

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

    def with_fields(self, fields: Mapping[str, Any]) -> Document:
        """The document with other fields."""
        return Document(self.kind, fields, self.line, self.release)

    def text(self) -> str:
        """The document as YAML."""
        return encode(self.type, self.fields, self.release.yaml)
