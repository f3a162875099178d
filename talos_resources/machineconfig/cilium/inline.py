"""Rendered helm output as an inline manifest of the machine configuration.

Source: Talos guide, Deploying Cilium CNI, method 4.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

import attrs

from talos_resources.machineconfig.cilium.manifest import CLUSTER_NAMESPACES, ManifestDocument, parse_manifest
from talos_resources.machineconfig.migrate.items import is_dns_name
from talos_resources.model.errors import ConfigError

_SEPARATOR: Final = "---\n"
_NOT_IN_BLOCK: Final = re.compile("[^\t\n\x20-\x7e\xa0-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]|[\u2028\u2029\ud800-\udfff]")
"""What a literal block cannot hold: control characters, and what YAML takes for a line break or a mark."""


@attrs.frozen(kw_only=True)
class InlineManifest:
    """A manifest as Talos will apply it, from top to bottom.

    Attributes:
        name: of the inline manifest.
        contents: its text.
        notes: what was changed on the way, one line each.
    """

    name: str
    contents: str = attrs.field(repr=False)
    notes: tuple[str, ...] = ()


def make_inline(sources: Sequence[tuple[str, str]], *, name: str = "cilium") -> InlineManifest:
    """Join manifests into one inline manifest.

    The documents keep their order and their text. A namespace that resources are in is put first, and added
    where nothing declares it, except for those that every cluster has.

    Args:
        sources: (name, text) of each file.
        name: of the inline manifest.

    Raises:
        ConfigError: a document is no Kubernetes resource, or there is none at all; it names the line.
    """
    documents: list[ManifestDocument] = []
    notes: list[str] = []
    for source, text in sources:
        for document in parse_manifest(_lines(text), source=source):
            if document.fault is not None:
                raise ConfigError(f"cannot use the manifest: {document.fault}")
            if document.has_short_separator:
                notes.append(f"{source}:{document.line - 1}: two dashes between documents are written as three")
            documents.append(document)
    if not any(document.resources for document in documents):
        raise ConfigError(f"no Kubernetes resource in {', '.join(source for source, _ in sources)}; give the output of `helm template`")
    first, moved = _namespaces(documents)
    notes += moved
    rest = [document for document in documents if document not in first]
    contents = "".join([*(_text(document) for document in (*first, *rest))])
    return InlineManifest(name=name, contents=contents.removeprefix(_SEPARATOR), notes=tuple(notes))


def inline_yaml(manifests: Iterable[InlineManifest], *, indent: int = 4) -> str:
    """The `inlineManifests` key with these manifests, to stand inside of `cluster`."""
    from talos_resources.codec.goyaml.emit import scalar

    lead, deep = " " * indent, " " * (2 * indent)
    parts = [f"{lead}inlineManifests:\n"]
    for manifest in manifests:
        block = literal_block(manifest.contents, indent=len(deep) + indent, parent=len(deep) + 2)
        parts.append(f"{deep}- name: {scalar(manifest.name)}\n{deep}  contents: {block}")
    return "".join(parts)


def inline_document(manifest: InlineManifest) -> str:
    """A manifest as the document that Talos v1.14 has for it.

    Raises:
        ConfigError: its name is none that Kubernetes takes.
    """
    from talos_resources.codec.goyaml.emit import dump

    if not is_dns_name(manifest.name):
        raise ConfigError(f'"{manifest.name}" cannot be the name of a KubeInlineManifestConfig; take lower-case letters, digits, - and .')
    head = dump({"apiVersion": "v1alpha1", "kind": "KubeInlineManifestConfig", "name": manifest.name})
    return f"{head}manifest: {literal_block(manifest.contents, indent=4, parent=0)}"


def literal_block(text: str, *, indent: int, parent: int) -> str:
    """A text as a literal block that gives back every character, blanks at the end of lines included.

    Args:
        text: not empty. What a block cannot hold is written in double quotes instead.
        indent: the column of its lines.
        parent: the column of the key that it belongs to.
    """
    if _NOT_IN_BLOCK.search(text) or not text.strip("\n"):
        from talos_resources.codec.goyaml.emit import double_quoted

        return f"{double_quoted(text)}\n"
    hint = str(indent - parent) if text[0] in " \t\n" else ""
    body = text.rstrip("\n")
    chomp = {0: "-", 1: ""}.get(len(text) - len(body), "+")
    lead = " " * indent
    lines = [f"{lead}{line}" if line else "" for line in text.removesuffix("\n").split("\n")]
    return "\n".join([f"|{hint}{chomp}", *lines]) + "\n"


def _lines(text: str) -> str:
    """The text without a byte order mark, with plain line ends and no empty lines before it, as Talos would cut them."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").lstrip("\n")


def _namespaces(documents: Sequence[ManifestDocument]) -> tuple[list[ManifestDocument], list[str]]:
    """The namespaces that have to come first, and what to tell about them."""
    declared: dict[str, tuple[int, ManifestDocument]] = {}
    used: dict[str, int] = {}
    for index, document in enumerate(documents):
        for resource in document.resources:
            if resource.kind == "Namespace":
                declared.setdefault(resource.name, (index, document))
            elif resource.namespace and resource.namespace not in CLUSTER_NAMESPACES:
                used.setdefault(resource.namespace, index)
    first: list[ManifestDocument] = []
    notes: list[str] = []
    for namespace, index in used.items():
        found = declared.get(namespace)
        if found is None:
            first.append(_new_namespace(namespace))
            notes.append(f"the namespace {namespace} is put first: the manifest does not declare it")
        elif found[0] > index:
            if found[1] not in first:
                first.append(found[1])
            notes.append(f"the namespace {namespace} is put first: it came after what is in it")
    return first, notes


def _new_namespace(name: str) -> ManifestDocument:
    from talos_resources.codec.goyaml.emit import scalar

    text = f"apiVersion: v1\nkind: Namespace\nmetadata:\n  name: {scalar(name)}\n"
    return ManifestDocument(separator=_SEPARATOR, text=text, line=0)


def _text(document: ManifestDocument) -> str:
    separator = _SEPARATOR if not document.separator or document.has_short_separator else document.separator
    if not separator.endswith("\n") and not document.text:
        separator += "\n"
    text = document.text
    return separator + (text if not text or text.endswith("\n") else f"{text}\n")
