"""`migrate`: the form of a configuration is that of another release, and it means the same."""

from __future__ import annotations

from typing import Any, Final

import attrs

from talos_resources.codec.goyaml.emit import dump
from talos_resources.codec.goyaml.nodes import compose_all
from talos_resources.machineconfig.document import Document
from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.machineconfig.encode import to_plain
from talos_resources.machineconfig.loading import documents_of
from talos_resources.machineconfig.migrate.cluster_groups import CLUSTER_GROUPS
from talos_resources.machineconfig.migrate.component_groups import COMPONENT_GROUPS
from talos_resources.machineconfig.migrate.draft import Draft, Moved, StaysError
from talos_resources.machineconfig.migrate.group import Group
from talos_resources.machineconfig.migrate.kubernetes_groups import CLUSTER_NAME, KUBERNETES_GROUPS
from talos_resources.machineconfig.migrate.machine_groups import MACHINE_GROUPS
from talos_resources.machineconfig.migrate.network_group import NETWORK_GROUPS
from talos_resources.machineconfig.migrate.older import cut_unknown
from talos_resources.machineconfig.schema.table import MAIN
from talos_resources.model.errors import DecodeError
from talos_resources.releases import NEWEST, Feature, Release

GROUPS: Final[tuple[Group, ...]] = (
    *CLUSTER_GROUPS,
    *MACHINE_GROUPS,
    *KUBERNETES_GROUPS,
    *NETWORK_GROUPS,
    *COMPONENT_GROUPS,
    CLUSTER_NAME,
)
"""In the order in which they move, which is that of the new documents."""


_EMPTY: Final = tuple(f"machine.{key}" for key in ("network", "features", "registries", "kernel", "udev", "controlPlane"))
"""Sections that say nothing when they are empty."""


_NOT_MOVED: Final = {
    "machine.network.interfaces": "an interface is one or several documents (LinkConfig, VLANConfig, …) that only its owner can name",
    "machine.disks": "a UserVolumeConfig makes a partition of its own and mounts it elsewhere, so what is on the disk would not be found",
}
"""What no group moves although Talos has documents for it, and why."""


@attrs.frozen
class Stay:
    """What stays where it is, and why."""

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path} stays: {self.reason}"


@attrs.frozen(kw_only=True)
class Migration:
    """What became of a configuration.

    Attributes:
        config: in its new form.
        moved: each value that went somewhere.
        stays: what the release has no better place for.
        lost: what the release has no place for at all; `config` does not have it.
    """

    config: MachineConfig
    moved: tuple[Moved, ...] = ()
    stays: tuple[Stay, ...] = ()
    lost: tuple[str, ...] = ()


def migrate(config: MachineConfig, *, to: Release = NEWEST) -> Migration:
    """A configuration in the newest form that a release knows.

    Sections go into documents where the release knows these, documents back into sections where it does
    not. A section moves as a whole or stays as a whole, so that what comes out is never refused for what
    this did. What it means stays the same: see `meaning`.

    Args:
        config: of any release.
        to: the release whose form is wanted.
    """
    draft, before = Draft(config), Draft(config)
    stays: list[Stay] = []
    lost: list[str] = []
    for group in GROUPS:
        if not knows(to, group):
            lost += move_backward(draft, group, before)
            continue
        stay = move_forward(draft, group)
        stays += [stay] if stay is not None else []
    if to.contract.has(Feature.DOCUMENTS):
        told = {stay.path for stay in stays}
        stays += [Stay(path, reason) for path, reason in _NOT_MOVED.items() if path not in told and draft.get(path)]
    for path in _EMPTY:
        if draft.get(path) == {}:
            draft.drop(path)
    lost += [f"{_label(kind, fields)}" for kind, fields in draft.documents if kind not in to.document_kinds]
    draft.documents = [entry for entry in draft.documents if entry[0] in to.document_kinds]
    for kind, fields in [*([(MAIN, draft.main)] if draft.main is not None else []), *draft.documents]:
        label = "" if kind == MAIN else f"{_label(kind, fields)}."
        unknown = list(cut_unknown(kind, fields, to))
        lost += [f"{label}{path}" for path in unknown]
        if unknown and kind != MAIN:
            draft.cut(kind, fields, ("",))
    return Migration(config=rebuilt(draft, config), moved=tuple(draft.moves), stays=tuple(stays), lost=tuple(lost))


def knows(release: Release, group: Group) -> bool:
    """Whether a release has the documents of a group."""
    return release.document_kinds.issuperset(group.kinds) and not (group.since is not None and release.contract < group.since)


def move_forward(draft: Draft, group: Group) -> Stay | None:
    """Moves a group into documents; gives back why it stays if it does."""
    present = [path for path in group.sections if draft.get(path) is not None]
    if group.is_in_documents(draft) and not group.joins:
        if not present:
            return None
        return Stay(present[0], f"there is a {' or '.join(group.kinds)} already; Talos refuses both together")
    if group.control_planes_only and draft.role == "worker":
        return Stay(present[0], "only control planes look at it") if present else None
    before = draft.snapshot()
    try:
        group.forward(draft)
        for kind, fields in draft.of_kind(*group.kinds):
            _read_again(Document(kind, fields))
    except StaysError as error:
        return Stay(error.path, error.reason)
    except DecodeError as error:
        draft.restore(before)
        return Stay(present[0], f"{error.path or 'a value'}: {error.text}")
    return None


def move_backward(draft: Draft, group: Group, before: Draft) -> tuple[str, ...]:
    """Moves a group into sections; gives back what these cannot hold.

    Args:
        draft: is changed.
        group: what is moved.
        before: the configuration as it was before any group moved.
    """
    both = [path for path in group.sections if before.get(path) is not None]
    if both and not group.joins and group.is_in_documents(draft):
        for kind, fields in draft.of_kind(*group.kinds):
            draft.cut(kind, fields, group.fields)
        return (f"{' and '.join(group.kinds)}, beside which there is {both[0]}",)
    lost, told = tuple(group.lost(draft)), len(draft.moves)
    documents = list(draft.of_kind(*group.kinds))
    group.backward(draft)
    if len(draft.moves) == told:
        draft.moves += [Moved(group.sections[0], kind, str(fields.get("name", "")), is_back=True) for kind, fields in documents]
    return lost


def rebuilt(draft: Draft, config: MachineConfig) -> MachineConfig:
    """The configuration that a draft has become; documents that did not change are the very same."""
    documents: list[Document] = []
    if draft.main is not None:
        documents.append(_document(MAIN, draft.main, config.main))
    for kind, fields in draft.documents:
        documents.append(_document(kind, fields, config.find(kind, str(fields.get("name", "")))))
    return MachineConfig.of(documents)


def _document(kind: str, fields: dict[str, Any], old: Document | None) -> Document:
    if old is not None and old.fields == fields:
        return old
    new = _read_again(Document(kind, fields))
    return attrs.evolve(new, line=old.line if old is not None else 0)


def _read_again(document: Document) -> Document:
    """The document with each value in the form in which its field is written.

    Raises:
        DecodeError: a value does not fit its field.
    """
    text = dump(to_plain(document.type, document.fields, complete=False))
    return documents_of(compose_all(text, source=document.kind), source=document.kind)[0]


def _label(kind: str, fields: dict[str, Any]) -> str:
    return f"{kind}/{fields['name']}" if fields.get("name") else kind
