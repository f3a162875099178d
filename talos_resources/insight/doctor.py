"""`doctor`: all rules over a snapshot, and what could not be looked at."""

from __future__ import annotations

from typing import Any

import attrs

from talos_resources.insight.case import Case
from talos_resources.insight.mesh import Mesh
from talos_resources.insight.rules.registry import rules
from talos_resources.insight.snapshot import Snapshot
from talos_resources.model.finding import Finding, Severity, ordered


@attrs.frozen(kw_only=True)
class Diagnosis:
    """What was found.

    Attributes:
        mesh: that was looked at.
        findings: the worst first; of equal severity in the order of the rules, root causes before what they explain.
        blind: what could not be looked at, a line each.
    """

    mesh: Mesh
    findings: tuple[Finding, ...]
    blind: tuple[str, ...]

    @property
    def is_clean(self) -> bool:
        """Whether there is nothing but notes."""
        return all(finding.severity is Severity.NOTE for finding in self.findings)

    def to_plain(self) -> dict[str, Any]:
        """Everything as plain values, for JSON."""
        counts = {severity.value: sum(finding.severity is severity for finding in self.findings) for severity in Severity}
        return {
            "nodes": len(self.mesh.nodes),
            "observed": len(self.mesh.observed),
            **{f"{name}s": count for name, count in counts.items()},
            "findings": [finding.to_plain() for finding in self.findings],
            "blind": list(self.blind),
        }


def examine(snapshot: Snapshot) -> Diagnosis:
    """Applies every rule.

    Args:
        snapshot: gathered with `full`, see `talos_resources.sources.views.snapshot`.
    """
    case = Case(snapshot)
    findings = [finding for rule in rules() for finding in rule.check(case)]
    return Diagnosis(mesh=case.mesh, findings=ordered(findings), blind=tuple(_blind(case)))


def _blind(case: Case) -> list[str]:
    lines = []
    if not any(view.statuses or view.specs for view in case.views.values()):
        lines.append("there are no KubeSpan peers here: KubeSpan is off, or the source has no KubeSpanPeerStatuses")
    unseen = len(case.nodes) - len(case.views)
    if unseen and case.views:
        lines.append(
            f"{len(case.views)} of {len(case.nodes)} nodes were looked at: one-way links, clocks and what the other {unseen} know "
            "cannot be judged (name them all with -n)"
        )
    denied: dict[str, list[int]] = {}
    for index, view in case.views.items():
        for name in view.unreadable:
            denied.setdefault(name, []).append(index)
    lines += [f"{name} could not be read on {case.names(indexes)}; what depends on it was not checked" for name, indexes in denied.items()]
    lacking = {
        "the packet filter fits the peers (no NfTablesChains)": any(view.chains for view in case.views.values()),
        "the MTU fits the network below (no LinkStatuses)": any(view.links for view in case.views.values()),
    }
    told = [what for what, is_there in lacking.items() if not is_there]
    return [*lines, *([f"whether {' and whether '.join(told)}"] if told and case.views else [])]
