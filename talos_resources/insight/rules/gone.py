"""Nodes that are not there any more, or do not answer."""

from __future__ import annotations

from collections.abc import Iterator

from talos_resources.insight.case import Case, clock, duration, limited
from talos_resources.insight.rules.registry import Rule, rule
from talos_resources.model.finding import Finding, Severity
from talos_resources.model.timestamp import Timestamp

REFRESH_S = 150.0
"""WireGuard renews a session that is in use every 120 s; after this much longer there is nobody."""


def _last_handshake(case: Case, index: int) -> tuple[Timestamp, str] | None:
    """The last handshake that anybody had with a node, and who."""
    moments = [
        (status.last_handshake_time, case.name(observer))
        for observer in case.fresh
        if (status := case.status(observer, index)) is not None and not status.last_handshake_time.is_zero
    ]
    return max(moments, default=None)


def _evidence(case: Case, index: int) -> Iterator[str]:
    last = _last_handshake(case, index)
    if last is not None:
        yield f"last handshake with anybody: {clock(last[0])}, {duration((case.reference - last[0]) / 1e9)} ago ({last[1]})"
    listed = case.listed_by(index)
    if listed:
        yield f"discovery still lists it on {case.names(listed)}; without a sign of life an entry goes after 30 m"
    else:
        yield "discovery does not list it any more"


@rule("node-silent", "a node has no link to anybody and does not speak for itself", severity=Severity.ERROR, guide="KubeSpan")
def node_silent(case: Case, this: Rule) -> Iterator[Finding]:
    """Off, cut off, or gone but still listed: one finding for the node, not one for each of its links."""
    for index, why in case.silent.items():
        if not case.listed_by(index) and not case.nodes[index].error:
            continue
        yield this.found(
            f"{case.name(index)} is off or unreachable: no node has a link to it",
            evidence=limited([why, *_evidence(case, index)]),
            cause="The node is switched off, has lost its network, or has left the cluster and its affiliate is stale.",
            advice="look at the machine itself (console, power); if it is gone for good, delete its Kubernetes node and wait 30 m",
        )


@rule("node-left", "a node that was asked has left the mesh", severity=Severity.WARNING, guide="KubeSpan")
def node_left(case: Case, this: Rule) -> Iterator[Finding]:
    """Its old report is all that is left of it: in a bundle or a recording."""
    for index in case.silent:
        if case.listed_by(index) or case.nodes[index].error:
            continue
        old = case.old_reports.get(index)
        yield this.found(
            f"{case.name(index)} has left the mesh{f' {duration(old)} ago' if old is not None else ''}: no other node knows it any more",
            evidence=limited(_evidence(case, index)),
            cause="Its entry in discovery has expired, so the others have dropped it as a peer.",
            advice="nothing if it was removed on purpose; otherwise look at the machine, it comes back by itself",
        )


@rule("no-answer", "a node did not answer although the mesh reaches it", severity=Severity.WARNING)
def no_answer(case: Case, this: Rule) -> Iterator[Finding]:
    """Its own view is missing; if nobody had a handshake lately, it is just going down."""
    for node in case.nodes:
        if not node.error or node.index in case.silent:
            continue
        last = _last_handshake(case, node.index)
        age = None if last is None else (case.reference - last[0]) / 1e9
        going = age is not None and age > REFRESH_S
        yield this.found(
            f"{node.name} did not answer{', and nobody has had a handshake with it lately' if going else ''}",
            evidence=limited([node.error, *_evidence(case, node.index)]),
            cause="It is off or restarting; its links go down 275 s after their last handshake."
            if going
            else "Its API cannot be reached from here, or it has just gone down: a link stays up for 275 s after its last handshake.",
            advice="look at the machine if it does not come back; until then how it sees the others is not known",
        )
    for name, error in case.mesh.errors.items():
        yield this.found(
            f"{name} did not answer",
            evidence=(error,),
            cause="Nothing that the other nodes know goes by this name, so nothing can be said of it.",
            advice="check the name or address after -n, and that the endpoint can reach it",
        )


@rule("report-old", "a node does not update its peer statuses", severity=Severity.WARNING, guide="KubeSpan, KubeSpanPeerStatuses")
def report_old(case: Case, this: Rule) -> Iterator[Finding]:
    """KubeSpan's manager writes them every 30 s."""
    for index, seconds in case.old_reports.items():
        if index in case.silent:
            continue
        yield this.found(
            f"{case.name(index)} has not updated its peer statuses for {duration(seconds)}",
            evidence=(f"its newest status is from {clock(case.views[index].as_of)}, those of most others from {clock(case.reference)}",),
            cause="KubeSpan's manager writes them every 30 s: it hangs or fails there, or the file of this node is older than the others'.",
            advice=f"look for kubespan.ManagerController in `talosctl -n {case.views[index].node} dmesg`",
        )
