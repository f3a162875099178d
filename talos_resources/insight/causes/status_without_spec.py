"""Peers that discovery does not know."""

from __future__ import annotations

from collections.abc import Iterator

from talos_resources.insight.facts.combined import Case
from talos_resources.insight.hypothesis import SPECS_GUIDE, Certainty, Hypothesis, Tier, cause
from talos_resources.insight.words import limited, some
from talos_resources.model.finding import Severity


@cause(
    "status-without-spec",
    "WireGuard has a peer that discovery does not know",
    severity=Severity.WARNING,
    tier=Tier.STATE,
    needs="KubeSpanPeerSpecs and KubeSpanPeerStatuses of one node",
    predicts="the status stays although there is no spec",
    against="it is being torn down, or the specs were not read",
    guide=SPECS_GUIDE,
)
def status_without_spec(case: Case) -> Iterator[Hypothesis]:
    """The manager destroys statuses without a spec at once."""
    for index, view in case.life.fresh.items():
        if case.is_unread(index, "KubeSpanPeerSpecs") or (not view.specs and not (view.affiliates and view.is_whole)):
            continue  # specs are not part of what was read
        specs = {spec.id for spec in view.specs}
        left = [status for status in view.statuses if status.id not in specs and status.metadata.phase.value == "running"]
        if not left or len(left) == len(view.statuses) > 1:
            continue  # none has one: the specs were not read
        yield Hypothesis(
            title=f"{case.name(index)} still has {some(len(left), 'peer')} that discovery does not know any more",
            evidence=lambda left=left: limited(f"{status.spec.label} ({status.id}), {status.spec.state}" for status in left),  # type: ignore[misc]
            why="KubeSpan's manager drops such peers at once; it hangs, or this was read while it changed.",
            advice="look again; if they stay, look for kubespan.ManagerController in the log",
            steps=(f"talosctl -n {case.asked(index)} logs controller-runtime | grep kubespan",),
            after="the status is gone within 30 s",
            certainty=Certainty.LIKELY,
            decide="look again in a minute",
            stands=True,
        )
