"""Sets of nodes that do not reach each other at all."""

from __future__ import annotations

from collections.abc import Iterator

from talos_resources.insight import quorum
from talos_resources.insight.facts.combined import Case
from talos_resources.insight.facts.evidence import Pair
from talos_resources.insight.hypothesis import Certainty, Hypothesis, Tier, cause, links
from talos_resources.insight.words import clock, duration, limited, some


@cause(
    "mesh-split",
    "the mesh has fallen apart into sets of nodes that do not reach each other",
    tier=Tier.COMMON,
    needs="peer statuses of nodes on both sides",
    predicts="every link across the cut is down, since one moment; within each part links are up",
    against="a link across the cut that is up",
    guide="KubeSpan",
)
def mesh_split(case: Case) -> Iterator[Hypothesis]:
    """One finding for the cut, however many links cross it."""
    yield from _unread(case)
    every = case.components
    large = [part for part in every if len(part) > 1]
    if len(every) < 2 or sum(map(len, every)) < 3 or (len(large) < 2 and len(every) != sum(map(len, every))):
        return
    part_of = {index: number for number, part in enumerate(every) for index in part}
    pairs = [pair for pair in case.pairs.faulty if part_of.get(pair[0]) != part_of.get(pair[1]) and set(pair) <= part_of.keys()]
    if not pairs:
        return
    scattered = not large
    yield Hypothesis(
        title=f"no node has a link to any other: {case.names(part_of)}"
        if scattered
        else f"the mesh is cut into {len(every)} parts: {_parts(case, every)}",
        explains=links(pairs),
        evidence=lambda: limited(
            [
                f"{some(len(pairs), 'pair of nodes', 'pairs of nodes')} across the cut {'has' if len(pairs) == 1 else 'have'} no link"
                + ("" if scattered else "; within each part nodes do"),
                *since(case, pairs),
                *case.pairs.proofs(pairs[:2]),
                *quorum.between_parts(case, every),
            ]
        ),
        why="Something that all links have in common drops WireGuard's UDP port 51820."
        if scattered
        else "What connects the sites is down, or a firewall drops WireGuard's UDP port 51820 between them.",
        advice="check routing and firewalls between the parts (UDP 51820 both ways); links come back by themselves within 30 s",
        steps=(
            f"talosctl -n {case.asked(every[0][0])} get kubespanpeerstatuses",
            f"talosctl -n {case.asked(every[0][0])} etcd status   # before you touch a control plane",
        ),
        after="`mesh` shows the links across the cut up within a minute",
        certainty=Certainty.LIKELY,
        decide="a packet capture on both sides for UDP 51820: what leaves one side and does not arrive is dropped between",
    )


def _unread(case: Case) -> Iterator[Hypothesis]:
    """Nodes that were not read, run, and were lost at one moment by all that were."""
    alive = [index for index in case.life.silent if case.life.proof_of_life_s(index) is not None]
    for far in case.life.together(alive):
        near = [index for index in case.life.witnesses if index not in far]
        pairs = [pair for pair in case.pairs.faulty if not set(far).isdisjoint(pair)]
        if len(far) > 1 and len(near) > 1:
            yield Hypothesis(
                title=f"the mesh is cut: {case.names(near)} | {case.names(far)}, of which no data are here",
                explains=links(pairs),
                evidence=lambda far=far, near=near, pairs=pairs: limited(  # type: ignore[misc]  # bound now, called later
                    [
                        f"none of the nodes that were read has a link to {case.names(far)}; discovery still lists them, so they run",
                        *since(case, pairs),
                        *quorum.between_parts(case, [near, far]),
                    ]
                ),
                why="What connects the sites is down, or a firewall drops WireGuard's UDP port 51820 between them.",
                advice="check routing and firewalls between the parts (UDP 51820 both ways); links come back by themselves within 30 s",
                steps=(f"talosctl -n {case.asked(far[0])} get kubespanpeerstatuses",),
                after="`mesh` shows the links across the cut up within a minute",
                certainty=Certainty.POSSIBLE,
                decide="whether the far nodes have links among themselves",
            )


def _parts(case: Case, every: tuple[tuple[int, ...], ...]) -> str:
    return f"{' | '.join(case.names(part) for part in every[:4])}{' | …' if len(every) > 4 else ''}"


def since(case: Case, pairs: list[Pair]) -> Iterator[str]:
    """When the last handshake across a cut was."""
    last = max((case.pairs.last_handshake(pair) for pair in pairs), default=None)
    if last is not None and last > 0:
        yield f"last handshake across the cut: {clock(last, case.reference)}, {duration(case.ago_s(last))} ago"
    else:
        yield "there has never been a handshake across the cut"
