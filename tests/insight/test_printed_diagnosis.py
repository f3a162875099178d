"""`print` of what was found reads like the command, and its findings are records."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from talos_resources.cli.main import main
from talos_resources.insight.words import clock
from talos_resources.model.timestamp import Timestamp
from talos_resources.sources import open_source

CASE = str(Path(__file__).parent.parent / "data" / "doctor" / "f48-node-cut" / "data.zip")


@pytest.mark.parametrize(("source", "code"), [("demo", 0), (CASE, 3)])
def test_print_is_the_command(source: str, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--from", source]) == code
    printed = capsys.readouterr().out
    with open_source(source) as cluster:
        print(cluster.doctor())  # noqa: T201 - what is tested
    assert capsys.readouterr().out == printed


def test_findings_one_by_one() -> None:
    with open_source(CASE) as cluster:
        diagnosis = cluster.doctor()
    first = diagnosis.findings[0]
    assert str(first).splitlines()[0] == f"ERROR  {first.title}"
    assert str(first) in str(diagnosis.findings)
    assert str(diagnosis.findings) in str(diagnosis)
    assert repr(first).startswith(f"<error {first.rule}: ")
    assert repr(diagnosis) == f"<Diagnosis of 5 nodes: {str(diagnosis.findings).splitlines()[-1]}>"
    assert repr(diagnosis.findings).count("\n") == len(diagnosis.findings)
    assert diagnosis.findings.to_polars()["rule"].to_list() == [finding.rule for finding in diagnosis.findings]
    assert json.dumps(diagnosis.records(json=True))


def test_a_moment_of_another_day_has_its_date() -> None:
    now = Timestamp.parse("2026-11-30T00:01:00Z")
    assert clock(Timestamp.parse("2026-11-30T00:00:31Z"), now) == "00:00:31"
    assert clock(Timestamp.parse("2026-11-29T23:59:00Z"), now) == "2026-11-29 23:59:00"


def test_a_peer_that_was_made_anew_need_not_have_a_new_key(tmp_path: Path) -> None:
    """Where KubeSpan was off for a while others drop the node and make it again, with the key that it had."""
    target = str(tmp_path / "keys.zip")
    assert main(["simulate", "--nodes", "3", "--scenario", "new-keys", "--to", target]) == 0
    with open_source(target) as cluster:
        [note] = cluster.doctor().findings
    assert note.rule == "new-key"
    assert "with a new WireGuard key or after KubeSpan was off there" in note.title
    assert "KubeSpanIdentities" in note.decide
