"""A diagnosis as Markdown for a ticket."""

from __future__ import annotations

from collections.abc import Iterator

from talos_resources.insight.doctor import Diagnosis
from talos_resources.insight.summary import summary
from talos_resources.model.finding import Finding, counted
from talos_resources.model.printable import printable


def diagnosis_markdown(diagnosis: Diagnosis) -> str:
    """The same for a ticket: a heading for each finding, commands as code."""
    lines = [f"**{escaped(diagnosis.headline or 'Nothing is wrong.')}**", "", escaped(summary(diagnosis.mesh)), ""]
    for finding in diagnosis.findings:
        lines += [*_section(finding), ""]
    lines.append(counted(diagnosis.findings))
    if diagnosis.blind:
        lines += ["", "Not known:", "", *(f"- {escaped(line)}" for line in diagnosis.blind)]
    return "\n".join(lines) + "\n"


def _section(finding: Finding) -> Iterator[str]:
    yield f"## {finding.severity.value.capitalize()}: {escaped(finding.title)}"
    yield ""
    yield f"`{finding.rule}`{f', {finding.certainty}' if finding.certainty else ''}; `{finding.page}`"
    yield ""
    yield from (f"- {escaped(line)}" for line in finding.evidence)
    parts = (("Why", finding.cause), ("Do", finding.advice), ("Then", finding.after), ("To decide", finding.decide))
    for name, text in parts:
        if text:
            yield ""
            yield f"**{name}:** {escaped(text)}"
            if name == "Do" and finding.steps:
                yield ""
                yield "```sh"
                yield from map(printable, finding.steps)
                yield "```"
    if finding.rivals:
        yield ""
        yield "It may also be:"
        yield ""
        yield from (f"- {escaped(line)}" for line in finding.rivals)


def escaped(text: str) -> str:
    """A text with nothing in it that Markdown would heed, or a terminal that shows it."""
    return "".join(f"\\{letter}" if letter in "*_`<>[]|\\" else letter for letter in printable(text))
