"""A node that is not listed any more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from talos_resources.insight.facts.combined import Case
from talos_resources.insight.facts.life import ENTRY_S, REFRESH_S
from talos_resources.insight.hypothesis import Certainty, Hypothesis, Tier, cause, links
from talos_resources.insight.words import duration, limited
from talos_resources.model.finding import Severity

_SOONEST_S: Final = ENTRY_S - REFRESH_S
"""The entry of a node that fell silent stays at least so long: it had refreshed it not longer ago than the period."""


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
        notice = _notice(case, index, old)
        yield Hypothesis(
            title=f"{case.name(index)} has left the mesh{f' {duration(old)} ago' if old is not None else ''}: no other node "
            f"knows it any more",
            explains=links(case.pairs.of(index)),
            evidence=lambda index=index, notice=notice: limited(  # type: ignore[misc]  # bound now, called later
                [
                    f"{case.name(index)}: {case.life.silent[index]}",
                    *case.last_sign(index),
                    notice or "discovery does not list it any more",
                ]
            ),
            why="It took its entry out of discovery itself, as a reset does (or had lost discovery long before it fell silent), "
            "and the others have dropped it as a peer."
            if notice
            else "Its entry in discovery has expired, so the others have dropped it as a peer.",
            advice="nothing if it was removed on purpose; otherwise look at the machine, it comes back by itself",
            steps=(f"talosctl -n {case.asked(index)} version",),
            certainty=Certainty.CERTAIN,
            stands=True,
            severity=Severity.NOTE if notice else None,
        )


def _notice(case: Case, index: int, old: float | None) -> str:
    """What shows that a node has taken its entry back rather than let it expire; nothing if that is not known."""
    past = case.snapshot.past
    if past is not None:
        drops = [link.dropped for (_, key), link in past.links.items() if key == case.nodes[index].public_key and link.dropped]
        return "others dropped it while its links were up" if drops and all(state == "up" for state in drops) else ""
    if old is not None and old < _SOONEST_S:
        return f"discovery does not list it any more, sooner than an entry expires ({duration(_SOONEST_S)} at least)"
    return ""
