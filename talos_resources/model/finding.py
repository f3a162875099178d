"""What a check has found: the evidence, why it is so, and what to do about it."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from typing import Any, Final

import attrs

from talos_resources.model.printable import printable
from talos_resources.model.wrapping import folded, wrapped


class Severity(enum.Enum):
    """How bad it is; a note is only good to know and is no fault."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return list(Severity).index(self)


PAGE: Final = "docs/findings.md"
"""The page that has a section for every rule, from the root of the repository."""


@attrs.frozen(kw_only=True, repr=False)
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

    @property
    def page(self) -> str:
        """Where the documentation explains the rule."""
        return f"{PAGE}#{self.rule}"

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
            "page": self.page,
            **{name: value for name, value in more.items() if value},
        }

    def to_record(self) -> dict[str, Any]:
        """The finding for data frames: every field, empty or not."""
        found = {name: getattr(self, name) for name in record_columns()}
        return found | {"severity": self.severity.value, "nodes": list(self.nodes)}

    def __str__(self) -> str:
        return _block(self, None, colour=False).rstrip("\n")

    def __repr__(self) -> str:
        return f"<{self.severity.value} {self.rule}: {printable(self.title)}>"


def record_columns() -> tuple[str, ...]:
    """The names that the record of a finding has: what matters most goes first."""
    first = ("severity", "rule", "title", "nodes")
    return (*first, *(field.name for field in attrs.fields(Finding) if field.name not in first))


def ordered(findings: tuple[Finding, ...] | list[Finding]) -> tuple[Finding, ...]:
    """The worst first; those of equal severity in the order in which they were found."""
    return tuple(sorted(findings, key=lambda finding: finding.severity.rank))


LABELS: Final = {Severity.ERROR: "ERROR", Severity.WARNING: "WARN", Severity.NOTE: "NOTE"}
_CODES: Final = {Severity.ERROR: "1;31", Severity.WARNING: "33", Severity.NOTE: "2"}
_INDENT: Final = 7
_NAME: Final = 5
"""The width of `Why: ` and its like."""


def findings_text(findings: Sequence[Finding], *, width: int | None = None, colour: bool = False) -> str:
    """Findings, the worst first, and a line that counts them.

    Args:
        findings: in any order.
        width: columns to wrap at; None leaves lines as they are.
        colour: with the colours of a terminal.
    """
    return "".join([*(_block(finding, width, colour=colour) for finding in ordered(list(findings))), counted(findings), "\n"])


def counted(findings: Sequence[Finding]) -> str:
    """`1 error, 2 warnings, 1 note`."""
    counts = {severity: sum(finding.severity is severity for finding in findings) for severity in Severity}
    total = [_count(counts[Severity.ERROR], "error"), _count(counts[Severity.WARNING], "warning")]
    if counts[Severity.NOTE]:
        total.append(_count(counts[Severity.NOTE], "note"))
    return ", ".join(total)


def _block(finding: Finding, width: int | None, *, colour: bool) -> str:
    label, lead = LABELS[finding.severity], " " * _INDENT
    lines = [
        *wrapped(label.ljust(_INDENT), finding.title, width),
        *(line for text in finding.evidence for line in wrapped(lead, text, width)),
        *(line for name, text in _parts(finding) for line in wrapped(f"{lead}{name}", text, width)),
        *(line for step in finding.steps for line in _step(f"{lead}{'':{_NAME}}", printable(step), width)),
        *(line for name, text in _afterwards(finding) for line in wrapped(f"{lead}{name}", text, width)),
    ]
    text = "".join(f"{line}\n" for line in lines)
    return text.replace(label, f"\x1b[{_CODES[finding.severity]}m{label}\x1b[0m", 1) if colour else text


def _step(lead: str, step: str, width: int | None) -> Iterator[str]:
    """A command in one line, to be copied; its comment stands below it where there is no room beside."""
    command, comment, told = step.partition("   # ")
    if comment and width is not None and len(lead) + 2 + len(step) > width:
        yield f"{lead}$ {command}"
        yield from folded(told, width, lead=f"{lead}  # ", under=f"{lead}  # ")
    else:
        yield f"{lead}$ {step}"


def _parts(finding: Finding) -> Iterator[tuple[str, str]]:
    if finding.cause:
        yield "Why: ", finding.cause
    if _advice(finding):
        yield "Do:  ", _advice(finding)


def _afterwards(finding: Finding) -> Iterator[tuple[str, str]]:
    """What to see then, and, of an unsure finding, what decides."""
    if finding.after:
        yield "Then: ", finding.after
    if finding.certainty and finding.certainty != "certain" and finding.decide:
        yield "Sure? ", f"{finding.certainty}; what decides: {finding.decide}"
    for rival in finding.rivals:
        yield "Or:  ", rival


def lines_of(finding: Finding) -> list[str]:
    """All that a finding says, a part a line, as pages show it."""
    parts = [f"{name}{text}" for name, text in (*_parts(finding), *_afterwards(finding))]
    return [finding.title, *finding.evidence, *parts[:2], *finding.steps, *parts[2:]]


def _advice(finding: Finding) -> str:
    return "   ".join(part for part in (finding.advice, finding.guide and f"guide: {finding.guide}") if part)


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
