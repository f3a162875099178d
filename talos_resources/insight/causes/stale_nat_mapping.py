"""A router's old mapping."""

from __future__ import annotations

from collections.abc import Iterator

from talos_resources.insight.facts.combined import Case
from talos_resources.insight.hypothesis import STATUSES_GUIDE, Certainty, Hypothesis, Tier, cause, links
from talos_resources.insight.pairing import ordered
from talos_resources.insight.words import limited


@cause(
    "stale-nat-mapping",
    "a router's old mapping leads to another node",
    tier=Tier.PAIR,
    needs="endpoints that are tried, and the endpoints of links that are up",
    predicts="a node sends for a lost peer to an ip:port at which another peer of the same router answers",
    against="the link never was up; the endpoint is the peer's alone",
    guide=STATUSES_GUIDE,
)
def stale_nat_mapping(case: Case) -> Iterator[Hypothesis]:
    """After an outage the router gave the port to a neighbour, and keeps it as long as keepalives flow."""
    for pair in case.pairs.faulty:
        for observer, peer in (pair, pair[::-1]):
            status = case.status(observer, peer)
            if status is None or status.endpoint is None or not case.pairs.ever(pair):
                continue
            taker = next((other for other in case.places.neighbours(peer) if _is_at(case, observer, other, str(status.endpoint))), None)
            if taker is None:
                continue
            back = [case.name(there) for _, there in case.pairs.recovered_neighbours(pair)]
            yield Hypothesis(
                title=f"{case.name(observer)} ↔ {case.name(peer)} {case.pairs.down_for([pair])}: the router leads "
                f"{status.endpoint} to {case.name(taker)}",
                explains=links([ordered(*pair)]),
                evidence=lambda pair=pair, observer=observer, peer=peer, taker=taker, at=status.endpoint, back=back: limited(  # type: ignore[misc]
                    [
                        f"{case.name(observer)} sends for {case.name(peer)} to {at}, where {case.name(taker)} answers",
                        *([f"came back since: {', '.join(back[:4])}"] if back else []),
                        *case.pairs.attempts([pair]),
                    ]
                ),
                why="Nodes behind one router use one port inside; after an outage the router gave this outer port to another of them, "
                "and the keepalives of both keep the wrong mapping alive for ever (talos #13160).",
                advice="clear the router's entry (its connection table, or restart it); or reboot one of the two, so that it "
                "sends from anew",
                steps=(f"talosctl -n {case.asked(observer)} get kubespanpeerstatuses -o yaml",),
                after="the link comes up within a minute, with an endpoint of its own",
                certainty=Certainty.LIKELY,
                decide="the router's connection table shows which node the port belongs to",
                stops=(peer, taker),
            )
            break


def _is_at(case: Case, observer: int, other: int, endpoint: str) -> bool:
    status = case.status(observer, other)
    return status is not None and str(status.endpoint) == endpoint and case.state(observer, other).value == "up"
