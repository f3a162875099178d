"""Nodes in groups, so that a mesh of a thousand stays readable."""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Final

import attrs

from talos_resources.insight.mesh import LinkState, Mesh, MeshNode
from talos_resources.model.errors import QueryError
from talos_resources.model.near import did_you_mean
from talos_resources.model.net import IPAddress
from talos_resources.model.order import natural

NO_GROUP: Final = "(none)"
KEYS: Final = "site, type, name, label:KEY"

_NETWORK_BITS: Final = {4: 24, 6: 64}
_NUMBER: Final = re.compile(r"[-.]?\d+$")


@attrs.frozen(kw_only=True, slots=False)
class Group:
    """Some nodes of a mesh.

    Attributes:
        name: what they have in common.
        nodes: in the order of the mesh.
        counts: state → how many of the directions that these nodes observe.
    """

    name: str
    nodes: tuple[MeshNode, ...]
    counts: Mapping[LinkState, int]

    @cached_property
    def faults(self) -> int:
        """How many of them are not up."""
        return sum(count for state, count in self.counts.items() if state.is_fault)

    @property
    def total(self) -> int:
        """How many there are."""
        return sum(self.counts.values())


@attrs.frozen(kw_only=True)
class Between:
    """How many directions from one group to another are not up, and how many there are."""

    faults: int
    total: int


@attrs.frozen(kw_only=True)
class Grouped:
    """A mesh in groups.

    Attributes:
        by: the key that made them.
        groups: those with most faults first, then by name.
        between: (observers' group, peers' group) → what is not up, for pairs where something is not.
    """

    by: str
    groups: tuple[Group, ...]
    between: Mapping[tuple[str, str], Between]


def group_key(by: str) -> Callable[[MeshNode], str]:
    """What finds the group of a node.

    Args:
        by: `site` (the network of its first address), `type` (control plane or worker), `name` (its name
            without the number at its end), or `label:KEY` (a label of its member, affiliate or peers).

    Raises:
        QueryError: it is none of these; which is nearest is said.
    """
    kind, _, key = by.partition(":")
    if kind == "label" and key:
        return lambda node: node.labels.get(key, NO_GROUP)
    known: dict[str, Callable[[MeshNode], str]] = {
        "site": lambda node: _network(node.addresses[0]) if node.addresses else NO_GROUP,
        "type": lambda node: node.machine_type.value,
        "name": lambda node: _NUMBER.sub("", node.name) or node.name,
    }
    if by not in known:
        raise QueryError(f'cannot group by "{by}"; choose one of {KEYS}{did_you_mean(by, known)}')
    return known[by]


def grouped(mesh: Mesh, by: str) -> Grouped:
    """The nodes of a mesh in groups.

    Raises:
        QueryError: see `group_key`.
    """
    key_of = group_key(by)
    keys = [key_of(node) for node in mesh.nodes]
    members: dict[str, list[int]] = {}
    for index, key in enumerate(keys):
        members.setdefault(key, []).append(index)
    faults: Counter[tuple[str, str]] = Counter()
    for row in mesh.observed:
        if mesh.faults[row.index][0]:
            faults.update((keys[row.index], key) for key, state in zip(keys, mesh.row(row), strict=True) if state.is_fault)
    groups = [_group(mesh, name, indexes) for name, indexes in members.items()]
    asked = {name: sum(mesh.nodes[index].is_observed for index in indexes) for name, indexes in members.items()}
    between = {
        (here, there): Between(faults=count, total=asked[here] * (len(members[there]) - (here == there)))
        for (here, there), count in faults.items()
    }
    return Grouped(by=by, groups=tuple(sorted(groups, key=lambda group: (-group.faults, natural(group.name)))), between=between)


def _group(mesh: Mesh, name: str, indexes: Sequence[int]) -> Group:
    rows = [mesh.row(index) for index in indexes if mesh.nodes[index].is_observed]
    counts = {state: sum(row.count(state) for row in rows) for state in mesh.counts}
    return Group(name=name, nodes=tuple(mesh.nodes[index] for index in indexes), counts=counts)


def _network(address: IPAddress) -> str:
    return str(ipaddress.ip_network((address.packed, _NETWORK_BITS[address.version]), strict=False))
