"""What the translation of a patch did and what it left out, one line for each matter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.machineconfig.form import form_of
from talos_resources.machineconfig.migrate.draft import Draft, Moved
from talos_resources.machineconfig.migrate.group import Group
from talos_resources.machineconfig.migrate.run import GROUPS, Stay, knows
from talos_resources.machineconfig.patch.wishes import Wish, overlap
from talos_resources.releases import RELEASES

Key = tuple[str, str]


def told(
    ours: MachineConfig, result: MachineConfig, wishes: Iterable[Wish], moves: Mapping[str, list[Moved]], stuck: Iterable[Stay]
) -> Iterator[str]:
    """The lines.

    Args:
        ours: the configuration before.
        result: what became of it.
        wishes: what the patch is about.
        moves: group → what went where when its sections became documents.
        stuck: sections that could not become documents.
    """
    is_worker, wanted, after = Draft(ours).role == "worker", tuple(wishes), Draft(result)
    owners = _owners(moves)
    for group in GROUPS:
        if group.name not in moves and not group.control_planes_only:
            continue
        mine = [wish for wish in wanted if wish.is_about(group.sections)]
        if not mine:
            continue
        gone = _not_for_workers(group, mine) if is_worker else []
        if gone:
            names = [name for wish in mine for name in ([wish.path] if {*wish.leaves} <= {*gone} else {*wish.leaves} & {*gone})]
            yield f"{_listed(names)} {_is(names)} for control planes only: left out"
        stays = any(overlap(stay.path, section) for stay in stuck for section in group.sections)
        dead = [] if stays else [leaf for wish in mine if not wish.is_removal for leaf in wish.leaves if leaf in group.dead]
        if dead:
            yield f"{_listed(dead)} {'means' if len(dead) == 1 else 'mean'} nothing any more: left out"
        named = _listed(wish.path for wish in mine if not set(wish.leaves) <= {*gone, *dead})
        changes = list(_changes(group, ours, result, owners))
        kept = any(after.get(leaf) is not None for wish in mine for leaf in wish.leaves)
        if changes or (named and not stays):
            what = ", ".join(changes) or ("set in the v1alpha1 document" if kept else "nothing to change")
            yield f"Talos {_since(group, ours)} keeps {group.name} in documents: {named} → {what}"
    yield from map(str, stuck)


def _since(group: Group, config: MachineConfig) -> str:
    """The Talos for which the configuration is written; at least the one that has the documents."""
    first = next(release.contract for release in RELEASES if knows(release, group))
    return str(max(first, form_of(config)))


def _owners(moves: Mapping[str, list[Moved]]) -> dict[Key, str]:
    """Which group made a document that is of none of its kinds."""
    kinds = {group.name: group.kinds for group in GROUPS}
    return {(move.kind, move.name): name for name, found in moves.items() for move in found if move.kind not in kinds[name]}


def _changes(group: Group, ours: MachineConfig, result: MachineConfig, owners: Mapping[Key, str]) -> Iterator[str]:
    def is_mine(key: Key) -> bool:
        return owners[key] == group.name if key in owners else key[0] in group.kinds

    for old in ours.documents:
        if is_mine(old.key) and result.find(*old.key) is None:
            yield f"{old} left out"
    for new in result.documents:
        was = ours.find(*new.key)
        if is_mine(new.key) and was != new:
            yield f"{new} {'added' if was is None else 'changed'}"


def _not_for_workers(group: Group, wishes: Iterable[Wish]) -> list[str]:
    """The values that only control planes look at."""
    paths = group.for_control_planes
    return [leaf for wish in wishes for leaf in wish.leaves if any(f"{leaf}.".startswith(f"{path}.") for path in paths)]


def _listed(paths: Iterable[str]) -> str:
    return ", ".join(sorted(set(paths)))


def _is(paths: list[str]) -> str:
    return "is" if len(set(paths)) == 1 else "are"
