"""A node that another does not know."""

from __future__ import annotations

from collections.abc import Iterator

from talos_resources.insight.facts.combined import Case
from talos_resources.insight.hypothesis import SPECS_GUIDE, Certainty, Hypothesis, Tier, cause, links
from talos_resources.insight.mesh import LinkState
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
    lacking: dict[int, list[int]] = {}
    for pair in case.pairs.faulty:
        for observer, peer in (pair, pair[::-1]):
            if observer in case.life.witnesses and observer not in case.life.unheard and _lacks(case, observer, peer):
                lacking.setdefault(peer, []).append(observer)
    for peer, observers in lacking.items():
        heard = [observer for observer in observers if case.lists(observer, peer)]
        skipped = len(heard) == len(observers)
        name, one = case.name(peer), len(observers) == 1
        knowing = [
            other for other in case.life.witnesses if other not in observers and other != peer and case.status(other, peer) is not None
        ]
        yield Hypothesis(
            title=f"{case.names(observers)} {verb(len(observers), 'does', 'do')} not know {name} as a peer",
            explains=links((min(observer, peer), max(observer, peer)) for observer in observers),
            evidence=lambda heard=heard, knowing=knowing, observers=observers, peer=peer: limited(  # type: ignore[misc]  # bound now
                [
                    f"{case.names(heard)}: affiliate present, no peer spec" if heard else "neither affiliate nor peer spec of it is there",
                    *([f"{case.names(knowing)} {verb(len(knowing), 'has', 'have')} it as a peer"] if knowing else []),
                    *_asked(case, peer, observers),
                ]
            ),
            why="An address in its affiliate is empty or invalid, so Talos leaves the whole peer out."
            if skipped
            else f"Discovery has not told {verb(len(observers), 'it', 'them')} of {name}: its entry has expired there, cannot "
            f"be read, or a watch hangs.",
            advice=f"look at what {case.names(observers)} {verb(len(observers), 'has', 'have')} of {name} in discovery",
            steps=(
                f"talosctl -n {case.asked(observers[0])} get affiliates --namespace cluster-raw",
                f"talosctl -n {case.asked(observers[0])} logs controller-runtime | grep -i affiliate",
            ),
            after=f"`talosctl get kubespanpeerspecs` on {case.names(observers)} lists {name}",
            certainty=Certainty.CERTAIN if one or skipped else Certainty.LIKELY,
            decide="compare cluster id, secret and discovery service of both",
        )


def _lacks(case: Case, observer: int, peer: int) -> bool:
    return case.state(observer, peer) is LinkState.ABSENT and case.pairs.should_know(observer, peer)


def _asked(case: Case, peer: int, observers: list[int]) -> Iterator[str]:
    """The other side knows them, and calls in vain."""
    if peer in case.life.fresh and any(case.status(peer, observer) is not None for observer in observers):
        yield f"{case.name(peer)} knows {case.names(observers)} and calls in vain: its key is unknown there"
