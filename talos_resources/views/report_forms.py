"""A report as Markdown for a ticket, and as one page that loads nothing."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Final

from talos_resources.insight.mesh import LinkState
from talos_resources.insight.outline import outline
from talos_resources.insight.report import Report
from talos_resources.insight.summary import summary
from talos_resources.model.finding import Finding, counted
from talos_resources.model.printable import printable
from talos_resources.views.diagnosis import diagnosis_markdown, escaped
from talos_resources.views.mesh_svg import mesh_svg, picture_style
from talos_resources.views.page import END, begin, header
from talos_resources.views.report import Section, Table, head, sections

_STATES = frozenset(state.value for state in LinkState)


def report_markdown(report: Report) -> str:
    """The report for a ticket."""
    lines = ["# KubeSpan report", "", escaped(head(report)), "", diagnosis_markdown(report.diagnosis)]
    for section in sections(report):
        lines += [f"## {section.title}", ""]
        if section.text:
            lines += [escaped(section.text), ""]
        if section.table is not None:
            lines += [*_markdown_table(section.table), ""]
        if section.code:
            lines += ["```text", section.code.rstrip("\n").replace("```", "'''"), "```", ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def _markdown_table(table: Table) -> Iterator[str]:
    yield f"| {' | '.join(table.headings)} |"
    yield f"|{'---|' * len(table.headings)}"
    for row in table.rows:
        yield f"| {' | '.join(escaped(printable(cell)) for cell in row)} |"
    if table.note:
        yield ""
        yield escaped(f"… {table.note}")


def report_html(report: Report) -> str:
    """The report as a page: light and dark, for a phone and for paper."""
    diagnosis = report.diagnosis
    first = diagnosis.findings[0].title if not diagnosis.is_clean else "Nothing is wrong"
    parts = [begin(printable(first)), f"<style>{picture_style()}{_STYLE}</style>\n", header(printable(first), printable(head(report)))]
    parts.append(f'<p class="dim">{html.escape(summary(diagnosis.mesh))} · {counted(diagnosis.findings)}</p>\n')
    parts += [_finding(finding) for finding in diagnosis.findings]
    if diagnosis.blind:
        items = "".join(f"<li>{html.escape(printable(line))}</li>" for line in diagnosis.blind)
        parts.append(f'<section class="card"><h2>Not known</h2><ul>{items}</ul></section>\n')
    if outline(diagnosis.mesh).entries:
        parts.append(f'<section class="card picture">{_inline(mesh_svg(diagnosis.mesh))}</section>\n')
    # The text of the mesh is what the picture shows.
    parts += [_section(section) for section in sections(report) if not section.code]
    return "".join([*parts, END])


_STYLE = (
    ".finding h2{margin-bottom:4px}.finding pre{background:var(--paper);padding:8px 12px;border-radius:8px;white-space:pre-wrap}"
    ".tag{font-weight:700;margin-right:8px}.tag.error{color:var(--down-ink)}.tag.warning{color:var(--unknown-ink)}.tag.note{color:var(--dim)}"
    ".picture{overflow-x:auto}.picture svg{min-width:min(100%,560px);width:auto}td{white-space:normal}"
)


def _inline(svg: str) -> str:
    """The picture without its own styles and paper: the page has them."""
    start, _, rest = svg.partition("<style>")
    return f"{start}{rest.partition('</style>')[2]}".replace('class="paper"', 'fill="none"', 1)


def _finding(finding: Finding) -> str:
    level = finding.severity.value
    sure = f" · {html.escape(finding.certainty)}" if finding.certainty else ""
    parts = [f'<section class="card finding"><h2><span class="tag {level}">{level.upper()}</span>{_text(finding.title)}</h2>']
    parts.append(f'<div class="dim">{html.escape(finding.rule)}{sure} · {html.escape(finding.page)}</div>')
    if finding.evidence:
        parts.append(f"<ul>{''.join(f'<li>{_text(line)}</li>' for line in finding.evidence)}</ul>")
    for name, text in (("Why", finding.cause), ("Do", finding.advice), ("Then", finding.after), ("What decides", finding.decide)):
        if text:
            parts.append(f"<p><b>{name}:</b> {_text(text)}</p>")
        if name == "Do" and finding.steps:
            steps = "\n".join(html.escape(printable(step)) for step in finding.steps)
            parts.append(f"<pre>{steps}</pre>")
    if finding.rivals:
        parts.append(f"<p>It may also be:</p><ul>{''.join(f'<li>{_text(line)}</li>' for line in finding.rivals)}</ul>")
    return "".join([*parts, "</section>\n"])


def _section(section: Section) -> str:
    parts = [f'<section class="card"><h2>{html.escape(section.title)}</h2>']
    if section.text:
        parts.append(f"<p>{_text(section.text)}</p>")
    if section.table is not None:
        headings = "".join(f"<th>{html.escape(heading)}</th>" for heading in section.table.headings)
        rows = "".join(f"<tr>{''.join(map(_cell, row))}</tr>\n" for row in section.table.rows)
        parts.append(f'<div class="scroll"><table><thead><tr>{headings}</tr></thead><tbody>\n{rows}</tbody></table></div>')
        if section.table.note:
            parts.append(f'<p class="dim">… {_text(section.table.note)}</p>')
    return "".join([*parts, "</section>\n"])


def _cell(text: str) -> str:
    """A cell; one that is a state, or became one, has its colour."""
    state = text.rpartition(" → ")[2]
    look = f' class="state {state}"' if state in _STATES else ""
    return f"<td{look}>{_text(text)}</td>"


_LONG_WORD: Final = re.compile(r"\S{24,}")


def _text(text: str) -> str:
    """Escaped; names of fields that are longer than a phone is wide break at their dots."""
    return _LONG_WORD.sub(lambda word: word[0].replace(".", ".<wbr>"), html.escape(printable(text)))
