"""From parsed YAML to documents: which kind each is, and that each is there once."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

from talos_resources.codec.goyaml.nodes import Node, at
from talos_resources.machineconfig.decode import decode
from talos_resources.machineconfig.document import MAIN_KEYS, Document
from talos_resources.machineconfig.neighbours import neighbour
from talos_resources.machineconfig.schema.table import MAIN, document_type
from talos_resources.model.errors import ConfigError, DecodeError
from talos_resources.releases import NEWEST, RELEASES, Release

API_VERSION: Final = "v1alpha1"
"""The only version of documents that there is."""


def documents_of(roots: Iterable[Node], *, source: str = "", release: Release = NEWEST, repeated: bool = False) -> list[Document]:
    """Decodes parsed documents, in their order; those that are null are left out.

    Args:
        roots: of `compose_all`.
        source: a file name for errors.
        release: by whose rules.
        repeated: one document may be there several times.

    Raises:
        DecodeError: an unknown kind or key, a value of the wrong type, a document that is there twice.
        ConfigError: there is none.
    """
    documents: list[Document] = []
    seen: set[tuple[str, str]] = set()
    for root in roots:
        if root.is_null:
            continue
        document = _decoded(root, source, release)
        if document.key in seen and not repeated:
            raise DecodeError(f"a second document {document}; there may be only one", source=at(source, root.line))
        seen.add(document.key)
        documents.append(document)
    if not documents:
        raise ConfigError(f"{source + ': ' if source else ''}no configuration found: there is no document", source=source)
    return documents


def kind_of(root: Node, *, source: str = "", release: Release = NEWEST) -> str:
    """The kind of a document; `v1alpha1` for the main one.

    Raises:
        DecodeError: it is no mapping, has no kind, or one that the release does not know.
    """
    where = at(source, root.line)
    _refuse(root, where)
    kind, version = (_word(root, key) for key in ("kind", "apiVersion"))
    if kind is None:
        if not any(root.get(key) for key in MAIN_KEYS):
            raise DecodeError("missing kind: neither a kind nor machine or cluster", source=where)
        return MAIN
    if version is None:
        raise DecodeError(f'missing apiVersion: a document of kind "{kind}" needs apiVersion: {API_VERSION}', source=where, path="kind")
    if version != API_VERSION or document_type(kind, release) is None or kind == MAIN:
        raise DecodeError(f'no kind of document "{kind}" in apiVersion "{version}"{_known_by(kind, release)}', source=where, path="kind")
    return kind


def refuse_neighbours(roots: Iterable[Node], source: str) -> None:
    """Refuses the files that lie beside configurations, for those who do not look at the fields.

    Raises:
        DecodeError: says which it is, and who takes it.
    """
    for root in roots:
        if not root.is_null:
            _refuse(root, at(source, root.line))


def _refuse(root: Node, where: str) -> None:
    if found := neighbour(root):
        raise DecodeError(f"no machine configuration: this is {found}", source=where)
    if root.kind != "mapping":
        what = "a list" if root.kind == "sequence" else "a single value"
        raise DecodeError(f"expected a configuration document (a mapping), found {what}", source=where)


def _known_by(kind: str, release: Release) -> str:
    """Which release knows the kind, if one does and it is not this one."""
    newer = next((str(other.contract) for other in RELEASES if kind in other.document_kinds), None)
    if newer and kind not in release.document_kinds:
        return f"; Talos {release.contract} does not know it, {newer} does"
    by_lower = {known.lower(): known for known in release.document_kinds}
    near = get_close_matches(kind.lower(), by_lower, n=1, cutoff=0.8)
    return f"; did you mean {by_lower[near[0]]}?" if near and kind not in release.document_kinds else ""


def _word(root: Node, key: str) -> str | None:
    node = root.get(key)
    return node.text if node is not None and node.kind == "scalar" and not node.is_null else None


def _decoded(root: Node, source: str, release: Release) -> Document:
    kind = kind_of(root, source=source, release=release)
    found = document_type(kind, release)
    assert found is not None
    name = _word(root, "name") or ""
    label = "" if kind == MAIN else f"{kind}/{name}" if name else kind
    return Document(kind, decode(found, root, source=source, name=label, rules=release.load), root.line, release)
