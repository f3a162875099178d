"""Findings as HTML for notebooks and as JSON for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from talos_resources.model.finding import LABELS, Finding, Severity, counted, lines_of, ordered

_COLOURS: Final = {Severity.ERROR: "red", Severity.WARNING: "darkorange", Severity.NOTE: "gray"}


def findings_html(findings: Sequence[Finding], *, heading: str = "", blind: Sequence[str] = ()) -> str:
    """Findings as a table for notebooks, the worst first.

    Args:
        findings: in any order.
        heading: a line above it.
        blind: what could not be looked at, a line each.
    """
    import html

    rows = [
        f'<tr><th style="color:{_COLOURS[finding.severity]}">{LABELS[finding.severity]}</th><td style="text-align:left">'
        f"{'<br>'.join(html.escape(line) for line in lines_of(finding))}<br><small>{html.escape(finding.page)}</small></td></tr>\n"
        for finding in ordered(list(findings))
    ]
    notes = [f"<p>not known: {html.escape(line)}</p>\n" for line in blind]
    above = [f"<p>{html.escape(heading)}</p>\n"] if heading else []
    return "".join([*above, '<table class="talos-findings">\n', *rows, "</table>\n", f"<p>{counted(findings)}</p>\n", *notes])


def findings_json(findings: Sequence[Finding]) -> str:
    """Findings as a JSON list, the worst first."""
    import json

    return json.dumps([finding.to_plain() for finding in ordered(list(findings))], indent=2, ensure_ascii=False) + "\n"
