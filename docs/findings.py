"""Writes docs/findings.md: what each finding of the doctor and of the checks means, from the rules themselves.

Run `python docs/findings.py`; a test says when the page is not current. The name of a rule is its anchor, which findings
give as their page.
"""  # noqa: INP001 - a script, no package

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from talos_resources.insight.causes import causes
from talos_resources.insight.hypothesis import Cause

FOLDER: Final = Path(__file__).parent
_HEAD: Final = """\
# Findings

What each finding of [`doctor`](doctor.md), [`cilium check`](cilium.md#checks) and `validate --explain` is about. A finding
names its rule, and this page by it: `docs/findings.md#RULE`, as `page` in `-o json`, below its heading in `-o md` and in a
[report](report.md). The finding itself has the rest: what shows it on your nodes, why, and what to type.

## Of the doctor

`talos-resources doctor --explain RULE` prints the same.
"""
_TABLES: Final = {"cilium.md": "checks", "machineconfig.md": "check"}
"""The pages with tables of the rules for machine configurations, and their sections."""
_ROW: Final = re.compile(r"^\| (`[\w-]+`(?:, `[\w-]+`)*) \| (.+) \|$", re.MULTILINE)


def page() -> str:
    """The page."""
    every = causes()
    parts = [_HEAD, *map(_of_cause, every), "## Of machine configurations\n", *_of_tables({cause.name for cause in every})]
    return "\n".join(parts)


def _of_cause(cause: Cause) -> str:
    lines = [f"### {cause.name}", "", f"**{cause.severity.value}**: {cause.about}", "", f"- needs: {cause.needs}"]
    lines += [f"- predicts: {cause.predicts}", f"- against it: {cause.against or 'nothing: it is read, not inferred'}"]
    return "\n".join([*lines, *([f"- guide: {cause.guide}"] if cause.guide else []), ""])


def _of_tables(known: set[str]) -> Iterator[str]:
    for name, section in _TABLES.items():
        table = (FOLDER / name).read_text(encoding="utf-8").partition("| rule | finds |\n")[2].partition("\n\n")[0]
        for row in _ROW.finditer(table):
            for rule in re.findall(r"[\w-]+", row[1]):
                if rule not in known:
                    yield f"### {rule}\n\n{row[2]} ([more]({name}#{section})).\n"


if __name__ == "__main__":
    (FOLDER / "findings.md").write_text(page(), encoding="utf-8")
