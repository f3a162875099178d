"""A link that stays down after an outage."""

from __future__ import annotations

from collections.abc import Iterator

from talos_resources.insight.facts.combined import Case
from talos_resources.insight.facts.evidence import Pair
from talos_resources.insight.hypothesis import STATUSES_GUIDE, Certainty, Hypothesis, Tier, cause, links
from talos_resources.insight.pairing import by_shared_end, ends, subject
from talos_resources.insight.words import limited


@cause(
    "not-recovered",
    "a link stays down after an outage while others of the same site recovered",
    tier=Tier.PAIR,
    needs="peer statuses of a node with several peers at one place",
    predicts="other links between the two places got their endpoint anew after this link's last handshake",
    against="no other link had an outage: then it is this path alone",
    guide=STATUSES_GUIDE,
)
def not_recovered(case: Case) -> Iterator[Hypothesis]:
    """Usually a stale entry in a NAT's or a firewall's connection table."""
    found = [pair for pair in case.pairs.faulty if case.pairs.ever(pair) and case.pairs.recovered_neighbours(pair)]
    for shared, pairs in by_shared_end(found):
        yield Hypothesis(
            title=f"{subject(case, shared, pairs)} {case.pairs.down_for(pairs)} and {'does' if len(pairs) == 1 else 'do'} not "
            f"recover, others between the same sites did",
            explains=links(pairs),
            evidence=lambda pairs=pairs: limited([f"came back: {', '.join(_came_back(case, pairs))}", *case.pairs.attempts(pairs)]),  # type: ignore[misc]
            why="A NAT or firewall on the way keeps an old entry for this pair, which its keepalives refresh for ever.",
            advice="clear that entry (restart the router or its conntrack), or let a node change its source: reboot one of the two",
            steps=(f"talosctl -n {case.asked(pairs[0][0])} get kubespanpeerstatuses -o yaml",),
            after="the link comes up within a minute",
            certainty=Certainty.LIKELY,
            decide="the connection table of the router between them",
            stops=tuple(ends(pairs)),
        )


def _came_back(case: Case, pairs: list[Pair]) -> list[str]:
    return list(
        dict.fromkeys(f"{case.name(here)} ↔ {case.name(there)}" for pair in pairs for here, there in case.pairs.recovered_neighbours(pair))
    )[:4]
