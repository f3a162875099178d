"""A node that is gone, but still listed."""

from __future__ import annotations

from collections.abc import Iterator

from talos_resources.insight import quorum
from talos_resources.insight.facts.combined import Case
from talos_resources.insight.hypothesis import Certainty, Hypothesis, Tier, cause, links
from talos_resources.insight.words import limited, verb


@cause(
    "node-silent",
    "a node has no link to anybody and does not speak for itself",
    tier=Tier.COMMON,
    needs="peer statuses of at least two other nodes, or that the node was asked and did not answer",
    predicts="the last handshakes of all others with it are of one moment",
    against="discovery lists it longer than an entry lives after that: then it runs",
    guide="KubeSpan",
)
def node_silent(case: Case) -> Iterator[Hypothesis]:
    """Off, or cut off: one finding for the nodes of a place, not one for each of their links."""
    gone = [index for index in case.life.silent if _is_listed(case, index) and case.life.proof_of_life_s(index) is None]
    for indexes in case.life.together(gone):
        many = len(indexes)
        own = [pair for pair in case.pairs.faulty if not set(indexes).isdisjoint(pair)]
        yield Hypothesis(
            title=f"{case.names(indexes)} {verb(many, 'is', 'are')} off or unreachable: no node has a link to {verb(many, 'it', 'them')}",
            explains=links(own),
            evidence=lambda indexes=indexes: limited(  # type: ignore[misc]  # bound now, called later
                [*(line for index in indexes for line in _evidence(case, index)), *quorum.after_loss(case, indexes)]
            ),
            why=f"The {verb(many, 'node is', 'nodes are')} switched off, restarting, or {verb(many, 'has', 'have')} lost the network.",
            advice=f"look at the {verb(many, 'machine itself', 'machines themselves')} (console, power, uplink); "
            "a node that is back joins by itself, one that is removed for good is forgotten by discovery after 30 m",
            steps=(f"talosctl -n {case.asked(indexes[0])} version", *quorum.removal(case, indexes[0])),
            after=f"{verb(many, 'its', 'their')} links are up within a minute of coming back",
            certainty=Certainty.LIKELY,
            decide="discovery still lists it half an hour after the last handshake if it runs, and does not if it is off",
            stands=any(case.nodes[index].error for index in indexes),
        )


def _is_listed(case: Case, index: int) -> bool:
    node = case.nodes[index]
    return bool(case.life.listed_by(index)) or bool(node.error) or not node.node_id


def _evidence(case: Case, index: int) -> Iterator[str]:
    yield f"{case.name(index)}: {case.life.silent[index]}"
    yield from case.last_sign(index)
    listed = case.life.listed_by(index)
    yield (
        f"discovery still lists it on {case.names(listed)}; without a sign of life an entry goes after 30 m"
        if listed
        else "discovery does not list it any more"
    )
