"""Findings as text for people and as JSON for programs."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import Final

from talos_resources.model.finding import Finding, Severity, ordered

_LABELS: Final = {Severity.ERROR: "ERROR", Severity.WARNING: "WARN", Severity.NOTE: "NOTE"}
_INDENT: Final = 7
_NARROWEST: Final = 40


def findings_text(findings: Sequence[Finding], *, width: int | None = None) -> str:
    """Findings, the worst first, and a line that counts them.

    Args:
        findings: in any order.
        width: columns to wrap at; None leaves lines as they are.
    """
    counts = {severity: sum(finding.severity is severity for finding in findings) for severity in Severity}
    total = [_count(counts[Severity.ERROR], "error"), _count(counts[Severity.WARNING], "warning")]
    if counts[Severity.NOTE]:
        total.append(_count(counts[Severity.NOTE], "note"))
    return "".join([*(_block(finding, width) for finding in ordered(list(findings))), ", ".join(total), "\n"])


def findings_json(findings: Sequence[Finding]) -> str:
    """Findings as a JSON list, the worst first."""
    import json

    return json.dumps([finding.to_plain() for finding in ordered(list(findings))], indent=2, ensure_ascii=False) + "\n"


def _block(finding: Finding, width: int | None) -> str:
    advice = finding.advice
    if finding.guide:
        advice = f"{advice}   guide: {finding.guide}" if advice else f"guide: {finding.guide}"
    lines = [
        *_wrapped(_LABELS[finding.severity].ljust(_INDENT), finding.title, width),
        *(line for text in finding.evidence for line in _wrapped(" " * _INDENT, text, width)),
        *(_wrapped(f"{' ' * _INDENT}Why: ", finding.cause, width) if finding.cause else ()),
        *(_wrapped(f"{' ' * _INDENT}Do:  ", advice, width) if advice else ()),
    ]
    return "".join(f"{line}\n" for line in lines)


def _wrapped(lead: str, text: str, width: int | None) -> Iterable[str]:
    if width is None:
        return [lead + text]
    return textwrap.wrap(
        text,
        max(width, _NARROWEST),
        initial_indent=lead,
        subsequent_indent=" " * len(lead),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
