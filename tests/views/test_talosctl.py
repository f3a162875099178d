"""Every recorded case of talosctl, and the runner itself."""

from __future__ import annotations

import json
import lzma
from pathlib import Path

import pytest

from tests.golden import endpoint, talosctl

DATA = Path(__file__).parents[1] / "data" / "talosctl"
SHARED = Path(__file__).parents[3] / "shared" / "golden" / "talosctl"


@pytest.mark.parametrize("folder", [folder for folder in (DATA, SHARED) if folder.exists()], ids=lambda folder: folder.parent.name)
def test_every_recorded_case_is_equal(folder: Path) -> None:
    results = list(talosctl.run_all(folder))
    assert len(results) >= 934
    assert [f"{result.name}\n  {result.difference}" for result in results if result.difference] == []


def test_some_of_v1_14_are_equal() -> None:
    """Chosen from all 732, which `python -m tests.golden.talosctl` runs."""
    results = list(talosctl.run_all(DATA.with_name("talosctl-1.14")))
    assert len(results) >= 75
    assert [f"{result.name}\n  {result.difference}" for result in results if result.difference and not result.meant] == []


def test_cases_of_several_nodes_are_equal_behind_an_endpoint() -> None:
    """Our client asks our server, which passes the calls on as Talos's apid does."""
    results = [result for folder in ("talosctl", "talosctl-1.14") for result in endpoint.run_all(DATA.with_name(folder))]
    assert len(results) >= 36
    assert [f"{result.name}\n  {result.difference}" for result in results if result.difference and not result.meant] == []


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A small recording that can be changed."""
    for name in ("docs.wire.json", "docs.script.json"):
        (tmp_path / name).write_bytes(lzma.decompress((DATA / f"{name}.xz").read_bytes()))
    return tmp_path


@pytest.mark.parametrize(
    ("pick", "change"),
    [
        pytest.param("-o yaml", {"stdout": "something else\n"}, id="stdout"),
        pytest.param("-o yaml", {"exit": 1}, id="exit"),
        pytest.param("-w -o table", {"stdout": "NODE\n"}, id="watch"),
        pytest.param("{.*}", {"stdout": "{\n}\n"}, id="any order"),
    ],
)
def test_the_runner_tells_what_differs(recording: Path, pick: str, change: dict[str, object], capsys: pytest.CaptureFixture[str]) -> None:
    data = json.loads(lzma.decompress((DATA / "docs.cases.json.xz").read_bytes()))
    case = next(case for case in data["cases"] if pick in " ".join(case["args"]))
    right = {**data, "cases": [case]}
    (recording / "docs.cases.json").write_text(json.dumps(right), encoding="utf-8")
    assert talosctl.main([str(recording)]) == 0
    assert capsys.readouterr().out == "1 passed, 0 failed\n"
    (recording / "docs.cases.json").write_text(json.dumps({**right, "cases": [case, {**case, **change}]}), encoding="utf-8")
    assert talosctl.main([str(recording)]) == 1
    *_, last = capsys.readouterr().out.splitlines()
    assert last == "1 passed, 1 failed"


def test_a_wrong_order_of_resources_is_a_difference(recording: Path) -> None:
    data = json.loads(lzma.decompress((DATA / "docs.cases.json.xz").read_bytes()))
    case = next(case for case in data["cases"] if "jsonpath={.*}" in case["args"] and "kubespanendpoints" in case["args"])
    blocks = list(talosctl._results(case["stdout"]))
    case["stdout"] = "\n".join(blocks[3:] + blocks[:3]) + "\n"
    (recording / "docs.cases.json").write_text(json.dumps({**data, "cases": [case]}), encoding="utf-8")
    [result] = talosctl.run_all(recording)
    assert result.difference
