"""The field tables: which keys a document has, in which order, of which type, merged how.

A table is data (fields-VERSION.txt, made by `compile`); this module reads one on first use and hands out types.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

import attrs

from talos_resources.machineconfig.schema.scalars import SCALARS
from talos_resources.machineconfig.schema.types import ArgValue, Field, FreeForm, ListOf, MapOf, Scalar, Struct, Type
from talos_resources.releases import NEWEST, Release

TABLES: Final = ("1.12", "1.13", "1.14")
"""The tables that are packaged, oldest first; `Release.field_table` names one."""

MAIN: Final = "v1alpha1"
"""The kind of the document that has `machine` and `cluster` and names no kind itself."""

MERGE_KEYS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "v1alpha1.NetworkDeviceList": ("interface", "deviceSelector"),
        "v1alpha1.VlanList": ("vlanId",),
        "v1alpha1.AdmissionPluginConfigList": ("name",),
        "extensions.ConfigFileList": ("mountPath",),
        "security.ImageVerificationRules": ("image",),
    }
)
"""Lists whose items are merged when one of these fields is set and equal, instead of being appended."""

_ITEMS_REPLACED: Final = frozenset({"security.ImageVerificationRules"})
"""Those of them whose items a patch replaces as a whole."""

_PEM: Final = {  # declared outside of the configuration package, hence not in the table
    "x509.PEMEncodedCertificateAndKey": ("crt", "key"),
    "x509.PEMEncodedCertificate": ("crt",),
    "x509.PEMEncodedKey": ("key",),
}


def fields_file(version: str) -> Path:
    """Where a table is packaged."""
    return Path(__file__).with_name(f"fields-{version}.txt")


def document_type(kind: str, release: Release = NEWEST) -> Struct | None:
    """The type of a kind of document, `v1alpha1` for the main one; None for a kind that the release does not know."""
    if kind != MAIN and kind not in release.document_kinds:
        return None
    return field_table(release.field_table).document(kind)


@cache
def field_table(version: str) -> FieldTable:
    """One of `TABLES`."""
    return FieldTable(fields_file(version).read_text())


class FieldTable:
    """The types of one table.

    Attributes:
        control_plane_kinds: the kinds of documents that only control planes may have.
    """

    def __init__(self, text: str) -> None:
        self._entries: dict[str, list[list[str]] | str] = {}
        self._kinds: dict[str, str] = {MAIN: "v1alpha1.Config"}
        self._types: dict[str, Type] = {}
        only: set[str] = set()
        fields: list[list[str]] = []
        for line in text.splitlines():
            if line.startswith(" "):
                fields.append(line.split())
            elif not line.startswith("#"):
                head, _, document = line.partition(" : ")
                name, _, alias = head.partition(" = ")
                fields = []
                self._entries[name] = alias or fields
                if document:
                    kind, *flags = document.split()
                    self._kinds[kind] = name
                    only.update([kind] if flags else ())
        self.control_plane_kinds = frozenset(only)

    def document(self, kind: str) -> Struct | None:
        """The type of a kind of document."""
        name = self._kinds.get(kind)
        if name is None:
            return None
        found = self.named(name)
        assert isinstance(found, Struct)
        return found

    def named(self, name: str) -> Type:
        """A type by its name in the table, or a basic type."""
        found = self._types.get(name)
        if found is None:
            found = self._types[name] = self._make(name)
        return found

    def _make(self, name: str) -> Type:
        if name in SCALARS:
            return Scalar(name)
        if name == "meta.ArgValue":
            return ArgValue()
        if name in _PEM:
            fields = [Field(key=key, type=Scalar("base64"), pointer=False, omit_empty=False, replace=False) for key in _PEM[name]]
            return Struct(name, MappingProxyType({field.key: field for field in fields}), atomic=True)
        entry = self._entries[name]
        package = name.partition(".")[0]
        if isinstance(entry, str):
            return self._parse(entry, package=package, alias=name)
        if any(words[1] == "map[string]any" for words in entry):
            return FreeForm()
        fields = [field for words in entry for field in self._fields(words, package)]
        return Struct(name, MappingProxyType({field.key: field for field in fields}))

    def _fields(self, words: list[str], package: str) -> list[Field]:
        key, text, *flags = words
        kind = self._parse(text.removeprefix("*"), package=package)
        if "inline" in flags:
            assert isinstance(kind, Struct)
            return [attrs.evolve(field, embedded=True) for field in kind.fields.values()]
        return [
            Field(key=key, type=kind, pointer=text.startswith("*"), omit_empty="omitempty" in flags, replace="replace" in flags),
        ]

    def _parse(self, text: str, *, package: str, alias: str = "") -> Type:
        name = alias or text
        for prefix in ("[]", "map[string]"):
            if text.startswith(prefix):
                inner = text.removeprefix(prefix)
                item = self._parse(inner.removeprefix("*"), package=package)
                pointers = inner.startswith("*")
                if prefix == "[]":
                    return ListOf(name, item, pointers, MERGE_KEYS.get(alias, ()), items_replaced=alias in _ITEMS_REPLACED)
                return MapOf(name, item, pointers)
        return self.named(text if text in SCALARS or "." in text else f"{package}.{text}")
