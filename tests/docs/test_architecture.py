"""What docs/architecture.md says of the house is what the house is."""

from __future__ import annotations

import re
import runpy
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def sizes() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "docs" / "sizes.py"))


def test_the_picture_is_what_the_code_imports() -> None:
    """Also its lines, which have no text."""
    drawn = runpy.run_path(str(ROOT / "docs" / "images" / "architecture.py"))["architecture"]()
    assert (ROOT / "docs" / "images" / "architecture.svg").read_text(encoding="utf-8") == drawn, "run python docs/images/make.py"


def test_the_sizes_are_about_right(sizes: dict[str, Any]) -> None:
    told, counted = sizes["told"](PAGE), sizes["counted"]()
    assert set(told) == set(counted), "run python docs/sizes.py"
    off = {
        name: (told[name].lines, size.lines)
        for name, size in counted.items()
        if abs(told[name].lines - size.lines) > max(100, size.lines / 10)
    }
    assert off == {}, "run python docs/sizes.py"


def test_the_table_is_written_anew(sizes: dict[str, Any]) -> None:
    page = re.sub(r"^\| rpc \|.*\n", "", PAGE, flags=re.MULTILINE)
    assert sizes["told"](sizes["written"](page)) == sizes["counted"]()
    assert sizes["written"](PAGE).partition("| package |")[0] == PAGE.partition("| package |")[0]


def test_every_dependency_has_its_reason() -> None:
    """In the table of those on which the library stands: each with why, none that is gone."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [
        need for name, needs in project["optional-dependencies"].items() if name not in {"all", "test", "docs", "dev"} for need in needs
    ]
    declared = {re.split(r"[<>=\[]", need)[0] for need in [*project["dependencies"], *extras]}
    table = PAGE.partition("## What it stands on")[2].partition("Gone:")[0]
    _, *named = re.findall(r"^\| ([^|]+) \| ", table, re.MULTILINE)
    assert set(re.findall(r"[\w.-]+", re.sub(r"\(.*?\)", "", " ".join(named)))) == declared
