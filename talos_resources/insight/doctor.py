"""`doctor`: one explanation of what is wrong in a snapshot, and what could not be looked at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from talos_resources.insight.causes import causes
from talos_resources.insight.explain import explain
from talos_resources.insight.facts.combined import Case
from talos_resources.insight.findings import Findings
from talos_resources.insight.mesh import Mesh
from talos_resources.insight.snapshot import Snapshot
from talos_resources.insight.summary import summary
from talos_resources.insight.unchecked import not_known
from talos_resources.model.finding import Severity, counted, findings_text
from talos_resources.model.tabular import Tabular
from talos_resources.model.wrapping import wrapped


@attrs.frozen(kw_only=True, repr=False)
class Diagnosis(Tabular):
    """What was found.

    Attributes:
        mesh: that was looked at.
        findings: the worst first; of equal severity in the order of the rules, root causes before what they explain.
        blind: what could not be looked at, a line each.
    """

    mesh: Mesh
    findings: Findings = attrs.field(converter=Findings)
    blind: tuple[str, ...]

    @property
    def is_clean(self) -> bool:
        """Whether there is nothing but notes."""
        return all(finding.severity is Severity.NOTE for finding in self.findings)

    @property
    def headline(self) -> str:
        """What is wrong in one sentence, how sure that is, and what to do first; empty if nothing is wrong."""
        if self.is_clean:
            return ""
        first = self.findings[0]
        sure = f" ({first.certainty})" if first.certainty else ""
        more = sum(finding.severity is not Severity.NOTE for finding in self.findings) - 1
        others = f", and {more} more" if more else ""
        return f"{first.title}{sure}{others}. First: {first.advice}"

    def text(self, *, width: int | None = None, colour: bool = False) -> str:
        """The diagnosis as the command `doctor` prints it: the first line says what is wrong and what to do first.

        Args:
            width: columns to wrap at, at words; None leaves lines as they are.
            colour: with the colours of a terminal.
        """
        return "".join(f"{line}\n" for line in self._lines(width, colour=colour))

    def records(self, *, json: bool = False) -> list[dict[str, Any]]:
        """Those of the findings."""
        return self.findings.records(json=json)

    def record_columns(self) -> tuple[str, ...]:
        """Those of the findings."""
        return self.findings.record_columns()

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

    def __str__(self) -> str:
        return self.text().rstrip("\n")

    def __repr__(self) -> str:
        return f"<Diagnosis of {len(self.mesh.nodes)} nodes: {counted(self.findings)}>"

    def _lines(self, width: int | None, *, colour: bool) -> Iterator[str]:
        if self.headline:
            yield from wrapped("", self.headline, width)
        yield from wrapped("", summary(self.mesh), width)
        if self.findings:
            yield ""
        yield findings_text(self.findings, width=width, colour=colour).rstrip("\n")
        for line in self.blind:
            yield from wrapped("not known: ", line, width)


def examine(snapshot: Snapshot) -> Diagnosis:
    """Looks for the fewest causes that explain what is wrong.

    Args:
        snapshot: gathered with `full`, see `talos_resources.sources.snapshots.snapshot`.
    """
    case = Case(snapshot)
    return Diagnosis(mesh=case.mesh, findings=explain(case, causes()), blind=tuple(not_known(case)))
