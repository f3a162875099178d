"""Pairs of nodes that have one cause, and what to call them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from talos_resources.insight.facts.combined import Case
from talos_resources.insight.facts.evidence import Pair


def by_shared_end(pairs: Iterable[Pair]) -> Iterator[tuple[int | None, list[Pair]]]:
    """Pairs that one cause may have: all between two sets of nodes, then by the node that most share; None for these and a pair alone."""
    left = dict.fromkeys(pairs)
    while found := sides(left):
        for ones, theirs in found:
            block = sorted(ordered(one, other) for one in ones for other in theirs)
            for pair in block:
                del left[pair]
            yield None, block
    others = _partners(left)
    while others:
        most = max(others, key=lambda index: (len(others[index]), index))
        mine = others.pop(most)
        for index in mine:
            others[index].discard(most)
            if not others[index]:
                del others[index]
        if mine:
            yield (most if len(mine) > 1 else None), [ordered(most, index) for index in sorted(mine)]


def _partners(pairs: Iterable[Pair]) -> dict[int, set[int]]:
    others: dict[int, set[int]] = {}
    for here, there in pairs:
        others.setdefault(here, set()).add(there)
        others.setdefault(there, set()).add(here)
    return others


def sides(pairs: Iterable[Pair]) -> list[tuple[list[int], list[int]]]:
    """Two sets of several nodes each between which all pairs are there, such as two places: the largest first, none of a pair twice."""
    partners: dict[frozenset[int], list[int]] = {}
    for index, others in _partners(pairs).items():
        partners.setdefault(frozenset(others), []).append(index)
    found, taken = [], set[Pair]()
    for theirs, ones in sorted(partners.items(), key=lambda item: (-len(item[0]) * len(item[1]), min(item[1]))):
        block = {ordered(one, other) for one in ones for other in theirs}
        if min(len(ones), len(theirs)) > 1 and taken.isdisjoint(block):
            taken |= block
            found.append((sorted(ones), sorted(theirs)))
    return found


def connected(pairs: Iterable[Pair]) -> Iterator[list[Pair]]:
    """Pairs that hang together through common nodes."""
    leader: dict[int, int] = {}

    def find(index: int) -> int:
        while leader.setdefault(index, index) != index:
            leader[index] = index = leader[leader[index]]
        return index

    every = list(pairs)
    for here, there in every:
        leader[find(here)] = find(there)
    clusters: dict[int, list[Pair]] = {}
    for pair in every:
        clusters.setdefault(find(pair[0]), []).append(pair)
    yield from clusters.values()


def crossing(case: Case, parts: Iterable[Iterable[int]]) -> list[Pair]:
    """Pairs that are not up, with one end in one part and one in another.

    A node of no part, such as one that did not answer, belongs to the part that knows it; one that several know, or
    none, is in no part: its links have causes of their own.
    """
    part_of = {index: number for number, part in enumerate(parts) for index in part}
    rest = {index for pair in case.pairs.faulty for index in pair if index not in part_of}
    asked = list(part_of.items())
    for index in rest:
        known_in = {number for here, number in asked if case.lists(here, index) or case.status(here, index) is not None}
        if len(known_in) == 1:
            part_of[index] = known_in.pop()
    return [pair for pair in case.pairs.faulty if set(pair) <= part_of.keys() and part_of[pair[0]] != part_of[pair[1]]]


def subject(case: Case, shared: int | None, pairs: list[Pair]) -> str:
    """What to call a set of links: both ends, the shared end and the others, or all ends."""
    if len(pairs) == 1:
        return case.pair_name(pairs[0])
    if shared is None:
        between = sides(pairs)
        if between and len(between[0][0]) * len(between[0][1]) == len(pairs):
            return f"{' ↔ '.join(map(case.names, sorted(between[0])))} ({len(pairs)} links)"
        return f"{case.names(index for pair in pairs for index in pair)} ({len(pairs)} links)"
    return f"{case.name(shared)} ↔ {case.names(index for pair in pairs for index in pair if index != shared)}"


def ends(pairs: Iterable[Pair]) -> list[int]:
    """All nodes of some pairs."""
    return sorted({index for pair in pairs for index in pair})


def ordered(one: int, other: int) -> Pair:
    """The pair as it is kept."""
    return (one, other) if one < other else (other, one)
