"""How the doctor tells it: first lines, colours, Markdown, rules, and what begins and ends."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import pytest

from talos_resources.cli import doctor_watch
from talos_resources.cli.main import main
from talos_resources.insight.doctor import Diagnosis, examine

from .blueprint import Plan
from .blueprint_files import paste
from .blueprint_kinds import names, rack
from .scenes import scene

CASE = str(Path(__file__).parent.parent / "data" / "doctor" / "f48-node-cut" / "data.zip")


def test_the_first_line_says_what_and_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--from", CASE]) == 3
    first, second, *_ = capsys.readouterr().out.splitlines()
    assert first.startswith("w-2 runs but has no link to any other node (likely). First: look at the network of w-2")
    assert second == "5 nodes, 20 links: 12 up, 8 down, 0 unknown"


def test_colours_and_eighty_columns(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["doctor", "--from", CASE, "--color", "always"]) == 3
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("\x1b[1;31mERROR\x1b[0m") for line in lines)
    plain = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in lines]
    commands = [line for line in plain if line.lstrip().startswith("$")]  # stay whole, so that they can be copied
    assert [line for line in plain if len(line) > 80 and line not in commands] == []


def test_a_paste_that_ends_early(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Who a node is shows where others have it; of what was cut off nothing is said to be missing."""
    boxes = rack(2)
    paste(Plan(boxes=boxes).split(["w-2"], names(boxes), 900), tuple(names(boxes)), tmp_path)
    text = (tmp_path / "paste.yaml").read_text()
    (tmp_path / "paste.yaml").write_text(text[: text.rindex("node: 10.0.0.21")])
    assert main(["doctor", "--from", str(tmp_path / "paste.yaml"), "-o", "json"]) == 3
    found = json.loads(capsys.readouterr().out)
    assert found["nodes"] == 5
    assert [finding["rule"] for finding in found["findings"] if finding["severity"] != "note"] == ["node-silent"]
    assert "w-2" in found["findings"][0]["title"]


def test_a_ticket(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--from", CASE, "-o", "md"]) == 3
    out = capsys.readouterr().out
    assert out.startswith("**w-2 runs but has no link")
    assert "## Error: w-2 runs" in out
    assert "```sh\ntalosctl -n 10.0.0.22 get links,addresses,routes" in out


def test_a_rule_says_what_it_rests_on(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--explain", "clock-skew"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("clock-skew (error): the clock of a node is wrong")
    assert "needs:     handshake times of both ends, or TimeStatuses" in out
    assert main(["doctor", "--explain", "clock-scew"]) == 2
    assert "did you mean clock-skew?" in capsys.readouterr().err


def test_the_json_has_what_the_page_says() -> None:
    plain = examine(scene("nat")).to_plain()
    finding = plain["findings"][0]
    assert {
        "rule",
        "severity",
        "title",
        "evidence",
        "cause",
        "advice",
        "guide",
        "certainty",
        "decide",
        "steps",
        "after",
        "nodes",
    } <= finding.keys()
    assert json.loads(json.dumps(plain)) == plain


@pytest.mark.parametrize("output", ["text", "json"])
def test_watching_tells_what_begins_and_ends(output: str, capsys: pytest.CaptureFixture[str]) -> None:
    healthy, broken = examine(scene("mesh", duration_s=300.0)), examine(scene("nat"))
    looks = iter([healthy, broken, broken, healthy])

    def look() -> Diagnosis:
        found = next(looks, None)
        if found is None:
            raise KeyboardInterrupt
        return found

    with pytest.raises(KeyboardInterrupt):
        doctor_watch.follow(Namespace(output=output, color="never", every=0.0), look)
    lines = [line for line in capsys.readouterr().out.splitlines() if "begins" in line or "ends" in line]
    assert len(lines) == 2
    if output == "json":
        assert [json.loads(line)["change"] for line in lines] == ["begins", "ends"]
    else:
        assert "begins  error    worker-2 ↔ worker-3 has never been up" in lines[0]
        assert "ends    error    worker-2 ↔ worker-3" in lines[1]


def test_without_a_configuration_no_rules_of_configurations_are_loaded() -> None:
    program = "import sys; from talos_resources.cli.main import main; main(['doctor', '--from', 'demo']); print([*sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert "talos_resources.insight.causes.machine_configuration" in done.stdout
    assert "talos_resources.machineconfig.cilium.check" not in done.stdout
