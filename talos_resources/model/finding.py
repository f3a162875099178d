"""What a check has found: the evidence, why it is so, and what to do about it."""

from __future__ import annotations

import enum
from typing import Any

import attrs


class Severity(enum.Enum):
    """How bad it is; a note is only good to know and is no fault."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return list(Severity).index(self)


@attrs.frozen(kw_only=True)
class Finding:
    """One thing that a check has found.

    Attributes:
        severity: how bad it is.
        rule: a short stable name of the check, such as `inline-on-worker`.
        title: what is wrong with what, in one line; names the subject.
        evidence: what was seen, one line each; never a secret.
        cause: why it is a problem, in words.
        advice: what to do.
        guide: the section of the Talos guide that says so, as in `Deploying Cilium CNI, method 4`.
        certainty: how sure it is: `certain`, `likely`, `possible`; empty where that is no question.
        decide: the one observation that tells it from what else it may be.
        rivals: what else it may be, as `RULE: what would show it`.
        steps: commands to type, in order.
        after: what to see when it is mended.
        nodes: whom it concerns, by name.
    """

    severity: Severity
    rule: str
    title: str
    evidence: tuple[str, ...] = ()
    cause: str = ""
    advice: str = ""
    guide: str = ""
    certainty: str = ""
    decide: str = ""
    rivals: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    after: str = ""
    nodes: tuple[str, ...] = ()

    def to_plain(self) -> dict[str, Any]:
        """The finding as plain values, for JSON; what only a diagnosis has is left out where it is empty."""
        more = {
            "certainty": self.certainty,
            "decide": self.decide,
            "rivals": list(self.rivals),
            "steps": list(self.steps),
            "after": self.after,
            "nodes": list(self.nodes),
        }
        return {
            "severity": self.severity.value,
            "rule": self.rule,
            "title": self.title,
            "evidence": list(self.evidence),
            "cause": self.cause,
            "advice": self.advice,
            "guide": self.guide,
            **{name: value for name, value in more.items() if value},
        }


def ordered(findings: tuple[Finding, ...] | list[Finding]) -> tuple[Finding, ...]:
    """The worst first; those of equal severity in the order in which they were found."""
    return tuple(sorted(findings, key=lambda finding: finding.severity.rank))
