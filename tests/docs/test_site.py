"""The site: every page is in its navigation, and its references miss nothing."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import pytest

import talos_resources
from talos_resources.cli.registry import COMMANDS

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def site() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "docs" / "site.py"))


def test_every_page_is_in_the_navigation() -> None:
    named = set(re.findall(r"^ +- (\S+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE))
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    notebooks = {f"notebooks/{path.stem}.md" for path in (ROOT / "docs" / "notebooks").glob("*.ipynb")}
    assert notebooks
    assert named == pages | notebooks | {"reference/commands.md", "reference/library.md"}


def test_every_page_is_in_the_index() -> None:
    linked = set(re.findall(r"\]\(([\w/-]+\.md)\)", (ROOT / "docs" / "index.md").read_text()))
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert linked == pages - {"index.md"}


def test_every_column_of_values_has_a_heading() -> None:
    for path in sorted((ROOT / "docs").rglob("*.md")):
        for heading in re.findall(r"^(\|.*\|)\n\|(?: ?:?-+:? ?\|)+$", path.read_text(), re.MULTILINE):
            cells = re.split(r"(?<!\\)\|", heading)[1:-1]
            assert all(cell.strip() for cell in cells[1:]), f"{path.name}: {heading}"


def test_every_command_is_in_the_reference(site: dict[str, Any]) -> None:
    text = site["commands"]()
    assert set(COMMANDS) <= set(re.findall(r"`([\w-]+)`", " ".join(re.findall(r"^## .*", text, re.MULTILINE))))
    for words in ("usage: talos-resources get TYPE", "--keep-comments", "usage: talos-resources cilium inline"):
        assert words.split(" TYPE")[0] in text


def test_no_line_of_the_reference_is_cut_off(site: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    whole = re.compile(r"talos-resources |\[--\S+ \| --no-\S+\]$")  # a command, and a flag with its opposite, which wrap in the page
    assert [line for line in site["commands"]().splitlines() if len(line) > site["COLUMNS"] and not whole.search(line)] == []


def test_every_command_is_once_in_the_table_of_commands() -> None:
    text = (ROOT / "docs" / "command-line.md").read_text()
    rows = re.findall(r"^\| (`.*) \| ", text.partition("## ")[0], re.MULTILINE)
    named = [example.split()[0] for row in rows for example in re.findall(r"`([^`]+)`", row)]
    assert len(rows) == len(set(rows))
    assert set(named) == set(COMMANDS)
    assert [name for name in set(named) if named.count(name) > 1 and name not in {"gen", "mc"}] == []


def test_every_public_name_is_in_the_reference(site: dict[str, Any]) -> None:
    named = re.findall(r"^::: [\w.]+\.(\w+)$", site["library"](), re.MULTILINE)
    assert sorted(named) == sorted(talos_resources._HOMES)


def test_the_layers_are_those_that_are_tested(site: dict[str, Any]) -> None:
    from tests.test_layers import LAYERS

    named = re.findall(r"`([\w/]+)`", site["layers"]())
    assert sorted(named) == sorted(name for name in LAYERS if not name.startswith("__"))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('<a href="https://a.example/">a link</a>', []),
        ('<link rel="canonical" href="https://a.example/">', []),
        ('<script src="assets/x.js"></script>', []),
        ('<script async src="https://a.example/x.js">', ["https://a.example/x.js"]),
        ("<img alt=x src=//a.example/x.png>", ["//a.example/x.png"]),
        ('<link href="https://a.example/x.css" rel="stylesheet">', ["https://a.example/x.css"]),
        ('src: url("https://a.example/x.woff2")', ["https://a.example/x.woff2"]),
        ("@import 'https://a.example/x.css';", ["https://a.example/x.css"]),
        ("clip-path: url(#here)", []),
    ],
)
def test_what_a_page_would_fetch_from_elsewhere_is_found(site: dict[str, Any], text: str, found: list[str]) -> None:
    assert site["fetched"](text) == found


def test_the_pictures_fetch_nothing(site: dict[str, Any]) -> None:
    pictures = sorted((ROOT / "docs" / "images").glob("*.svg"))
    assert pictures
    assert {path.name: site["fetched"](path.read_text(encoding="utf-8")) for path in pictures} == {path.name: [] for path in pictures}


def test_notebooks_are_pages_with_what_they_show(site: dict[str, Any]) -> None:
    for path in (ROOT / "docs" / "notebooks").glob("*.ipynb"):
        page = site["notebook"](path)
        assert page.startswith("# ")
        assert "```python\n" in page
        assert site["fetched"](page) == []
    assert "data:image/png;base64," in site["notebook"](ROOT / "docs" / "notebooks" / "traffic-over-a-day.ipynb")
    assert "<th>WORST</th>" in site["notebook"](ROOT / "docs" / "notebooks" / "writing-a-controller.ipynb")
