"""A path between two nodes that is blocked."""

from __future__ import annotations

from collections.abc import Iterator

from talos_resources.insight.facts.combined import Case
from talos_resources.insight.facts.evidence import Pair
from talos_resources.insight.facts.pairs import Way
from talos_resources.insight.hypothesis import STATUSES_GUIDE, Certainty, Hypothesis, Tier, cause, links
from talos_resources.insight.mesh import LinkState
from talos_resources.insight.pairing import by_shared_end, ends, subject
from talos_resources.insight.words import limited


@cause(
    "path-blocked",
    "two nodes lost their link although both reach others",
    tier=Tier.PAIR,
    needs="peer statuses of at least two nodes; of both ends for the direction",
    predicts="there was a handshake once, or packets arrive in one direction: endpoints and keys are right",
    against="nothing ever arrived: then the endpoint itself is in question",
    guide=STATUSES_GUIDE,
)
def path_blocked(case: Case) -> Iterator[Hypothesis]:
    """A single path between nodes that reach others."""
    found = [
        pair for pair in case.pairs.faulty if (case.pairs.ever(pair) or case.pairs.is_half_open(pair)) and all(map(case.is_there, pair))
    ]
    for shared, pairs in by_shared_end(found):
        known = [way for pair in pairs if (way := case.pairs.blocked_way(pair)) is not None]
        every = len(known) == len(pairs)
        senders, receivers = case.names(way[0] for way in known), case.names(way[1] for way in known)
        both = not known and all(case.pairs.way(*way) is Way.LOST for pair in pairs for way in (pair, pair[::-1]))
        if every:
            why = f"What {senders} sends does not reach {receivers}, while the other direction works: a firewall or a NAT drops it."
            advice = f"allow UDP 51820 out at {senders} and in at {receivers}"
        elif both:
            why = "Nothing arrives at either end: a firewall or a route between these two drops packets in both directions."
            advice = "check firewalls and routes between them for UDP 51820, in both directions"
        else:
            why = "Something between these two drops packets, in one direction at least: a firewall, a route, a NAT that forgot them."
            advice = "check firewalls and routes between them for UDP 51820 in both directions"
        yield Hypothesis(
            title=f"{subject(case, shared, pairs)} {case.pairs.down_for(pairs)}{_while_others(case, pairs)}",
            explains=links(pairs),
            evidence=lambda pairs=pairs: limited(  # type: ignore[misc]  # bound now, called later
                [*near(case, pairs), *case.pairs.proofs(pairs), *_single(case, pairs), *case.pairs.attempts(pairs)]
            ),
            why=why,
            advice=advice,
            steps=tuple(f"talosctl -n {case.asked(index)} pcap -i eth0 --bpf-filter 'udp port 51820'" for index in pairs[0]),
            after="the link comes up by itself within 30 s",
            certainty=Certainty.CERTAIN if every else Certainty.LIKELY,
            decide="packet captures at both ends: what leaves one and does not arrive at the other is dropped between",
        )


def _while_others(case: Case, pairs: list[Pair]) -> str:
    """That each end has a link to somebody, if so: in a cluster of two there is nobody else."""
    linked = all(any(case.is_up(index, node.index) for node in case.nodes if node.index != index) for index in ends(pairs))
    return " while both reach others" if linked else ""


def near(case: Case, pairs: list[Pair]) -> Iterator[str]:
    """Who of the same place is better off."""
    for here, there in pairs:
        beside = [other for other in case.places.neighbours(there) if other != here and case.state(here, other) is LinkState.UP]
        if beside:
            yield f"{case.name(here)} reaches {case.names(beside)} in the same network as {case.name(there)}"


def _single(case: Case, pairs: list[Pair]) -> Iterator[str]:
    for pair in pairs:
        for observer, peer in (pair, pair[::-1]):
            ways = case.targets(observer, peer)
            if ways is not None and len(ways) == 1 and observer in case.views:
                yield f"{ways[0]} is the only endpoint of {case.name(peer)}, so {case.name(observer)} has nothing else to try"
