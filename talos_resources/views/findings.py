"""Findings as text for people, as HTML for notebooks and as JSON for programs."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from talos_resources.model.finding import Finding, Severity, ordered
from talos_resources.model.printable import printable

_LABELS: Final = {Severity.ERROR: "ERROR", Severity.WARNING: "WARN", Severity.NOTE: "NOTE"}
_COLOURS: Final = {Severity.ERROR: "red", Severity.WARNING: "darkorange", Severity.NOTE: "gray"}
_CODES: Final = {Severity.ERROR: "1;31", Severity.WARNING: "33", Severity.NOTE: "2"}
_INDENT: Final = 7
_NAME: Final = 5
"""The width of `Why: ` and its like."""
_NARROWEST: Final = 40


def findings_text(findings: Sequence[Finding], *, width: int | None = None, colour: bool = False) -> str:
    """Findings, the worst first, and a line that counts them.

    Args:
        findings: in any order.
        width: columns to wrap at; None leaves lines as they are.
        colour: with the colours of a terminal.
    """
    return "".join([*(_block(finding, width, colour=colour) for finding in ordered(list(findings))), counted(findings), "\n"])


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
    return "".join([*above, '<table class="talos-findings">\n', *rows, "</table>\n", f"<p>{counted(findings)}</p>\n", *notes])


def findings_json(findings: Sequence[Finding]) -> str:
    """Findings as a JSON list, the worst first."""
    import json

    return json.dumps([finding.to_plain() for finding in ordered(list(findings))], indent=2, ensure_ascii=False) + "\n"


def counted(findings: Sequence[Finding]) -> str:
    """`1 error, 2 warnings, 1 note`."""
    counts = {severity: sum(finding.severity is severity for finding in findings) for severity in Severity}
    total = [_count(counts[Severity.ERROR], "error"), _count(counts[Severity.WARNING], "warning")]
    if counts[Severity.NOTE]:
        total.append(_count(counts[Severity.NOTE], "note"))
    return ", ".join(total)


def _block(finding: Finding, width: int | None, *, colour: bool) -> str:
    label, lead = _LABELS[finding.severity], " " * _INDENT
    lines = [
        *wrapped(label.ljust(_INDENT), finding.title, width),
        *(line for text in finding.evidence for line in wrapped(lead, text, width)),
        *(line for name, text in _parts(finding) for line in wrapped(f"{lead}{name}", text, width)),
        *(f"{lead}{'':{_NAME}}$ {printable(step)}" for step in finding.steps),
        *(line for name, text in _afterwards(finding) for line in wrapped(f"{lead}{name}", text, width)),
    ]
    text = "".join(f"{line}\n" for line in lines)
    return text.replace(label, f"\x1b[{_CODES[finding.severity]}m{label}\x1b[0m", 1) if colour else text


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


def _lines(finding: Finding) -> list[str]:
    parts = [f"{name}{text}" for name, text in (*_parts(finding), *_afterwards(finding))]
    return [finding.title, *finding.evidence, *parts[:2], *finding.steps, *parts[2:]]


def _advice(finding: Finding) -> str:
    return "   ".join(part for part in (finding.advice, finding.guide and f"guide: {finding.guide}") if part)


def wrapped(lead: str, text: str, width: int | None) -> Iterable[str]:
    """A text in lines of so many columns, broken at words, the further ones under the first."""
    text = printable(text)
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
