"""Neighbours in one LAN that do not reach each other."""

from __future__ import annotations

from collections.abc import Iterator

from talos_resources.insight.facts.combined import Case
from talos_resources.insight.hypothesis import Certainty, Hypothesis, Tier, cause, links
from talos_resources.insight.pairing import connected, ends, subject
from talos_resources.insight.words import limited


@cause(
    "lan-isolation",
    "neighbours in one LAN cannot reach each other",
    tier=Tier.COMMON,
    needs="addresses of the nodes, and peer statuses",
    predicts="all links within the network fail, while each of its nodes reaches nodes outside",
    against="a link within the network is up",
    guide="KubeSpan",
)
def lan_isolation(case: Case) -> Iterator[Hypothesis]:
    """Wireless networks and hosters keep their clients from each other; so do some switches."""
    beside = [pair for pair in case.pairs.faulty if case.places.are_beside(*pair) and all(_reaches_outside(case, index) for index in pair)]
    for pairs in connected(beside):
        every = ends(pairs)
        if any(case.is_up(index, other) for index in every for other in case.places.neighbours(index)):
            continue
        networks = sorted({str(network) for network in case.places.networks(every[0])})
        yield Hypothesis(
            title=f"{subject(case, None, pairs)} {case.pairs.down_for(pairs)}, though they are neighbours in {networks[0]} and "
            f"reach all others",
            explains=links(pairs),
            evidence=lambda every=every, pairs=pairs: limited(  # type: ignore[misc]  # bound now, called later
                [
                    *(f"{case.name(index)} reaches {case.names(_outside(case, index))} outside of it" for index in every),
                    *case.pairs.proofs(pairs),
                    *case.pairs.attempts(pairs),
                ]
            ),
            why="Their own network keeps them apart: client isolation of a wireless network, a private VLAN, or a firewall on "
            "the machines.",
            advice=f"allow {case.names(every)} to reach each other within their network (client isolation, private VLAN, UDP 51820)",
            steps=(
                f"talosctl -n {case.asked(every[0])} get neighbors,routes",
                f"talosctl -n {case.asked(every[0])} pcap -i eth0 --bpf-filter 'udp port 51820'",
            ),
            after="the link comes up within 30 s",
            certainty=Certainty.LIKELY,
            decide="whether the two can ping each other's address in the network: if not, it is the network; if so, UDP 51820 is filtered",
        )


def _outside(case: Case, index: int) -> list[int]:
    return [
        other for other in sorted(case.life.on) if other != index and case.is_up(index, other) and not case.places.are_beside(index, other)
    ]


def _reaches_outside(case: Case, index: int) -> bool:
    return bool(_outside(case, index))
