"""`doctor`: one explanation of what is wrong in a snapshot, and what could not be looked at."""

from __future__ import annotations

from typing import Any

import attrs

from talos_resources.insight.causes import causes
from talos_resources.insight.explain import explain
from talos_resources.insight.facts.combined import Case
from talos_resources.insight.mesh import Mesh
from talos_resources.insight.snapshot import Snapshot
from talos_resources.insight.unchecked import not_known
from talos_resources.model.finding import Finding, Severity


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
    """Looks for the fewest causes that explain what is wrong.

    Args:
        snapshot: gathered with `full`, see `talos_resources.sources.snapshots.snapshot`.
    """
    case = Case(snapshot)
    return Diagnosis(mesh=case.mesh, findings=explain(case, causes()), blind=tuple(not_known(case)))
