"""Clusters of a known truth, recorded or made by others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from talos_resources.insight.causes import causes
from tests.golden import doctor

DATA = Path(__file__).parent.parent / "data" / "doctor"
CASES = sorted(path.name for path in DATA.iterdir() if path.is_dir())


@pytest.mark.parametrize("name", CASES)
def test_the_truth_comes_first(name: str) -> None:
    assert doctor.verdict(DATA / name).difference == ""


def test_every_rule_has_a_test() -> None:
    """In a world, a recording, a case of known truth or a test of its own."""
    files = [*Path(__file__).parent.glob("*.py"), *DATA.glob("*/case.json")]
    text = "".join(file.read_text(encoding="utf-8") for file in files)
    assert [rule.name for rule in causes() if f'"{rule.name}"' not in text] == []


def test_the_runner_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = tmp_path / "wrong"
    case.mkdir()
    (case / "paste.yaml").write_bytes((DATA / "p05-paste-one" / "paste.yaml").read_bytes())
    truth = {"truth": "another one", "source": "paste.yaml", "exit": 0, "first": ["clock-skew"], "names": ["w-2"]}
    (case / "case.json").write_text(json.dumps(truth))
    assert doctor.main([str(tmp_path)]) == 1
    out = capsys.readouterr().out
    assert "FAILED wrong\n  exit 3, expected 0\n  first link-down, expected clock-skew: another one" in out
    assert out.endswith("0 passed, 1 failed\n")
