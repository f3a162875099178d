"""Endpoints that do not answer."""

from __future__ import annotations

from collections.abc import Iterator

from talos_resources.insight.causes.path_blocked import near
from talos_resources.insight.facts.combined import Case
from talos_resources.insight.facts.evidence import Pair
from talos_resources.insight.hypothesis import STATUSES_GUIDE, Certainty, Hypothesis, Tier, cause, links
from talos_resources.insight.pairing import by_shared_end, ends, subject
from talos_resources.insight.words import limited
from talos_resources.model.net import is_private


@cause(
    "endpoint-unreachable",
    "no endpoint of a peer answers",
    tier=Tier.PAIR,
    needs="peer statuses, and the endpoints that are tried",
    predicts="there has never been a handshake, whatever endpoint is tried, and nothing has arrived",
    against="a handshake, ever; or packets of one end that arrive: then the path back is blocked",
    guide=STATUSES_GUIDE,
)
def endpoint_unreachable(case: Case) -> Iterator[Hypothesis]:
    """With a single endpoint, or with all of them tried in turn."""
    found = [pair for pair in case.pairs.faulty if not case.pairs.ever(pair) and _is_known(case, pair)]
    for shared, pairs in by_shared_end(found):
        single = all(len(case.targets(*way) or ()) == 1 for pair in pairs for way in (pair, pair[::-1]) if case.views.get(way[0]))
        refused = all(case.pairs.is_refused(pair) for pair in pairs)
        yield Hypothesis(
            title=f"{subject(case, shared, pairs)} {case.pairs.down_for(pairs)}: "
            + (
                "packets arrive at both ends and are refused"
                if refused
                else "the only endpoint does not answer"
                if single
                else "no endpoint answers"
            ),
            explains=links(pairs),
            evidence=lambda pairs=pairs: limited(  # type: ignore[misc]  # bound now, called later
                [*case.pairs.proofs(pairs), *near(case, pairs), *_inner(case, pairs), *case.pairs.attempts(pairs)]
            ),
            why="The endpoint is right, as packets arrive: the keys, the cluster secret or the clocks of the two do not fit."
            if refused
            else "With a single endpoint there is nothing else to try; a firewall drops UDP 51820, or nobody listens there."
            if single
            else "Talos goes through them for ever, a new one every 30 s: a firewall drops UDP 51820, or nobody listens.",
            advice="compare cluster.secret and the time of both"
            if refused
            else "allow UDP 51820 between them, or announce one that can be reached (extraAnnouncedEndpoints, harvestExtraEndpoints)",
            steps=tuple(f"talosctl -n {case.asked(index)} get kubespanpeerspecs,kubespanpeerstatuses -o yaml" for index in pairs[0]),
            after="the first handshake is completed within 30 s",
            certainty=Certainty.LIKELY,
            decide="packet captures at both ends: whether what one sends arrives at the other",
        )


def _is_known(case: Case, pair: Pair) -> bool:
    """Whether the endpoints that are tried are known, and more than one view of the two or their like."""
    return len(case.life.witnesses) > 1 and any(case.targets(*way) for way in (pair, pair[::-1]))


def _inner(case: Case, pairs: list[Pair]) -> Iterator[str]:
    for index in ends(pairs):
        endpoints = case.announced(index)
        others = [other for pair in pairs if index in pair for other in pair if other != index]
        if (
            endpoints
            and all(is_private(at.address) for at in endpoints)
            and not any(case.places.are_beside(other, index) for other in others)
        ):
            yield f"{case.name(index)} announces private endpoints only, which mean nothing outside of its network"
