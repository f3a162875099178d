"""Peers that discovery does not know."""

from __future__ import annotations

from collections.abc import Iterator

from talos_resources.insight.facts.combined import Case
from talos_resources.insight.hypothesis import SPECS_GUIDE, Certainty, Hypothesis, Tier, cause
from talos_resources.insight.snapshot import NodeView
from talos_resources.insight.words import limited, some
from talos_resources.model.finding import Severity
from talos_resources.model.metadata import Phase


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
        left = [view.status_of[key] for key in sorted(view.status_of.keys() - view.spec_of.keys())]
        left = [status for status in left if status.metadata.phase is Phase.RUNNING]
        if not left or (len(left) == len(view.status_of) and (len(left) > 1 or _are_listed(view))):
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


def _are_listed(view: NodeView) -> bool:
    """Whether discovery still lists all peers, so that each has a spec, read or not."""
    listed = {affiliate.spec.kubespan.public_key for affiliate in view.affiliates if affiliate.spec.kubespan is not None}
    return listed >= view.status_of.keys()
