"""Patches a configuration where it stands: what is not patched stays, to the last blank and comment."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable
from typing import Any, Final

from talos_resources.codec.goyaml.emit import dump
from talos_resources.codec.goyaml.nodes import Node, compose_all, to_text
from talos_resources.codec.goyaml.splice import Splicer
from talos_resources.codec.goyaml.values import same, value_of
from talos_resources.machineconfig.document import MAIN_KEYS, Document
from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.machineconfig.encode import to_plain
from talos_resources.machineconfig.loading import documents_of, kind_of, refuse_neighbours
from talos_resources.machineconfig.patch.apply import NO_OPERATIONS, SEVERAL_DOCUMENTS, Compat, Patched, applied, joined, notes_of
from talos_resources.machineconfig.patch.load import Patch, as_json
from talos_resources.machineconfig.patch.rfc6902 import JsonPatch
from talos_resources.machineconfig.patch.translate import Translated, apply_translated
from talos_resources.machineconfig.patch.wishes import opening
from talos_resources.machineconfig.schema.table import MAIN
from talos_resources.model.errors import ConfigError, DecodeError
from talos_resources.releases import NEWEST

_SEPARATOR: Final = re.compile(r"^---(?=\s|\Z)", re.MULTILINE)


def patch_in_place(data: bytes | str, patches: Iterable[Patch], *, source: str = "", compat: Compat = None) -> Patched:
    """Patches the text of a configuration and keeps every line that is not patched.

    The result means exactly what patching without this would give, apart from the zero values that Talos
    fills in when it writes; that is checked before it is returned.

    Raises:
        ConfigError, DecodeError: the text or a patch is refused, or the patch lands where it cannot be
            done in place (inside of what an anchor shares).
    """
    text = to_text(data, source=source)
    notes: list[str] = []
    for patch in joined(patches):
        translated = _translated(text, patch, source, compat)
        if translated is not None:
            text, found = translated
            notes += notes_of(found, patch, notes)
            continue
        assert isinstance(patch, JsonPatch)
        text, several = _json(text, patch, source, compat)
        told = SEVERAL_DOCUMENTS if patch.operations else NO_OPERATIONS
        notes += [told] if several and told not in notes else []
    return Patched(text, tuple(notes))


def _translated(text: str, patch: Patch, source: str, compat: Compat) -> tuple[str, Translated] | None:
    """The text with a patch done to its documents, and what became of them; None for a JSON patch of the one document."""
    release = compat or NEWEST
    roots = [root for root in compose_all(text, source=source) if not root.is_null]
    if isinstance(patch, JsonPatch) and (compat is not None or len(roots) < 2):
        return None
    documents = documents_of(roots, source=source, release=release)
    config = MachineConfig.of(documents, release)
    if compat is not None:
        plain = Translated(applied(config, patch, release))
        return _spliced(text, roots, documents, plain.config, source), plain
    found = apply_translated(config, patch, lambda config, patch: applied(config, patch, release))
    if isinstance(patch, JsonPatch) and not found.is_translated:
        return None
    return _spliced(text, roots, documents, found.config, source), found


def _spliced(text: str, roots: list[Node], documents: list[Document], wanted: MachineConfig, source: str) -> str:
    """The text of these documents with what is wanted in their place."""
    splicer = Splicer(text, roots)
    gone: list[Node] = []
    for root, document in zip(roots, documents, strict=True):
        new = wanted.find(*document.key)
        if new is None:
            gone.append(root)
        else:
            splicer.document(root, _partial(document), _partial(new))
    result = splicer.result()
    for root in reversed(gone):
        result = _without_document(result, roots.index(root), source)
    known = {document.key for document in documents}
    result = _with_documents(result, [document for document in wanted.documents if document.key not in known])
    try:
        found: MachineConfig | None = MachineConfig.load(result, release=wanted.release) if wanted.documents else wanted
    except (ConfigError, DecodeError):
        found = None
    if found is None or not _equal(found, wanted):
        raise _refused(source)
    return result


def _partial(document: Document) -> dict[str, Any]:
    """What is set in a document; the main one keeps a key by which it can be told."""
    plain: dict[str, Any] = to_plain(document.type, document.fields, complete=False)
    if document.kind == MAIN and not any(key in plain for key in MAIN_KEYS):
        plain["machine"] = None
    return plain


def _equal(one: MachineConfig, other: MachineConfig) -> bool:
    documents = [{document.key: document.fields for document in config.documents} for config in (one, other)]
    return same(*documents)


def _without_document(text: str, index: int, source: str) -> str:
    """The text without the document of this index, nor the line that sets it apart from a neighbour."""
    roots = [root for root in compose_all(text, source=source) if not root.is_null]
    marks = [match.start() for match in _SEPARATOR.finditer(text) if _is_between(match.start(), roots)]
    root = roots[index]
    before = [mark for mark in marks if mark < root.start]
    after = [mark for mark in marks if mark > root.start]
    if before:
        return text[: before[-1]] + (text[after[0] :] if after else "")
    return text[text.find("\n", after[0]) + 1 :] if after else ""


def _is_between(mark: int, roots: list[Node]) -> bool:
    """Whether a line of three dashes is a separator and not part of a text."""
    return not any(root.start < mark < root.end for root in roots)


def _with_documents(text: str, documents: list[Document]) -> str:
    for document in documents:
        if text and not text.endswith("\n"):
            text += "\n"
        text += ("---\n" if text else "") + dump(_partial(document))
    return text


def _json(text: str, patch: JsonPatch, source: str, compat: Compat) -> tuple[str, bool]:
    """The patched text, and whether there were several documents."""
    roots = [root for root in compose_all(text, source=source) if not root.is_null]
    several = len(roots) > 1
    if compat is None:
        refuse_neighbours(roots, source)
    if several and compat is not None:
        raise ConfigError("JSON patches are not supported for a configuration of several documents; use a strategic patch")
    if not roots:
        new = patch.apply(None)
        return (text if new is None else text + dump(new)), False
    candidates = [root for root in roots if not several or kind_of(root, source=source) == MAIN]
    if not candidates:
        raise ConfigError(f"{source + ': ' if source else ''}no v1alpha1 document that the JSON patch could be applied to")
    root = candidates[0]
    old: Any = as_json(value_of(root, v2=True, source=source))
    new = (opening(patch, NEWEST, ()) if several else patch).apply(copy.deepcopy(old))
    splicer = Splicer(text, roots)
    splicer.document(root, old, new)
    result = splicer.result()
    if not _means(result, roots.index(root), len(roots), new):
        raise _refused(source)
    if several:
        MachineConfig.load(result)  # strict, as without keeping comments
    return result, several


def _means(text: str, place: int, count: int, value: Any) -> bool:
    """Whether a text has so many documents, and this value in the one at this place."""
    try:
        found = [root for root in compose_all(text) if not root.is_null]
        return len(found) == count and same(as_json(value_of(found[place], v2=True)), value)
    except (ConfigError, DecodeError):
        return False


def _refused(source: str) -> ConfigError:
    where = f"{source}: " if source else ""
    return ConfigError(f"{where}cannot be patched in place (does an anchor share what is patched?); do it without keeping comments")
