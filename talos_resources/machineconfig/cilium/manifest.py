"""Kubernetes manifests as text: documents in their order, each with what it declares.

The text of a document is kept as it is, comments included; only what checks need is read out of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import attrs

from talos_resources.model.errors import DecodeError

_SEPARATOR: Final = re.compile(r"(?m)^(---(?=\s|$)|--[ \t]*$)")
CLUSTER_NAMESPACES: Final = frozenset({"default", "kube-system", "kube-public", "kube-node-lease"})
"""Namespaces that every cluster has."""


@attrs.frozen(kw_only=True)
class KubernetesResource:
    """What one document, or one item of a list, declares.

    Attributes:
        kind: as in `ConfigMap`.
        api_version: as in `apps/v1`.
        name: of the resource.
        namespace: empty for cluster-wide resources and where none is given.
        line: of the document in its source, 1-based.
        fields: all of it as plain values; may hold secrets.
    """

    kind: str
    api_version: str
    name: str
    namespace: str
    line: int
    fields: Mapping[str, Any] = attrs.field(repr=False, eq=False)

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What may be there only once: API group, kind, namespace, name."""
        return self.api_version.rpartition("/")[0], self.kind, self.namespace, self.name

    def __str__(self) -> str:
        where = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.kind} {where}"


@attrs.frozen(kw_only=True)
class ManifestDocument:
    """One document of a manifest.

    Attributes:
        separator: the line that begins it, as written; empty for a first document without one.
        text: the rest, as written.
        line: of the text's first line in the source, 1-based.
        resources: what it declares; empty for a document of comments.
        fault: why it is no Kubernetes resource, None if it is one.
    """

    separator: str
    text: str = attrs.field(repr=False)
    line: int
    resources: tuple[KubernetesResource, ...] = ()
    fault: str | None = None

    @property
    def has_short_separator(self) -> bool:
        """Whether it begins with two dashes where YAML wants three."""
        return self.separator.rstrip() == "--"


def parse_manifest(text: str, *, source: str = "") -> tuple[ManifestDocument, ...]:
    """Split a manifest into its documents.

    A line of two dashes counts as a separator too (the guide's own example has one), so that what
    follows can be checked; `has_short_separator` tells.

    Args:
        text: the manifest.
        source: its name for faults.
    """
    # A separator is at the start of a line, where nothing inside a document can be: block scalars are indented.
    marks = [match.start() for match in _SEPARATOR.finditer(text)]
    starts = marks if marks[:1] == [0] else [0, *marks]
    documents = []
    line = 1
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        part = text[start:end]
        match = _SEPARATOR.match(part)
        separator = part[: _end_of_separator(part, match.end())] if match else ""
        documents.append(_document(separator, part[len(separator) :], line + separator.count("\n"), source))
        line += part.count("\n")
    return tuple(document for document in documents if document.separator or document.text)


def _end_of_separator(part: str, end: int) -> int:
    """The whole line if nothing but blanks and a comment follows the dashes, else the dashes alone."""
    line = part[: part.find("\n") + 1] or part
    rest = line[end:].strip()
    return len(line) if not rest or rest.startswith("#") else end


def _document(separator: str, text: str, line: int, source: str) -> ManifestDocument:
    try:
        resources = tuple(_resources(text, line))
    except DecodeError as error:
        return ManifestDocument(separator=separator, text=text, line=line, fault=_with_line(error, line, source))
    return ManifestDocument(separator=separator, text=text, line=line, resources=resources)


def _with_line(error: DecodeError, first: int, source: str) -> str:
    """The fault with its line counted in the source and not in the document."""
    match = re.search(r"(\d+)$", error.source)
    number = first + int(match[1]) - 1 if match else first
    return f"{source}:{number}: {error.text}" if source else f"line {number}: {error.text}"


def _resources(text: str, line: int) -> Iterator[KubernetesResource]:
    from talos_resources.codec.goyaml.nodes import compose_all
    from talos_resources.codec.goyaml.values import value_of

    for node in compose_all(text):
        if node.is_null:
            continue
        value = value_of(node)
        if not isinstance(value, dict) or not value.get("kind") or not value.get("apiVersion"):
            raise DecodeError("no Kubernetes resource: it has no apiVersion and kind", source="1")
        items = value.get("items") if str(value["kind"]).endswith("List") else None
        for item in items if isinstance(items, list) else [value]:
            yield _resource(item, line)


def _resource(value: Any, line: int) -> KubernetesResource:
    metadata = value.get("metadata") if isinstance(value, dict) else None
    if not isinstance(metadata, dict):
        raise DecodeError("no Kubernetes resource: it has no metadata", source="1")
    return KubernetesResource(
        kind=str(value.get("kind", "")),
        api_version=str(value.get("apiVersion", "")),
        name=str(metadata.get("name") or metadata.get("generateName") or ""),
        namespace=str(metadata.get("namespace") or ""),
        line=line,
        fields=value,
    )
