"""An announced public address that is no longer its own."""

from __future__ import annotations

from collections.abc import Iterator

from talos_resources.insight.facts.combined import Case
from talos_resources.insight.hypothesis import CONFIGURATION_GUIDE, Certainty, Hypothesis, Tier, cause, links
from talos_resources.insight.pairing import subject
from talos_resources.insight.words import limited
from talos_resources.model.finding import Severity
from talos_resources.model.net import AddrPort, is_private


@cause(
    "stale-endpoint",
    "a node announces a public address that is no longer its own",
    tier=Tier.REACH,
    needs="what the node announces, and where others see it",
    predicts="others see the node at another public address; who must call it gets no answer",
    against="somebody sees it at the announced address",
    guide=CONFIGURATION_GUIDE,
)
def stale_endpoint(case: Case) -> Iterator[Hypothesis]:
    """A dynamic address, or an extra endpoint that nobody changed since the move."""
    for node in case.nodes:
        index = node.index
        if not case.places.is_inside(index):
            continue
        stale = _stale(case, index)
        if not stale:
            continue
        seen = case.places.seen_at(index)
        pairs = [pair for pair in sorted(case.pairs.of(index)) if not case.places.usable(index, pair[0] if pair[1] == index else pair[1])]
        agreed = len({at.address for at in case.places.outer_seen(index)}) == 1 and case.places.outer_seen(index).total() > 1
        if not pairs and not agreed:
            continue
        now = sorted({at.address for at in seen if not is_private(at.address)}, key=str)
        shared = index if len(pairs) > 1 else None
        yield Hypothesis(
            title=f"{case.name(index)} announces {', '.join(map(str, stale))}, but others see it at {', '.join(map(str, now[:2]))}"
            + (f": {subject(case, shared, pairs)} {case.pairs.down_for(pairs)}" if pairs else ""),
            explains=links(pairs),
            evidence=lambda stale=stale, seen=seen, pairs=pairs: limited(  # type: ignore[misc]  # bound now, called later
                [
                    f"announced: {', '.join(map(str, stale))}; nobody sees it there",
                    f"seen at: {', '.join(f'{at} (by {count})' for at, count in sorted(seen.items()))}",
                    *case.pairs.attempts(pairs),
                ]
            ),
            why="The public address has changed since (a dynamic address, or an extra endpoint from before a move): who must "
            "call the node calls nobody.",
            advice=f"correct what {case.name(index)} announces: an extra endpoint in its configuration, or wait until discovery "
            f"has seen the new address",
            steps=(
                f"talosctl -n {case.asked(index)} get affiliates,kubespanconfigs,addressstatuses -o yaml",
                f"talosctl -n {case.asked(index)} edit mc",
            ),
            after="kubespanpeerspecs of the others show the new address, and the links come up within a minute",
            certainty=Certainty.LIKELY,
            decide="ask from the node's network what its public address is",
            stands=agreed,
            severity=None if pairs else Severity.WARNING,
        )


def _stale(case: Case, index: int) -> list[AddrPort]:
    """Public endpoints of a node inside at which nobody sees it, while everybody sees it at others."""
    own = set(case.places.own(index))
    told = [
        at
        for at in case.announced(index) or ()
        if not is_private(at.address) and not case.places.is_useless(at.address) and at.address not in own
    ]
    if not told:
        return []
    seen = {at.address for at in case.places.outer_seen(index)}
    families = {address.version for address in seen}
    return [at for at in told if at.address.version in families and not any(other.address in seen for other in told)]
