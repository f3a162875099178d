"""Patches of the old sections, for a configuration that has documents in their place.

The documents that a patch is about become sections, the patch is applied to these, and they become
documents again. What neither the patch nor a section can say of a document stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import groupby
from typing import Any

import attrs

from talos_resources.machineconfig.document import Document
from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.machineconfig.migrate.draft import Draft, Moved
from talos_resources.machineconfig.migrate.group import Group
from talos_resources.machineconfig.migrate.run import GROUPS, Stay, knows, move_backward, move_forward, rebuilt
from talos_resources.machineconfig.patch.load import Patch, StrategicPatch
from talos_resources.machineconfig.patch.rfc6902 import JsonPatch
from talos_resources.machineconfig.patch.told import told
from talos_resources.machineconfig.patch.wishes import opening, wishes_of
from talos_resources.machineconfig.schema.table import MAIN
from talos_resources.model.errors import ConfigError

Apply = Callable[[MachineConfig, Patch], MachineConfig]


@attrs.frozen
class Translated:
    """What a patch made of a configuration.

    Attributes:
        config: the configuration.
        notes: one line for each matter that was translated, or left out.
        is_translated: some of the patch was about sections that documents stand for.
        plain: what the patch did to the v1alpha1 document as it stands.
    """

    config: MachineConfig
    notes: tuple[str, ...] = ()
    is_translated: bool = False
    plain: tuple[str, ...] = ()


def apply_translated(config: MachineConfig, patch: Patch, apply: Apply) -> Translated:
    """Applies a patch; what it wants of sections is done to the documents that stand in their place.

    Args:
        config: of any form; without documents in the place of what the patch is about, it is just patched.
        patch: strategic or JSON.
        apply: patches a configuration as it stands.

    Raises:
        ConfigError, DecodeError: the patch does not apply, or wants what no document can say together with
            what no section can say.
    """
    if isinstance(patch, JsonPatch):
        return _part(config, patch, apply)
    parts: list[Translated] = []
    for _, steps in groupby(patch.steps, key=lambda step: step.kind == MAIN):
        parts.append(_part(parts[-1].config if parts else config, StrategicPatch(tuple(steps)), apply))
    return Translated(
        parts[-1].config if parts else config,
        tuple(note for part in parts for note in part.notes),
        is_translated=any(part.is_translated for part in parts),
        plain=tuple(path for part in parts for path in part.plain),
    )


def meant(config: MachineConfig, patch: Patch) -> list[Group]:
    """The groups that a patch is about and that are, or belong, into documents."""
    draft, wishes = Draft(config), wishes_of(patch)
    return [
        group
        for group in GROUPS
        if any(wish.is_about(group.sections) for wish in wishes)
        and (draft.is_new_form or group.is_in_documents(draft))
        and knows(config.release, group)
    ]


def _part(config: MachineConfig, patch: Patch, apply: Apply) -> Translated:
    groups = meant(config, patch)
    if isinstance(patch, JsonPatch):
        patch = opening(patch, config.release, groups)
    if not groups:
        return Translated(apply(config, patch), plain=tuple(wish.path for wish in wishes_of(patch)))
    draft, before = Draft(config), Draft(config)
    opened = [group for group in groups if not group.joins or not isinstance(patch, StrategicPatch) or patch.deletes]
    lost = {group.name: move_backward(draft, group, before) for group in opened}
    sections = rebuilt(draft, config)
    base = _closed(sections, opened, config)
    theirs = _closed(apply(sections, patch), groups, config)
    stuck = [stay for stay in theirs.stays if stay not in base.stays]
    for group in groups:
        for stay in stuck:
            if stay.path.startswith(group.sections) and lost.get(group.name):
                raise ConfigError(f"{stay}; and {', '.join(lost[group.name])} has no place in a section, so neither form can say both")
    sections_again = {kind for group in groups for kind in group.kinds if any(stay.path.startswith(group.sections) for stay in stuck)}
    result = _merged(config, base.config, theirs.config, sections_again)
    wishes = wishes_of(patch)
    notes = told(config, result, wishes, theirs.moves, stuck)
    plain = tuple(wish.path for wish in wishes if not any(wish.is_about(group.sections) for group in groups))
    return Translated(result, tuple(notes), is_translated=True, plain=plain)


@attrs.frozen
class _Closed:
    config: MachineConfig
    stays: tuple[Stay, ...]
    moves: Mapping[str, list[Moved]]


def _closed(config: MachineConfig, groups: list[Group], original: MachineConfig) -> _Closed:
    """The configuration with the sections of these groups as documents again, and what went where in each group."""
    before = Draft(original)
    draft = Draft(config)
    draft.is_new_form, draft.is_translation = True, True
    stays = []
    moves = {}
    for group in groups:
        if group.control_planes_only and draft.role == "worker":
            for path in group.sections:
                if before.get(path) is None:
                    draft.drop(path)
            continue
        told_before = len(draft.moves)
        stay = move_forward(draft, group)
        stays += [stay] if stay is not None else []
        moves[group.name] = draft.moves[told_before:]
    return _Closed(rebuilt(draft, config), tuple(stays), moves)


def _merged(ours: MachineConfig, base: MachineConfig, theirs: MachineConfig, gone: set[str]) -> MachineConfig:
    """Our configuration with what differs between the two others done to it, without what is a section again."""
    documents: list[Document] = []
    for document in ours.documents:
        was, becomes = base.find(*document.key), theirs.find(*document.key)
        if document.kind == MAIN:
            documents += [becomes] if becomes is not None else []
        elif (was is None and becomes is None) or was == becomes:
            documents += [document] if document.kind not in gone or becomes is not None else []
        elif becomes is not None:
            fields = _three_way(document.fields, was.fields if was is not None else {}, becomes.fields)
            documents.append(document.with_fields(fields))
    known = {document.key for document in ours.documents}
    documents += [document for document in theirs.documents if document.key not in known and base.find(*document.key) != document]
    return MachineConfig.of(documents, ours.release)


def _three_way(ours: Mapping[str, Any], base: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for key in dict.fromkeys((*ours, *theirs)):
        one, was, becomes = ours.get(key), base.get(key), theirs.get(key)
        if was == becomes:
            value = one
        elif isinstance(one, Mapping) and isinstance(becomes, Mapping):
            value = _three_way(one, was if isinstance(was, Mapping) else {}, becomes)
        else:
            value = becomes
        if value is not None:
            merged[key] = value
    return merged
