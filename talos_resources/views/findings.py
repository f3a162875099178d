"""Findings as text for people, as HTML for notebooks and as JSON for programs."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import Final

from talos_resources.model.finding import Finding, Severity, ordered

_LABELS: Final = {Severity.ERROR: "ERROR", Severity.WARNING: "WARN", Severity.NOTE: "NOTE"}
_COLOURS: Final = {Severity.ERROR: "red", Severity.WARNING: "darkorange", Severity.NOTE: "gray"}
_INDENT: Final = 7
_NARROWEST: Final = 40


def findings_text(findings: Sequence[Finding], *, width: int | None = None) -> str:
    """Findings, the worst first, and a line that counts them.

    Args:
        findings: in any order.
        width: columns to wrap at; None leaves lines as they are.
    """
    return "".join([*(_block(finding, width) for finding in ordered(list(findings))), _counted(findings), "\n"])


def findings_html(findings: Sequence[Finding], *, heading: str = "", blind: Sequence[str] = ()) -> str:
    """Findings as a table for notebooks, the worst first.

    Args:
        findings: in any order.
        heading: a line above it.
        blind: what could not be looked at, a line each.
    """
    import html

    rows = [
        f'<tr><th style="color:{_COLOURS[finding.severity]}">{_LABELS[finding.severity]}</th><td style="text-align:left">'
        f"{'<br>'.join(html.escape(line) for line in _lines(finding))}</td></tr>\n"
        for finding in ordered(list(findings))
    ]
    notes = [f"<p>not known: {html.escape(line)}</p>\n" for line in blind]
    above = [f"<p>{html.escape(heading)}</p>\n"] if heading else []
    return "".join([*above, '<table class="talos-findings">\n', *rows, "</table>\n", f"<p>{_counted(findings)}</p>\n", *notes])


def findings_json(findings: Sequence[Finding]) -> str:
    """Findings as a JSON list, the worst first."""
    import json

    return json.dumps([finding.to_plain() for finding in ordered(list(findings))], indent=2, ensure_ascii=False) + "\n"


def _counted(findings: Sequence[Finding]) -> str:
    counts = {severity: sum(finding.severity is severity for finding in findings) for severity in Severity}
    total = [_count(counts[Severity.ERROR], "error"), _count(counts[Severity.WARNING], "warning")]
    if counts[Severity.NOTE]:
        total.append(_count(counts[Severity.NOTE], "note"))
    return ", ".join(total)


def _block(finding: Finding, width: int | None) -> str:
    lines = [
        *_wrapped(_LABELS[finding.severity].ljust(_INDENT), finding.title, width),
        *(line for text in finding.evidence for line in _wrapped(" " * _INDENT, text, width)),
        *(_wrapped(f"{' ' * _INDENT}Why: ", finding.cause, width) if finding.cause else ()),
        *(_wrapped(f"{' ' * _INDENT}Do:  ", _advice(finding), width) if _advice(finding) else ()),
    ]
    return "".join(f"{line}\n" for line in lines)


def _lines(finding: Finding) -> list[str]:
    why = [f"Why: {finding.cause}"] if finding.cause else []
    do = [f"Do: {_advice(finding)}"] if _advice(finding) else []
    return [finding.title, *finding.evidence, *why, *do]


def _advice(finding: Finding) -> str:
    return "   ".join(part for part in (finding.advice, finding.guide and f"guide: {finding.guide}") if part)


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
