"""Applies patches one after the other, as talosctl does, to a text or to a configuration."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final, Literal

import attrs

from talos_resources.codec.goyaml.emit import dump
from talos_resources.codec.goyaml.nodes import Node, compose_all, to_text
from talos_resources.codec.goyaml.v2 import dump as dump_v2
from talos_resources.codec.goyaml.values import value_of
from talos_resources.machineconfig.documents import MAIN, MachineConfig, documents_of, kind_of
from talos_resources.machineconfig.patch.deletes import apply_delete
from talos_resources.machineconfig.patch.load import Patch, StrategicPatch, as_json
from talos_resources.machineconfig.patch.rfc6902 import JsonPatch
from talos_resources.machineconfig.patch.strategic import merge_documents
from talos_resources.model.errors import ConfigError

Compat = Literal["talosctl"] | None
"""`talosctl` refuses what talosctl refuses, where we could do better."""

SEVERAL_DOCUMENTS: Final = "the JSON patch was applied to the v1alpha1 document (a JSON patch cannot name another one)"


@attrs.frozen
class Patched:
    """What patching gave.

    Attributes:
        text: the configuration as YAML.
        notes: what the user should know, one line each.
    """

    text: str = attrs.field(repr=False)
    notes: tuple[str, ...] = ()


def patch_text(data: bytes | str, patches: Iterable[Patch], *, source: str = "", compat: Compat = None) -> Patched:
    """Patches the text of a configuration.

    Strategic patches decode it strictly and write it in Talos's form; JSON patches do not look at the
    fields, and what they write last has sorted keys. Neighbouring JSON patches count as one.

    Raises:
        ConfigError, DecodeError: the text or the patch is refused; nothing is changed then.
    """
    text: bytes | str = data
    config: MachineConfig | None = None
    notes: list[str] = []
    split, lost = False, 0
    for patch in joined(patches):
        if isinstance(patch, StrategicPatch):
            if config is None:
                _refuse_split_escapes(split, compat)
                config = MachineConfig.load(text, source=source if text is data else "")
            if compat == "talosctl":
                found = _without_lost(config, patch)
                lost, patch = lost + len(patch.deletes) - len(found.deletes), found  # noqa: PLW2901 - what is left
            config = apply_strategic(config, patch)
            continue
        text = text if config is None else config.text()
        split = patch.split_escapes
        text, config, note = _apply_json(text, patch, source=source if text is data else "", compat=compat)
        notes += [note] if note and note not in notes else []
    if config is None:
        _refuse_split_escapes(split, compat)
    result = config.text() if config is not None else to_text(text, source=source)
    return Patched(result + "---\n{}\n" * lost, tuple(notes))  # talosctl's trace of a document that was not there


def patch_config(config: MachineConfig, patches: Iterable[Patch], *, compat: Compat = None) -> tuple[MachineConfig, tuple[str, ...]]:
    """Patches a configuration; gives the new one and the notes for the user.

    Raises:
        ConfigError, DecodeError: a patch is refused, or leaves what is no configuration.
    """
    steps = list(patches)
    if not steps:
        return config, ()
    patched = patch_text(config.text(), steps, compat=compat)
    return MachineConfig.load(patched.text), patched.notes


def apply_strategic(config: MachineConfig, patch: StrategicPatch) -> MachineConfig:
    """Does the deletes, then merges the documents.

    Raises:
        ConfigError: a delete that leads to nothing, or values that cannot be merged.
    """
    for delete in patch.deletes:
        config = apply_delete(config, delete)
    return merge_documents(config, patch.documents)


def _without_lost(config: MachineConfig, patch: StrategicPatch) -> StrategicPatch:
    """The patch without deletes of unnamed documents that are not there."""
    kept = [d for d in patch.deletes if d.path or d.name or config.find(d.kind) is not None]
    return attrs.evolve(patch, deletes=tuple(kept))


def joined(patches: Iterable[Patch]) -> Iterator[Patch]:
    """The patches with neighbouring JSON patches made one."""
    pending: JsonPatch | None = None
    for patch in patches:
        if isinstance(patch, JsonPatch):
            pending = patch if pending is None else pending.joined(patch)
            continue
        if pending is not None:
            yield pending
            pending = None
        yield patch
    if pending is not None:
        yield pending


def _refuse_split_escapes(found: bool, compat: Compat) -> None:
    if found and compat == "talosctl":
        raise ConfigError("talosctl cannot write back the \\u escapes beyond U+FFFF in the JSON patch")


def _apply_json(text: bytes | str, patch: JsonPatch, *, source: str, compat: Compat) -> tuple[str, MachineConfig | None, str]:
    """The patched text, the configuration if there are several documents, and a note."""
    roots = [root for root in compose_all(text, source=source) if not root.is_null]
    if len(roots) <= 1:
        document = as_json(value_of(roots[0], v2=True, source=source)) if roots else None
        return dump_v2(patch.apply(document)), None, ""
    if compat == "talosctl":
        raise ConfigError("JSON patches are not supported for a configuration of several documents; use a strategic patch")
    return "", _patch_main(roots, patch, source), SEVERAL_DOCUMENTS


def _patch_main(roots: list[Node], patch: JsonPatch, source: str) -> MachineConfig:
    """The configuration with the JSON patch applied to its v1alpha1 document."""
    main = [root for root in roots if kind_of(root, source=source) == MAIN]
    if not main:
        raise ConfigError(f"{source + ': ' if source else ''}no v1alpha1 document that the JSON patch could be applied to")
    patched: Any = patch.apply(as_json(value_of(main[0], v2=True, source=source)))
    others = documents_of([root for root in roots if root is not main[0]], source=source)
    return MachineConfig.of([*documents_of(compose_all(dump(patched))), *others])
