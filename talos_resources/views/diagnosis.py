"""A diagnosis as text for people and as Markdown for a ticket: the first line says what is wrong and what to do first."""

from __future__ import annotations

from collections.abc import Iterator

from talos_resources.insight.doctor import Diagnosis
from talos_resources.model.finding import Finding, Severity
from talos_resources.views.findings import counted, findings_text, wrapped
from talos_resources.views.mesh_text import summary


def headline(diagnosis: Diagnosis) -> str:
    """What is wrong in one sentence, how sure that is, and what to do first; empty if nothing is wrong."""
    if diagnosis.is_clean:
        return ""
    first = diagnosis.findings[0]
    sure = f" ({first.certainty})" if first.certainty else ""
    more = sum(finding.severity is not Severity.NOTE for finding in diagnosis.findings) - 1
    others = f", and {more} more" if more else ""
    return f"{first.title}{sure}{others}. First: {first.advice}"


def diagnosis_text(diagnosis: Diagnosis, *, width: int | None = None, colour: bool = False) -> str:
    """Everything that was found.

    Args:
        diagnosis: of `examine`.
        width: columns to wrap at, at words; None leaves lines as they are.
        colour: with the colours of a terminal.
    """
    return "".join(f"{line}\n" for line in _lines(diagnosis, width, colour=colour))


def _lines(diagnosis: Diagnosis, width: int | None, *, colour: bool) -> Iterator[str]:
    first = headline(diagnosis)
    if first:
        yield from wrapped("", first, width)
    yield from wrapped("", summary(diagnosis.mesh), width)
    if diagnosis.findings:
        yield ""
    yield findings_text(diagnosis.findings, width=width, colour=colour).rstrip("\n")
    for line in diagnosis.blind:
        yield from wrapped("not known: ", line, width)


def diagnosis_markdown(diagnosis: Diagnosis) -> str:
    """The same for a ticket: a heading for each finding, commands as code."""
    lines = [f"**{_escaped(headline(diagnosis) or 'Nothing is wrong.')}**", "", _escaped(summary(diagnosis.mesh)), ""]
    for finding in diagnosis.findings:
        lines += [*_section(finding), ""]
    lines.append(counted(diagnosis.findings))
    if diagnosis.blind:
        lines += ["", "Not known:", "", *(f"- {_escaped(line)}" for line in diagnosis.blind)]
    return "\n".join(lines) + "\n"


def _section(finding: Finding) -> Iterator[str]:
    yield f"## {finding.severity.value.capitalize()}: {_escaped(finding.title)}"
    yield ""
    yield f"`{finding.rule}`{f', {finding.certainty}' if finding.certainty else ''}"
    yield ""
    yield from (f"- {_escaped(line)}" for line in finding.evidence)
    parts = (("Why", finding.cause), ("Do", finding.advice), ("Then", finding.after), ("To decide", finding.decide))
    for name, text in parts:
        if text:
            yield ""
            yield f"**{name}:** {_escaped(text)}"
            if name == "Do" and finding.steps:
                yield ""
                yield "```sh"
                yield from finding.steps
                yield "```"
    if finding.rivals:
        yield ""
        yield "It may also be:"
        yield ""
        yield from (f"- {_escaped(line)}" for line in finding.rivals)


def _escaped(text: str) -> str:
    return "".join(f"\\{letter}" if letter in "*_`<>[]|\\" else letter for letter in text)
