"""A node that is not listed any more."""

from __future__ import annotations

from collections.abc import Iterator

from talos_resources.insight.facts.combined import Case
from talos_resources.insight.hypothesis import Certainty, Hypothesis, Tier, cause, links
from talos_resources.insight.words import clock, duration, limited
from talos_resources.model.finding import Severity


@cause(
    "node-left",
    "a node that was asked has left the mesh",
    severity=Severity.WARNING,
    tier=Tier.NODE,
    needs="an old report of the node, in a bundle or a recording",
    predicts="nobody lists it any more",
    guide="KubeSpan",
)
def node_left(case: Case) -> Iterator[Hypothesis]:
    """Its old report is all that is left of it."""
    for index in case.life.silent:
        if case.life.listed_by(index) or case.nodes[index].error or not case.nodes[index].node_id:
            continue
        old = case.clocks.old_reports.get(index)
        last = case.life.last_handshake(index)
        yield Hypothesis(
            title=f"{case.name(index)} has left the mesh{f' {duration(old)} ago' if old is not None else ''}: no other node "
            f"knows it any more",
            explains=links(case.pairs.of(index)),
            evidence=lambda last=last, index=index: limited(  # type: ignore[misc]  # bound now, called later
                [
                    f"{case.name(index)}: {case.life.silent[index]}",
                    *(
                        [f"last handshake with anybody: {clock(last[0], case.reference)} ({case.name(last[1])})"]
                        if last is not None
                        else []
                    ),
                    "discovery does not list it any more",
                ]
            ),
            why="Its entry in discovery has expired, so the others have dropped it as a peer.",
            advice="nothing if it was removed on purpose; otherwise look at the machine, it comes back by itself",
            steps=(f"talosctl -n {case.asked(index)} version",),
            certainty=Certainty.CERTAIN,
            stands=True,
        )
