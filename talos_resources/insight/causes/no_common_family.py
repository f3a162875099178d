"""Two nodes without an address family in common."""

from __future__ import annotations

from collections.abc import Iterator

from talos_resources.insight.facts.combined import Case
from talos_resources.insight.hypothesis import CONFIGURATION_GUIDE, Certainty, Hypothesis, Tier, cause, links
from talos_resources.insight.pairing import connected, ends, subject
from talos_resources.insight.words import limited
from talos_resources.model.net import format_address


@cause(
    "no-common-family",
    "two nodes have no address family in common",
    tier=Tier.REACH,
    needs="addresses and endpoints of both",
    predicts="the link never comes up, while both reach nodes that have both families",
    against="the link was up once",
    guide=CONFIGURATION_GUIDE,
)
def no_common_family(case: Case) -> Iterator[Hypothesis]:
    """One has IPv4 only, the other announces IPv6 only."""
    found = [pair for pair in case.pairs.faulty if _is_apart(case, *pair) and _is_apart(case, *pair[::-1]) and not case.pairs.ever(pair)]
    for pairs in connected(found):
        every = ends(pairs)
        yield Hypothesis(
            title=f"{subject(case, None, pairs)} {case.pairs.down_for(pairs)}: no address family in common",
            explains=links(pairs),
            evidence=lambda every=every: limited(  # type: ignore[misc]  # bound now, called later
                f"{case.name(index)} has {', '.join(map(format_address, case.places.own(index)))} "
                f"and announces {', '.join(map(str, case.announced(index) or ()))}"
                for index in every
            ),
            why="WireGuard cannot send from an IPv4-only node to an IPv6 endpoint, or the other way round; KubeSpan does not relay.",
            advice="give one of them an address of the other family, or do not hide the endpoints of that family by filters",
            steps=(f"talosctl -n {case.asked(every[0])} get nodeaddresses,kubespanconfigs -o yaml",),
            after="both have an endpoint of one family, and the link comes up within a minute",
            certainty=Certainty.CERTAIN,
        )


def _is_apart(case: Case, observer: int, peer: int) -> bool:
    mine, targets = case.places.families(observer), case.targets(observer, peer)
    return bool(mine) and bool(targets) and not mine & {at.address.version for at in targets or ()}
