"""A node that another does not know."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import attrs

from talos_resources.insight.facts.combined import Case
from talos_resources.insight.facts.evidence import Pair
from talos_resources.insight.hypothesis import SPECS_GUIDE, Certainty, Hypothesis, Tier, cause, links
from talos_resources.insight.mesh import LinkState
from talos_resources.insight.pairing import ordered
from talos_resources.insight.words import limited, verb


@cause(
    "unknown-peer",
    "a node does not know another",
    tier=Tier.DISCOVERY,
    needs="peers and Affiliates of the node that lacks the other",
    predicts="it has no peer of that key, so the other's handshakes are refused as of an unknown key",
    guide=SPECS_GUIDE,
)
def unknown_peer(case: Case) -> Iterator[Hypothesis]:
    """Discovery has not told it, or what it told cannot be used."""
    ways = [
        way
        for pair in case.pairs.faulty
        for way in _both_ways(pair)
        if way[0] in case.life.witnesses and way[0] not in case.life.unheard and _lacks(case, *way)
    ]
    for observers, peers in _groups(ways):
        yield _unknown(case, observers, peers)
    for observers, peers in _groups(_maybe(case)):
        yield attrs.evolve(_unknown(case, observers, peers), is_rival=True, decide="whether all its kubespanpeerspecs have the peer")


def _maybe(case: Case) -> list[Pair]:
    """Dead links of which one end's list, which may not be whole, lacks the other."""
    ways = [way for pair in case.pairs.faulty for way in _both_ways(pair) if way[0] in case.life.witnesses]
    absent = [way for way in ways if case.state(*way) is LinkState.ABSENT and case.views[way[0]].statuses]
    return [way for way in absent if not case.pairs.should_know(*way)]


def _both_ways(pair: Pair) -> tuple[Pair, Pair]:
    return pair, (pair[1], pair[0])


def _groups(ways: list[Pair]) -> Iterator[tuple[list[int], list[int]]]:
    """(observers, peers) whom they lack, by what they have in common: one observer that lacks many, or one whom many lack."""
    left = list(ways)
    while left:
        ends = Counter((end, way[end]) for way in left for end in (1, 0))
        end, common = max(ends, key=lambda key: (ends[key], key[0], -key[1]))
        mine = [way for way in left if way[end] == common]
        left = [way for way in left if way[end] != common]
        yield sorted({way[0] for way in mine}), sorted({way[1] for way in mine})


def _unknown(case: Case, observers: list[int], peers: list[int]) -> Hypothesis:
    ways = [(observer, peer) for observer in observers for peer in peers]
    heard = [way for way in ways if case.lists(*way)]
    skipped, names, many = len(heard) == len(ways), case.names(peers), len(peers)
    it = verb(len(observers), "it", "them")
    return Hypothesis(
        title=f"{case.names(observers)} {verb(len(observers), 'does', 'do')} not know {names} as {verb(many, 'a peer', 'peers')}",
        explains=links(ordered(*way) for way in ways),
        evidence=lambda: limited(
            [
                f"{case.names(way[0] for way in heard)}: affiliate present, no peer spec"
                if heard
                else f"neither affiliate nor peer spec of {verb(many, 'it', 'them')} is there",
                *(line for peer in peers for line in _known(case, observers, peer)),
                *(line for peer in peers for line in _asked(case, peer, observers)),
            ]
        ),
        why="An address in its affiliate is empty or invalid, so Talos leaves the whole peer out."
        if skipped
        else f"Discovery has not told {it} of {names}: {verb(many, 'its entry has', 'their entries have')} expired there, cannot "
        f"be read, or a watch hangs.",
        advice=f"look at what {case.names(observers)} {verb(len(observers), 'has', 'have')} of {names} in discovery",
        steps=(
            f"talosctl -n {case.asked(observers[0])} get affiliates --namespace cluster-raw",
            f"talosctl -n {case.asked(observers[0])} logs controller-runtime | grep -i affiliate",
        ),
        after=f"`talosctl get kubespanpeerspecs` on {case.names(observers)} lists {names}",
        certainty=Certainty.CERTAIN if len(ways) == 1 or skipped else Certainty.LIKELY,
        decide="compare cluster id, secret and discovery service of both",
    )


def _known(case: Case, observers: list[int], peer: int) -> Iterator[str]:
    """Who else has the peer."""
    knowing = [other for other in case.life.witnesses if other not in observers and other != peer and case.status(other, peer) is not None]
    if knowing:
        yield f"{case.names(knowing)} {verb(len(knowing), 'has', 'have')} {case.name(peer)} as a peer"


def _lacks(case: Case, observer: int, peer: int) -> bool:
    return (
        case.state(observer, peer) is LinkState.ABSENT and case.pairs.should_know(observer, peer) and not _is_apart(case, (observer, peer))
    )


def _is_apart(case: Case, pair: Pair) -> bool:
    """Whether one of two nodes announces itself without a key for the mesh: then neither is to have the other as a peer."""
    affiliates = (case.affiliate_of.get(index) for index in pair)
    return any(affiliate is not None and affiliate.kubespan is None for affiliate in affiliates)


def _asked(case: Case, peer: int, observers: list[int]) -> Iterator[str]:
    """The other side knows them, and calls in vain."""
    if peer in case.life.fresh and any(case.status(peer, observer) is not None for observer in observers):
        yield f"{case.name(peer)} knows {case.names(observers)} and calls in vain: its key is unknown there"
