"""Rules and routes into the mesh that the kernel lacks."""

from __future__ import annotations

from collections.abc import Iterator

from talos_resources.insight.facts.combined import Case
from talos_resources.insight.hypothesis import Certainty, Hypothesis, Tier, cause
from talos_resources.insight.words import limited, verb


@cause(
    "routing-missing",
    "the rules or routes that lead into the mesh are missing in the kernel",
    tier=Tier.STATE,
    needs="RoutingRuleStatuses or RouteStatuses, which say what the kernel has",
    predicts="links are up and pings over them work, but marked packets leave by the normal route, unencrypted",
    against="the lists are empty because they were not read",
    guide="KubeSpan",
)
def routing_missing(case: Case) -> Iterator[Hypothesis]:
    """WireGuard works, and nothing is sent into it."""
    found = {index: view.kernel for index, view in case.life.fresh.items() if view.kernel and index not in case.life.devices_missing}
    if found:
        yield Hypothesis(
            title=f"{case.names(found)} {verb(len(found), 'does', 'do')} not route into the mesh: traffic to peers leaves unencrypted",
            evidence=lambda: limited(f"{case.name(index)}: {line}" for index, lines in found.items() for line in lines),
            why="The packet filter marks what is for the mesh, and a rule sends marked packets to table 180, whose route leads "
            "to kubespan: without it "
            "they take the normal route.",
            advice=f"restart KubeSpan on {case.names(found)}: switch it off and on, or reboot; find out what removed the rule",
            steps=(f"talosctl -n {case.asked(min(found))} get routingrules,routes",),
            after="RoutingRuleStatuses have a rule of mark 0x40 to table 180, RouteStatuses a route of table 180 to kubespan",
            certainty=Certainty.CERTAIN,
            stands=True,
            stops=tuple(found),
        )
