"""Traffic that leaves unencrypted."""

from __future__ import annotations

from collections.abc import Iterator

from talos_resources.insight.facts.combined import Case
from talos_resources.insight.facts.evidence import Pair
from talos_resources.insight.hypothesis import CONFIGURATION_GUIDE, Certainty, Hypothesis, Tier, cause
from talos_resources.insight.words import limited, some
from talos_resources.model.finding import Severity
from talos_resources.resources import PeerState


@cause(
    "down-peer-bypass",
    "traffic to peers that are down leaves unencrypted",
    severity=Severity.WARNING,
    tier=Tier.STATE,
    needs="KubeSpanConfigs and peer statuses",
    predicts="traffic to a peer that is down goes by the normal route, in the clear",
    against="all links are up: then it is a choice that costs nothing now",
    guide=CONFIGURATION_GUIDE,
)
def down_peer_bypass(case: Case) -> Iterator[Hypothesis]:
    """A choice, and a risk that becomes real when a link is down."""
    found = [
        index
        for index, view in case.life.fresh.items()
        if view.config is not None and view.config.enabled and not view.config.force_routing
    ]
    if not found:
        return
    ways: list[Pair] = [
        way for pair in case.pairs.faulty for way in (pair, (pair[1], pair[0])) if way[0] in found and case.state(*way).is_fault
    ]
    held = [case.life.fresh[index].statuses for index in found]
    are_up = all(statuses and all(status.spec.state is PeerState.UP for status in statuses) for statuses in held)
    yield Hypothesis(
        title=f"allowDownPeerBypass is on, on {case.names(found)}"
        + (
            f": traffic over {some(len(ways), 'link')} leaves unencrypted now"
            if ways
            else "; all links are up, so nothing leaves unencrypted"
            if are_up
            else "; no link is known to be down"
        ),
        evidence=lambda: limited(
            [
                *(f"{case.name(here)} → {case.name(there)} is {case.state(here, there).value}: unencrypted now" for here, there in ways),
                "KubeSpanConfigs: forceRouting is false",
            ]
        ),
        why="Traffic to a peer that is down goes around the tunnel, unencrypted, wherever a normal route leads to it.",
        advice="mend the links first: with allowDownPeerBypass off, the traffic that still flows in the clear stops until they are up"
        if ways
        else "nothing; where no traffic may ever be unencrypted, set machine.network.kubespan.allowDownPeerBypass to false "
        "while all links are up",
        steps=(f"talosctl -n {case.asked(found[0])} get kubespanpeerstatuses",),
        after="all links are up, and nothing goes around the tunnel",
        certainty=Certainty.CERTAIN,
        stands=True,
        severity=Severity.ERROR if ways else Severity.NOTE,
    )
