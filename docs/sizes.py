"""Counts the files and lines of each package for the table in docs/architecture.md.

Run `python docs/sizes.py`; a test says when the table is a tenth off.
"""  # noqa: INP001 - a script, no package

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

PAGE: Final = Path(__file__).with_name("architecture.md")
PACKAGE: Final = Path(__file__).parents[1] / "talos_resources"
_ROW: Final = re.compile(
    r"^\| (?P<name>[\w` ]+) \| (?P<files>\d+) \| (?P<lines>[\d,]+) \| (?P<now>\d+) \| (?P<lines_now>[\d,]+) \|$", re.MULTILINE
)
_ITSELF: Final = "`talos_resources` itself"
_ALL: Final = "all"


class Size(NamedTuple):
    """Of a package, without generated protobuf."""

    files: int
    lines: int


def counted() -> Mapping[str, Size]:
    """Package → its size as it is now, and that of all."""
    found: dict[str, Size] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        first = path.relative_to(PACKAGE).parts[0]
        if first != "_generated":
            name = _ITSELF if first.endswith(".py") else first
            files, lines = found.get(name, Size(0, 0))
            found[name] = Size(files + 1, lines + path.read_text(encoding="utf-8").count("\n"))
    return found | {_ALL: Size(sum(size.files for size in found.values()), sum(size.lines for size in found.values()))}


def told(page: str) -> Mapping[str, Size]:
    """Package → its size as the page has it."""
    return {row["name"]: Size(int(row["now"]), int(row["lines_now"].replace(",", ""))) for row in _ROW.finditer(page)}


def table(page: str) -> Iterator[str]:
    """The rows with the sizes of now; packages that are new were not there before."""
    before = {row["name"]: (row["files"], row["lines"]) for row in _ROW.finditer(page)}
    for name, size in counted().items():
        files, lines = before.get(name, ("0", "0"))
        yield f"| {name} | {files} | {lines} | {size.files} | {size.lines:,} |"


def written(page: str) -> str:
    """The page with the table of now."""
    rows = list(_ROW.finditer(page))
    return f"{page[: rows[0].start()]}{chr(10).join(table(page))}{page[rows[-1].end() :]}"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
