"""A node that does not update its statuses."""

from __future__ import annotations

from collections.abc import Iterator

from talos_resources.insight.facts.combined import Case
from talos_resources.insight.hypothesis import STATUSES_GUIDE, Certainty, Hypothesis, Tier, cause, links
from talos_resources.insight.words import clock, duration, limited, verb
from talos_resources.model.finding import Severity


@cause(
    "report-old",
    "a node does not update its peer statuses",
    severity=Severity.WARNING,
    tier=Tier.NODE,
    needs="peer statuses of at least two nodes",
    predicts="its counters lag behind those of its peers, and its handshakes are older than theirs by different amounts",
    against="handshakes that are off by one amount: then its clock is wrong",
    guide=STATUSES_GUIDE,
)
def report_old(case: Case) -> Iterator[Hypothesis]:
    """KubeSpan's manager writes them every 30 s."""
    late = {index: seconds for index, seconds in case.clocks.old_reports.items() if index not in case.life.silent}
    if not late:
        return
    every, many = sorted(late), len(late)
    first = every[0]
    yield Hypothesis(
        title=f"{case.names(every)} {verb(many, 'has', 'have')} not updated {verb(many, 'its', 'their')} peer statuses for "
        f"{duration(max(late.values()))}",
        explains=links(pair for pair in case.pairs.faulty if not late.keys().isdisjoint(pair)),
        evidence=lambda: limited(
            f"{case.name(index)}: its newest status is from {clock(mine, theirs)}, those of most others from {clock(theirs, mine)}"
            for index in every
            for mine, theirs in [(case.views[index].as_of, case.reference)]
        ),
        why="KubeSpan's manager writes them every 30 s: it hangs or fails there, or the file of this node is older than the others'.",
        advice=f"look for kubespan.ManagerController in the log of {case.names(every)}; if the file is old, collect it again",
        steps=(
            f"talosctl -n {case.asked(first)} logs controller-runtime | grep kubespan",
            f"talosctl -n {case.asked(first)} get kubespanpeerstatuses -w",
        ),
        after="its statuses have a new time every 30 s",
        certainty=Certainty.LIKELY,
        decide="`talosctl time` shows whether its clock is wrong instead",
        stands=True,
    )
