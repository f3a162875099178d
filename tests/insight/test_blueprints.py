"""A second set of clusters with a known truth, by rules of their own and in the form of files: `doctor` as it is called."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from talos_resources.cli.main import main
from tests.golden import doctor
from tests.insight import (
    blueprint_between,
    blueprint_faults,
    blueprint_healthy,
    blueprint_more,
    blueprint_odd,
    blueprint_parts,
    blueprint_paths,
)
from tests.insight.blueprint import Plan
from tests.insight.blueprint_files import paste, write
from tests.insight.blueprint_kinds import FAULTS, HEALTHY, Known

PLANS = (blueprint_between, blueprint_faults, blueprint_healthy, blueprint_more, blueprint_odd, blueprint_parts, blueprint_paths)
"""Each adds its own to these when it is read."""
CASES: dict[str, Callable[[], Plan | Known]] = {**FAULTS, **HEALTHY}


def case(name: str, folder: Path) -> Path:
    """A folder of the form that `tests.golden.doctor` takes."""
    made = CASES[name]()
    known = made if isinstance(made, Known) else Known(made)
    if known.paste:
        paste(known.plan, known.paste, folder)
    else:
        write(known.plan, folder)
    truth: dict[str, object] = {"truth": name, "source": "paste.yaml" if known.paste else "data.zip", "exit": 3 if known.first else 0}
    if known.first:
        truth |= {"first": list(known.first), "names": list(known.names), "at_most": known.at_most}
    (folder / "case.json").write_text(json.dumps(truth))
    return folder


@pytest.mark.parametrize("name", CASES)
def test_blueprint(name: str, tmp_path: Path) -> None:
    assert doctor.verdict(case(name, tmp_path)).difference == ""


def test_bypass_says_nothing_of_links_that_were_not_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case("m09-bypass-and-no-statuses", tmp_path)
    main(["doctor", "--from", str(tmp_path / "data.zip")])
    out = capsys.readouterr().out
    assert "no link is known to be down" in out
    assert "all links are up" not in out.partition("Why:")[0]
