"""The notebooks: what is stored in them is what running them gives now."""

from __future__ import annotations

import json
import re
import runpy
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "notebooks"
NAMES = ["exploring-a-mesh.ipynb", "comparing-two-moments.ipynb", "traffic-over-a-day.ipynb", "writing-a-controller.ipynb"]


def shown(notebook: Any) -> list[tuple[str, str]]:
    """The source of each cell and what it shows, the pages of tables without their looks."""
    found = []
    for cell in notebook["cells"]:
        outputs = [output.get("text") or output.get("data", {}).get("text/plain", "") for output in cell.get("outputs", ())]
        pages = [re.sub(r"<[^>]*>", " ", "".join(output.get("data", {}).get("text/html", ""))) for output in cell.get("outputs", ())]
        text = " ".join("".join(map("".join, [*outputs, *pages])).split())
        found.append(("".join(cell["source"]), text))
    return found


@pytest.mark.filterwarnings("default")  # of the notebook's machinery
@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_current(name: str) -> None:
    make = runpy.run_path(str(FOLDER / "make.py"))
    assert sorted(make["NOTEBOOKS"]) == sorted(NAMES)
    stored = json.loads((FOLDER / name).read_text())
    assert shown(make["made"](make["NOTEBOOKS"][name])) == shown(stored)


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_tells_no_secret_and_nothing_of_the_machine(name: str) -> None:
    text = (FOLDER / name).read_text()
    assert "gNoasoKOJzl" not in text
    assert not re.search(r"/(home|root|tmp|work)/", text)
    assert '"output_type": "error"' not in text
