"""A node that did not answer although the mesh reaches it."""

from __future__ import annotations

from collections.abc import Iterator

from talos_resources.insight.facts.combined import Case
from talos_resources.insight.hypothesis import Certainty, Hypothesis, Tier, cause, links
from talos_resources.insight.words import limited
from talos_resources.model.finding import Severity

REFRESH_S = 150.0
"""WireGuard renews a session that is in use every 120 s; after this much longer there is nobody."""


@cause(
    "no-answer",
    "a node did not answer although the mesh reaches it",
    severity=Severity.WARNING,
    tier=Tier.NODE,
    needs="the error of the node that was asked",
    predicts="others have fresh handshakes with it: its API cannot be reached from here",
)
def no_answer(case: Case) -> Iterator[Hypothesis]:
    """Its own view is missing; if nobody had a handshake lately, it is just going down."""
    for node in case.nodes:
        if not node.error or node.index in case.life.silent:
            continue
        last = case.life.last_handshake(node.index)
        going = last is not None and case.ago_s(last[0]) > REFRESH_S
        yield Hypothesis(
            title=f"{node.name} did not answer{', and nobody has had a handshake with it lately' if going else ''}",
            explains=links(case.pairs.of(node.index)) if going else frozenset(),
            evidence=lambda node=node: limited([node.error, *case.last_sign(node.index)]),  # type: ignore[misc]  # bound now, called later
            why="It is off or restarting; its links go down 275 s after their last handshake."
            if going
            else "Its API cannot be reached from here, or it has just gone down: a link stays up for 275 s after its last handshake.",
            advice="look at the machine if it does not come back; until then how it sees the others is not known",
            steps=(f"talosctl -n {node.node or node.name} version",),
            certainty=Certainty.LIKELY,
            stands=True,
        )
    for name, error in case.mesh.errors.items():
        yield Hypothesis(
            title=f"{name} did not answer",
            evidence=lambda error=error: (error,),  # type: ignore[misc]  # bound now, called later
            why="Nothing that the other nodes know goes by this name, so nothing can be said of it.",
            advice="check the name or address after -n, and that the endpoint can reach it",
            certainty=Certainty.CERTAIN,
            stands=True,
        )
