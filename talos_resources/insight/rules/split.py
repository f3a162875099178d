"""Sets of nodes that do not reach each other at all."""

from __future__ import annotations

from collections.abc import Iterator

from talos_resources.insight.case import Case, Pair, clock, duration, limited
from talos_resources.insight.rules.registry import Rule, rule
from talos_resources.model.finding import Finding, Severity


def parts(case: Case) -> tuple[tuple[int, ...], ...]:
    """The parts of a mesh that fell apart; one part if it did not."""
    found = case.components
    # Two nodes that do not reach each other are a link with a fault.
    return found if len(found) > 1 and len(case.fresh) > 2 else (tuple(sorted(case.fresh)),)


def split_pairs(case: Case) -> frozenset[Pair]:
    """Pairs that a split explains."""
    every = parts(case)
    if len(every) == 1:
        return frozenset()
    part_of = {index: number for number, part in enumerate(every) for index in part}
    lost = {part[0] for part in every if len(part) == 1 and _is_forgotten(case, part[0])}
    return frozenset(pair for pair in case.faulty_pairs if part_of.get(pair[0]) != part_of.get(pair[1]) and lost.isdisjoint(pair))


def _is_forgotten(case: Case, index: int) -> bool:
    """Whether most others do not even know of a node: that is a matter of discovery, not of the network."""
    return bool(case.nodes[index].node_id) and 2 * len(case.listed_by(index)) < len(case.fresh) - 1


def _since(case: Case, pairs: frozenset[Pair]) -> Iterator[str]:
    statuses = [case.status(*way) for here, there in pairs for way in ((here, there), (there, here))]
    moments = [status.last_handshake_time for status in statuses if status is not None and not status.last_handshake_time.is_zero]
    if moments:
        last = max(moments)
        yield f"last handshake across the cut: {clock(last)}, {duration((case.reference - last) / 1e9)} ago"
    else:
        yield "there has never been a handshake across the cut"


@rule("mesh-split", "the mesh has fallen apart into sets of nodes that do not reach each other", severity=Severity.ERROR, guide="KubeSpan")
def mesh_split(case: Case, this: Rule) -> Iterator[Finding]:
    """One finding for the cut, however many links cross it."""
    every = parts(case)
    large = [part for part in every if len(part) > 1]
    if len(every) < 2 or len(large) < 2:
        return
    pairs = split_pairs(case)
    yield this.found(
        f"the mesh is cut into {len(every)} parts: {' | '.join(case.names(part) for part in every[:4])}{' | …' if len(every) > 4 else ''}",
        evidence=limited([f"{len(pairs)} pairs of nodes across the cut have no link; within each part nodes do", *_since(case, pairs)]),
        cause="What connects the sites is down, or a firewall drops WireGuard's UDP port 51820 between them.",
        advice="check routing and firewalls between the parts (UDP 51820 both ways); links come back by themselves within 30 s",
    )


@rule("node-isolated", "a node runs but has no link to anybody", severity=Severity.ERROR, guide="KubeSpan")
def node_isolated(case: Case, this: Rule) -> Iterator[Finding]:
    """Every part of one node, if the rest holds together."""
    every = parts(case)
    if len(every) < 2 or sum(len(part) > 1 for part in every) > 1:
        return
    for part in every:
        pairs = frozenset(pair for pair in split_pairs(case) if part[0] in pair)
        if len(part) > 1 or not pairs:
            continue
        yield this.found(
            f"{case.name(part[0])} runs but has no link to any other node",
            evidence=limited([f"it announces {', '.join(map(str, case.announced(part[0]))) or 'no endpoints'}", *_since(case, pairs)]),
            cause="Its network drops WireGuard's UDP port 51820 in or out, or it is in another cluster than the others.",
            advice="allow UDP 51820 in and out at its firewall; compare cluster.id and cluster.secret with the others'",
        )
