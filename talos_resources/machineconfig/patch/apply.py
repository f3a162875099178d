"""Applies patches one after the other, as talosctl does, to a text or to a configuration."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

import attrs

from talos_resources.codec.goyaml.emit import dump
from talos_resources.codec.goyaml.nodes import Node, compose_all, to_text
from talos_resources.codec.goyaml.v2 import dump as dump_v2
from talos_resources.codec.goyaml.values import value_of
from talos_resources.machineconfig.document import Document
from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.machineconfig.loading import documents_of, kind_of, refuse_neighbours
from talos_resources.machineconfig.patch.deletes import Delete, apply_delete
from talos_resources.machineconfig.patch.load import Patch, StrategicPatch, as_json
from talos_resources.machineconfig.patch.rfc6902 import JsonPatch
from talos_resources.machineconfig.patch.strategic import check_copyable, merge_document
from talos_resources.machineconfig.patch.translate import Translated, apply_translated
from talos_resources.machineconfig.schema.table import MAIN
from talos_resources.model.errors import ConfigError
from talos_resources.releases import NEWEST, Release

Compat = Release | None
"""The release whose talosctl is imitated, also where we could do better."""

SEVERAL_DOCUMENTS: Final = "the JSON patch was applied to the v1alpha1 document (a JSON patch cannot name another one)"


NO_OPERATIONS: Final = "the patch is empty, so nothing is changed"


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
    run = _Run(compat, text=data, source=source)
    run.apply(patches)
    return Patched(run.result(), tuple(run.notes))


def patch_config(config: MachineConfig, patches: Iterable[Patch], *, compat: Compat = None) -> tuple[MachineConfig, tuple[str, ...]]:
    """Patches a configuration; gives the new one and the notes for the user.

    Raises:
        ConfigError, DecodeError: a patch is refused, or leaves what is no configuration.
    """
    run = _Run(compat, config=config)
    run.apply(patches)
    return run.decoded(), tuple(run.notes)


class _Run:
    """What is being patched: a text or, as long as nobody needs it as text, a configuration."""

    def __init__(self, compat: Compat, *, text: bytes | str = "", config: MachineConfig | None = None, source: str = "") -> None:
        self.notes: list[str] = []
        self._compat = compat
        self._release = NEWEST if compat is None else compat
        self._text = text
        self._config = config
        self._source = source  # a file name for errors; what a patch has written has none
        self._split_escapes = False
        self._lost: list[int] = []  # behind how many others than the main document each stands that was not there to be deleted

    def apply(self, patches: Iterable[Patch]) -> None:
        """Applies the patches in their order."""
        for patch in joined(patches):
            if isinstance(patch, StrategicPatch):
                self._strategic(patch)
            else:
                self._json(patch)

    def decoded(self) -> MachineConfig:
        """The configuration, decoded if it has to be."""
        if self._config is None:
            self._refuse_split_escapes()
            self._config = MachineConfig.load(self._text, source=self._source, release=self._release)
        return self._config

    def result(self) -> str:
        """The text, written if it has to be."""
        if self._config is None:
            self._refuse_split_escapes()
            return to_text(self._text, source=self._source)
        texts = [document.text() for document in self._config.documents]
        main = self._config.main is not None
        for others in reversed(self._lost):
            texts.insert(main + others, "{}\n")  # what talosctl leaves of it
        return "---\n".join(texts)

    def _strategic(self, patch: StrategicPatch) -> None:
        config = self.decoded()
        check_copyable(config)
        if self._compat is None:
            self._translate(config, patch)
            return
        for step in patch.steps:
            if isinstance(step, Delete) and self._leaves_empty(step, config):
                self._lost.append(len(config.documents) - (config.main is not None))
            else:
                config = _step(config, step, self._release, with_losses=True)
        self._config = config

    def _translate(self, config: MachineConfig, patch: Patch) -> None:
        """Applies a patch, its old sections to the documents in their place."""
        found = apply_translated(config, patch, lambda config, patch: applied(config, patch, self._release))
        self._config = found.config
        self.notes += notes_of(found, patch, self.notes)

    def _leaves_empty(self, delete: Delete, config: MachineConfig) -> bool:
        """Whether the talosctl that is imitated makes an empty document of one that it cannot delete."""
        leaves = self._compat is not None and self._release.patch.absent_document_leaves_empty
        return leaves and not delete.name and delete.target(config) is None

    def _json(self, patch: JsonPatch) -> None:
        self._split_escapes = patch.split_escapes
        text = self._text if self._config is None else self._config.text()
        every = compose_all(text, source=self._source)
        roots = [root for root in every if not root.is_null]
        if self._compat is None:
            refuse_neighbours(roots, self._source)
        if len(roots if self._compat is None else every) <= 1:
            document = as_json(value_of(roots[0], v2=True, source=self._source)) if roots else None
            self._text, self._config = dump_v2(patch.apply(document)), None
        elif self._compat is not None:
            raise ConfigError("JSON patches are not supported for a configuration of several documents; use a strategic patch")
        else:
            self._translate(MachineConfig.load(text, source=self._source, release=self._release), patch)
        self._source = ""

    def _refuse_split_escapes(self) -> None:
        if self._split_escapes and self._compat is not None:
            raise ConfigError("talosctl cannot write back the \\u escapes beyond U+FFFF in the JSON patch")


def notes_of(found: Translated, patch: Patch, told: list[str]) -> Iterator[str]:
    """What there is to say of a patch beside what was told of those before it."""
    notes = list(found.notes)
    if isinstance(patch, JsonPatch) and not patch.operations:
        notes.append(NO_OPERATIONS)
    elif isinstance(patch, JsonPatch) and not found.is_translated:
        notes.append(SEVERAL_DOCUMENTS)
    elif isinstance(patch, JsonPatch) and found.plain:
        notes.append(f"{', '.join(found.plain)} was set in the v1alpha1 document (a JSON patch cannot name another one)")
    yield from (note for note in notes if note not in told)


def apply_strategic(config: MachineConfig, patch: StrategicPatch, release: Release = NEWEST) -> MachineConfig:
    """Does what the patch says, in its order.

    Raises:
        ConfigError: a delete that leads to nothing, or values that cannot be merged.
    """
    check_copyable(config)
    for step in patch.steps:
        config = _step(config, step, release)
    return config


def _step(config: MachineConfig, step: Delete | Document, release: Release, *, with_losses: bool = False) -> MachineConfig:
    if isinstance(step, Delete):
        return apply_delete(config, step, release)
    return merge_document(config, step, with_losses=with_losses)


def applied(config: MachineConfig, patch: Patch, release: Release) -> MachineConfig:
    """A configuration with a patch done to it as it stands; a JSON patch is done to its v1alpha1 document.

    Raises:
        ConfigError, DecodeError: the patch does not apply, or leaves what is no configuration.
    """
    if isinstance(patch, StrategicPatch):
        return apply_strategic(config, patch, release)
    return _patch_main(compose_all(config.text()), patch, "", release)


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


def _patch_main(roots: list[Node], patch: JsonPatch, source: str, release: Release) -> MachineConfig:
    """The configuration with the JSON patch applied to its v1alpha1 document."""
    main = [root for root in roots if kind_of(root, source=source, release=release) == MAIN]
    if not main:
        raise ConfigError(f"{source + ': ' if source else ''}no v1alpha1 document that the JSON patch could be applied to")
    patched: Any = patch.apply(as_json(value_of(main[0], v2=True, source=source)))
    rest = [root for root in roots if root is not main[0]]
    others = documents_of(rest, source=source, release=release) if rest else []
    return MachineConfig.of([*documents_of(compose_all(dump(patched)), release=release), *others], release)
