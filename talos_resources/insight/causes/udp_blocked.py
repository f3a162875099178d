"""A site that lets no UDP out."""

from __future__ import annotations

from collections.abc import Iterator

from talos_resources.insight.facts.combined import Case
from talos_resources.insight.facts.evidence import Pair
from talos_resources.insight.facts.pairs import TRIED_BYTES, Way
from talos_resources.insight.hypothesis import Certainty, Hypothesis, Tier, cause, links
from talos_resources.insight.words import limited, size, verb


@cause(
    "udp-blocked",
    "a site lets no UDP out",
    tier=Tier.COMMON,
    needs="peer statuses of the site's nodes or of the others, and that discovery lists them",
    predicts="its nodes hear of all others through discovery (TCP), and have never had a handshake with anybody outside",
    against="a handshake with somebody outside, ever; or anything that arrived there",
    guide="KubeSpan",
)
def udp_blocked(case: Case) -> Iterator[Hypothesis]:
    """Discovery works and WireGuard never did: it is not the node that is cut off, but its UDP."""
    if all(case.pairs.ever(pair) for pair in case.pairs.faulty):
        return
    for place in case.places.sites.values():
        inside = [index for index in place if index in case.life.on]
        crossing = [pair for pair in case.pairs.faulty if len(set(pair) & set(inside)) == 1]
        if _is_closed(case, inside, crossing):
            yield _no_way_out(case, inside, crossing)


def _is_closed(case: Case, inside: list[int], crossing: list[Pair]) -> bool:
    """Whether the nodes of a place never had a link to anybody elsewhere, although discovery works for them."""
    on, witnesses = case.life.on, case.life.witnesses
    # Who tells of each link: those outside, or, where all inside were read, those inside.
    is_told_inside = bool(inside) and all(index in witnesses for index in inside)
    outside = [index for index in (on if is_told_inside else witnesses) if index not in inside]
    if not inside or len(outside) < max(2, len(inside)) or not _can_call_out(case, inside, outside):
        return False
    if not any(index in witnesses for index in inside) and 2 * len(outside) < len(on):
        return False  # too few were asked
    if any(case.pairs.is_alive(index, node.index) for index in inside for node in case.nodes if node.index not in inside):
        return False
    if len(crossing) < len(inside) * len(outside) or any(case.pairs.ever(pair) for pair in crossing):
        return False
    if not all(_is_known(case, index) for index in inside):
        return False
    if any(_arrives(case, index, pair) for index in inside for pair in crossing if index in pair):
        return False
    return any(_tried(case, pair) for pair in crossing)


def _can_call_out(case: Case, inside: list[int], outside: list[int]) -> bool:
    """Whether anybody outside can be called at all: where all are behind NAT of their own, that is enough."""
    return any(
        case.targets(here, there) is None or not case.places.own(there) or case.places.usable(here, there)
        for here in inside
        for there in outside
    )


def _no_way_out(case: Case, inside: list[int], crossing: list[Pair]) -> Hypothesis:
    names, many = case.names(inside), len(inside)
    return Hypothesis(
        title=f"{names} {verb(many, 'has', 'have')} never had a link to a node outside of {verb(many, 'its', 'their')} site, "
        "which lets no UDP out",
        explains=links(crossing),
        evidence=lambda: limited(
            [
                f"discovery (TCP) lists {names}, so {verb(many, 'it runs and reaches', 'they run and reach')} the internet",
                *(
                    f"{case.name(index)} has sent {size(_sent(case, index))} and received nothing from outside"
                    for index in inside
                    if index in case.life.fresh
                ),
                *case.pairs.proofs(crossing[:3]),
                *case.pairs.attempts(crossing[:2]),
            ]
        ),
        why="Nothing that is sent arrives, in either direction and at no other node: a firewall or provider in front of the "
        "site drops UDP 51820.",
        advice=f"allow UDP out of the site of {names} (to port 51820), and its answers in",
        steps=(
            f"talosctl -n {case.asked(inside[0])} get kubespanpeerstatuses",
            f"talosctl -n {case.asked(inside[0])} pcap -i eth0 --bpf-filter 'udp port 51820'",
        ),
        after="the first handshakes are completed within 30 s",
        certainty=Certainty.LIKELY,
        decide="a packet capture outside: nothing of the site arrives there",
    )


def _is_known(case: Case, index: int) -> bool:
    """Whether discovery works for a node: others list it, and it lists others if it was read."""
    return bool(case.life.listed_by(index)) and index not in case.life.unheard


def _arrives(case: Case, index: int, pair: Pair) -> bool:
    other = pair[0] if pair[1] == index else pair[1]
    return Way.ARRIVES in {case.pairs.way(index, other), case.pairs.way(other, index)}


def _tried(case: Case, pair: Pair) -> bool:
    statuses = (case.status(*pair), case.status(*pair[::-1]))
    return any(status is not None and status.transmit_bytes >= TRIED_BYTES for status in statuses)


def _sent(case: Case, index: int) -> int:
    return sum(status.spec.transmit_bytes for status in case.life.fresh[index].statuses if status.spec.last_handshake_time.is_zero)
