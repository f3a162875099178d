"""A mesh in few rows: who has faults is named, who is alike is one row, and what stands together is a block.

A picture with a row for each of a thousand nodes is a slab of one colour in which nobody finds the one broken link.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from operator import itemgetter
from typing import Final

import attrs

from talos_resources.insight.mesh import LinkState, Mesh, MeshNode
from talos_resources.model.order import natural

COLLAPSED_FROM: Final = 40
"""From so many nodes on, those without a fault of their own are rows in common."""
MOST_NAMED: Final = 32
"""So many nodes with faults get a row of their own; the text says how many more there are."""
ELSEWHERE: Final = "other networks"

_MOST_SITES: Final = 12
_FEW: Final = 3
"""A node with so few broken links is not alone to blame: the other ends are named too."""
_MANY: Final = 4
"""So many nodes that lack the very same ones are one side of a cut."""
_LENGTHS: Final = ({4: 24, 6: 64}, {4: 20, 6: 56}, {4: 16, 6: 48})


@attrs.frozen(kw_only=True)
class Entry:
    """A row and column of the picture.

    Attributes:
        nodes: the indexes of its nodes; more than one are alike: no link between them is shown on its own.
        site: the network of their addresses; empty where networks tell nothing.
        faults: directions of links from and to them that are not up.
    """

    nodes: tuple[int, ...]
    site: str
    faults: int

    @property
    def is_group(self) -> bool:
        """Whether it stands for several nodes."""
        return len(self.nodes) > 1


@attrs.frozen(kw_only=True)
class Tally:
    """The directions of links from one entry to another: state → how many, those of a node to itself left out."""

    counts: Mapping[LinkState, int]

    @property
    def total(self) -> int:
        """How many somebody was asked about."""
        return sum(self.counts.values()) - self.counts.get(LinkState.UNSEEN, 0)

    @property
    def faults(self) -> int:
        """How many of them are not up."""
        return sum(count for state, count in self.counts.items() if state.is_fault)

    @property
    def state(self) -> LinkState:
        """The state that the cell shows: the most frequent fault, else up, else that nobody was asked."""
        faults = {state: count for state, count in self.counts.items() if state.is_fault and count}
        if faults:
            return max(faults, key=lambda state: faults[state])
        if not self.counts:
            return LinkState.SELF
        return LinkState.UP if self.total else LinkState.UNSEEN


@attrs.frozen(kw_only=True, slots=False)
class Outline:
    """The rows of a picture, the same as its columns.

    Attributes:
        mesh: of which it is.
        entries: sites together, the worst first; within a site nodes before groups, the worst first.
        unnamed: how many nodes with faults of their own are in groups, for want of room.
    """

    mesh: Mesh
    entries: tuple[Entry, ...]
    unnamed: int = 0

    @cached_property
    def tallies(self) -> tuple[tuple[Tally, ...], ...]:
        """For each entry, what its nodes see of each entry."""
        order = [index for entry in self.entries for index in entry.nodes]
        spans = _spans(self.entries)
        return tuple(_tallied(self.mesh, entry, order, spans) for entry in self.entries)

    def faulty(self) -> Iterator[tuple[int, int]]:
        """Pairs of entries between which something is not up, in either direction, the worst entry first."""
        for here, row in enumerate(self.tallies):
            for there in range(here, len(row)):
                if row[there].faults or self.tallies[there][here].faults:
                    yield here, there


def outline(mesh: Mesh) -> Outline:
    """The rows that a picture of the mesh needs."""
    sites = sites_of(mesh.nodes)
    if len(mesh.nodes) < COLLAPSED_FROM:
        return Outline(mesh=mesh, entries=_ordered(mesh, [((node.index,), sites[node.index]) for node in mesh.nodes]))
    peers = _faulty_peers(mesh)
    sides = _sides(peers, sites)
    named, unnamed = _to_name(peers, sides)
    groups: dict[tuple[str, frozenset[int]], list[int]] = {}
    for node in mesh.nodes:
        if node.index not in named:
            groups.setdefault((sites[node.index], sides.get(node.index, frozenset())), []).append(node.index)
    rows = [((index,), sites[index]) for index in sorted(named)]
    return Outline(mesh=mesh, entries=_ordered(mesh, [*rows, *((tuple(of), site) for (site, _), of in groups.items())]), unnamed=unnamed)


def blamed(mesh: Mesh) -> tuple[list[MeshNode], int]:
    """The fewest nodes that account for the broken links, and the other ends where they are few; the worst first.

    Returns:
        The nodes, and how many more there would be; none of the sides of a cut, of which nobody is to blame.
    """
    peers = _faulty_peers(mesh)
    named, unnamed = _to_name(peers, _sides(peers, sites_of(mesh.nodes)))
    return [node for node in mesh.worst_first() if node.index in named], unnamed


def sites_of(nodes: Sequence[MeshNode]) -> list[str]:
    """The site of each node: the network of its first address; all empty if there is only one.

    Networks are /24 (IPv6: /64), or wider ones if these would be too many to be sites.
    """
    most = max(2, min(_MOST_SITES, len(nodes) // 2))
    found: list[str] = []
    for lengths in _LENGTHS:
        found = [_network(node, lengths) for node in nodes]
        if len(set(found)) <= most:
            break
    counts = Counter(found)
    if len(counts) > most:
        largest = {name for name, count in counts.most_common(most - 1) if count > 1}
        found = [name if name in largest else ELSEWHERE for name in found]
    return found if len(set(found)) > 1 else [""] * len(nodes)


def _network(node: MeshNode, lengths: Mapping[int, int]) -> str:
    if not node.addresses:
        return ELSEWHERE
    address = node.addresses[0]
    return str(ipaddress.ip_network((address.packed, lengths[address.version]), strict=False))


def _faulty_peers(mesh: Mesh) -> list[frozenset[int]]:
    """With whom each node has a link that is not up, in either direction."""
    found: list[set[int]] = [set() for _ in mesh.nodes]
    for node in mesh.observed:
        if mesh.faults[node.index][0]:
            own = mesh.faulty(node)
            found[node.index].update(own)
            for column in own:
                found[column].add(node.index)
    return [frozenset(each) for each in found]


def _sides(peers: Sequence[frozenset[int]], sites: Sequence[str]) -> dict[int, frozenset[int]]:
    """The nodes that are one side of a cut → whom that side lacks: several that lack the very same several."""
    counts = Counter((sites[index], lacking) for index, lacking in enumerate(peers) if len(lacking) >= _MANY)
    return {index: lacking for index, lacking in enumerate(peers) if counts[sites[index], lacking] >= _MANY}


def _to_name(peers: Sequence[frozenset[int]], sides: Mapping[int, frozenset[int]]) -> tuple[set[int], int]:
    """The fewest nodes that account for the broken links, and the other ends of those with few; how many found no room.

    A greedy cover: the node with most broken links that are not accounted for yet comes first.
    """
    open_to = [{peer for peer in lacking if not (index in sides and peer in sides)} for index, lacking in enumerate(peers)]
    named: set[int] = set()
    while partners := set(open_to[most := max(range(len(open_to)), key=lambda index: len(open_to[index]))]):
        wanted = {most, *(partners if len(partners) <= _FEW else ())}
        if len(named | wanted) > MOST_NAMED:
            return named, sum(1 for index, lacking in enumerate(open_to) if lacking and index not in named)
        named |= wanted
        for peer in partners:
            open_to[peer].discard(most)
        open_to[most] = set()
    return named, 0


def _ordered(mesh: Mesh, rows: Sequence[tuple[tuple[int, ...], str]]) -> tuple[Entry, ...]:
    entries = [Entry(nodes=nodes, site=site, faults=sum(sum(mesh.faults[index]) for index in nodes)) for nodes, site in rows]
    # A group has the faults that its nodes have with others; what is worst is told by the nodes on their own.
    worst: Counter[str] = Counter()
    for entry in entries:
        worst[entry.site] = max(worst[entry.site], 0 if entry.is_group else entry.faults)
    return tuple(
        sorted(entries, key=lambda entry: (-worst[entry.site], natural(entry.site), entry.is_group, -entry.faults, entry.nodes[0]))
    )


def _spans(entries: Sequence[Entry]) -> list[tuple[int, int]]:
    spans, start = [], 0
    for entry in entries:
        spans.append((start, start + len(entry.nodes)))
        start += len(entry.nodes)
    return spans


def _tallied(mesh: Mesh, entry: Entry, order: Sequence[int], spans: Sequence[tuple[int, int]]) -> tuple[Tally, ...]:
    counts: list[Counter[LinkState]] = [Counter() for _ in spans]
    pick = itemgetter(*order) if len(order) > 1 else tuple
    for index in entry.nodes:
        row = bytes(pick(mesh.codes(index)))
        for (start, end), found in zip(spans, counts, strict=True):
            left = end - start
            for code, state in enumerate(LinkState):
                if left and (count := row.count(code, start, end)):
                    found[state] += count
                    left -= count
    return tuple(Tally(counts={state: count for state, count in found.items() if state is not LinkState.SELF}) for found in counts)
