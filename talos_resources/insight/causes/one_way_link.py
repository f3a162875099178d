"""A link that is up at one end only."""

from __future__ import annotations

from collections.abc import Iterator

from talos_resources.insight.facts.combined import Case
from talos_resources.insight.facts.evidence import Pair
from talos_resources.insight.hypothesis import STATUSES_GUIDE, Certainty, Hypothesis, Tier, cause, links
from talos_resources.insight.mesh import LinkState, is_asymmetric
from talos_resources.insight.pairing import by_shared_end, subject
from talos_resources.insight.words import clock, limited, size

SESSION_S = 180.0
"""A session lives so long; an end whose last handshake is older only has not noticed yet."""


@cause(
    "one-way-link",
    "one end of a link sees it up, the other does not",
    tier=Tier.PAIR,
    needs="peer statuses of both ends",
    predicts="one end has fresh handshakes, and what it sends does not arrive",
    against="the end that sees it up has had no handshake for 3 minutes: then both have lost it",
    guide=STATUSES_GUIDE,
)
def one_way_link(case: Case) -> Iterator[Hypothesis]:
    """NAT or a firewall on one side; which side follows from who receives."""
    found = [
        pair
        for pair in case.pairs.faulty
        if is_asymmetric(case.state(*pair), case.state(*pair[::-1])) and _is_fresh(case, _way(case, pair))
    ]
    for shared, pairs in by_shared_end(found):
        ways = [_way(case, pair) for pair in pairs]
        bypass = sorted(
            {index for way in ways for index in way if (view := case.views.get(index)) and view.config and not view.config.force_routing}
        )
        deaf = case.names(there for _, there in ways)
        risk = f" {case.names(bypass)} allows bypass (allowDownPeerBypass): one direction now goes unencrypted." if bypass else ""
        yield Hypothesis(
            title=f"{subject(case, shared, pairs)} {'is' if len(pairs) == 1 else 'are'} up in one direction only: {deaf} does "
            f"not see it up",
            explains=links(pairs),
            evidence=lambda ways=ways: limited(line for here, there in ways for line in _both_ends(case, here, there)),  # type: ignore[misc]
            why=f"What is sent towards {deaf} gets lost, at its NAT or its firewall.{risk}",
            advice=f"allow UDP 51820 in at {deaf} and keep the NAT's mapping alive; if a node has just restarted, wait 5 m",
            steps=(f"talosctl -n {case.asked(ways[0][1])} pcap -i eth0 --bpf-filter 'udp port 51820'",),
            after="both ends see the link up within 30 s",
            certainty=Certainty.LIKELY,
            decide=f"a packet capture at {deaf}: whether what is sent arrives",
        )


def _way(case: Case, pair: Pair) -> Pair:
    return pair if case.state(*pair) is LinkState.UP else (pair[1], pair[0])


def _is_fresh(case: Case, way: Pair) -> bool:
    status, view = case.status(*way), case.views.get(way[0])
    return (
        status is None or view is None or status.last_handshake_time.is_zero or (view.as_of - status.last_handshake_time) / 1e9 < SESSION_S
    )


def _both_ends(case: Case, here: int, there: int) -> Iterator[str]:
    for observer, peer in ((here, there), (there, here)):
        status = case.status(observer, peer)
        if status is not None:
            shake = "never" if status.last_handshake_time.is_zero else clock(status.last_handshake_time, case.reference)
            yield (
                f"{case.name(observer)} sees {case.name(peer)} {status.state} at {status.endpoint}: handshake {shake}, "
                f"{size(status.receive_bytes)} received, {size(status.transmit_bytes)} sent"
            )
