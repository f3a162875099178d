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
    assert named - {"reference/commands.md", "reference/library.md"} == pages


def test_every_page_is_in_the_index() -> None:
    linked = set(re.findall(r"\]\(([\w/-]+\.md)\)", (ROOT / "docs" / "index.md").read_text()))
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert linked == pages - {"index.md"}


def test_every_command_is_in_the_reference(site: dict[str, Any]) -> None:
    text = site["commands"]()
    assert set(COMMANDS) <= set(re.findall(r"`([\w-]+)`", " ".join(re.findall(r"^## .*", text, re.MULTILINE))))
    for words in ("usage: talos-resources get TYPE", "--keep-comments", "usage: talos-resources cilium inline"):
        assert words.split(" TYPE")[0] in text


def test_every_public_name_is_in_the_reference(site: dict[str, Any]) -> None:
    named = re.findall(r"^::: [\w.]+\.(\w+)$", site["library"](), re.MULTILINE)
    assert sorted(named) == sorted(talos_resources._HOMES)


def test_the_layers_are_those_that_are_tested(site: dict[str, Any]) -> None:
    from tests.test_layers import LAYERS

    named = re.findall(r"`(\w+)`", site["layers"]())
    assert sorted(named) == sorted(name for name in LAYERS if not name.startswith("__"))
