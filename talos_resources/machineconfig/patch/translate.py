"""Patches of the old sections, for a configuration that has documents in their place.

The documents that a patch is about become sections, the patch is applied to these, and they become
documents again. What neither the patch nor a section can say of a document stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from typing import Any

import attrs

from talos_resources.machineconfig.document import Document
from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.machineconfig.migrate.draft import Draft
from talos_resources.machineconfig.migrate.group import Group
from talos_resources.machineconfig.migrate.run import GROUPS, Stay, knows, move_backward, move_forward, rebuilt
from talos_resources.machineconfig.patch.deletes import Delete
from talos_resources.machineconfig.patch.load import Patch, StrategicPatch
from talos_resources.machineconfig.patch.rfc6902 import JsonPatch
from talos_resources.machineconfig.schema.table import MAIN
from talos_resources.model.errors import ConfigError
from talos_resources.releases import RELEASES

Apply = Callable[[MachineConfig, Patch], MachineConfig]


@attrs.frozen
class Translated:
    """What a patch made of a configuration, and one line for each matter that was translated."""

    config: MachineConfig
    notes: tuple[str, ...] = ()


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
    notes: list[str] = []
    for _, steps in groupby(patch.steps, key=lambda step: step.kind == MAIN):
        part = _part(config, StrategicPatch(tuple(steps)), apply)
        config = part.config
        notes += part.notes
    return Translated(config, tuple(notes))


def _part(config: MachineConfig, patch: Patch, apply: Apply) -> Translated:
    draft = Draft(config)
    paths = set(_paths(patch))
    groups = [group for group in GROUPS if _is_meant(group, paths, draft) and knows(config.release, group)]
    if not groups:
        return Translated(apply(config, patch))
    opened = [group for group in groups if not group.joins or not isinstance(patch, StrategicPatch) or patch.deletes]
    before = Draft(config)
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
    return Translated(result, (*_notes(config, result, groups, paths, draft.role), *(str(stay) for stay in stuck)))


@attrs.frozen
class _Closed:
    config: MachineConfig
    stays: tuple[Stay, ...]


def _closed(config: MachineConfig, groups: list[Group], original: MachineConfig) -> _Closed:
    """The configuration with the sections of these groups as documents again."""
    before = Draft(original)
    draft = Draft(config)
    draft.is_new_form, draft.is_translation = True, True
    stays = []
    for group in groups:
        if group.control_planes_only and draft.role == "worker":
            for path in group.sections:
                if before.get(path) is None:
                    draft.drop(path)
            continue
        stay = move_forward(draft, group)
        stays += [stay] if stay is not None else []
    return _Closed(rebuilt(draft, config), tuple(stays))


def _is_meant(group: Group, paths: set[str], draft: Draft) -> bool:
    """Whether a patch is about a group that is, or belongs, into documents."""
    touched = any(_overlap(path, section) for path in paths for section in group.sections)
    return touched and (draft.is_new_form or group.is_in_documents(draft))


def _overlap(one: str, other: str) -> bool:
    return not one or f"{one}.".startswith(f"{other}.") or f"{other}.".startswith(f"{one}.")


def _paths(patch: Patch) -> Iterator[str]:
    """The places of the v1alpha1 document that a patch is about."""
    if isinstance(patch, JsonPatch):
        for operation in patch.operations:
            for member in ("path", "from"):
                pointer = operation.get(member)
                if isinstance(pointer, str):
                    yield ".".join(step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:])
        return
    for step in patch.steps:
        if step.kind != MAIN:
            continue
        if isinstance(step, Delete):
            yield ".".join(step.path)
        else:
            yield from _leaves(step.fields)


def _leaves(fields: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in fields.items():
        path = f"{prefix}.{key}" if prefix else key
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, path)
        elif prefix:
            yield path


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


def _notes(ours: MachineConfig, result: MachineConfig, groups: list[Group], paths: set[str], role: str) -> Iterator[str]:
    """One line for each group: which sections the patch named, and what became of which documents."""
    for group in groups:
        since = next(release.contract for release in RELEASES if knows(release, group))
        named = ", ".join(sorted({path for path in paths for section in group.sections if path and _overlap(path, section)}))
        changes = [
            *(f"{old} left out" for old in ours.documents if old.kind in group.kinds and result.find(*old.key) is None),
            *(
                f"{new} {'changed' if old is not None else 'added'}"
                for new in result.documents
                if new.kind in group.kinds and (old := ours.find(*new.key)) != new
            ),
        ]
        if changes:
            yield f"Talos {since} keeps {group.name} in documents: {named} → {', '.join(changes)}"
        elif role == "worker" and group.control_planes_only:
            yield f"{named} is for control planes only: left out of the worker's configuration"
