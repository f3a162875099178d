"""`print` of what was found reads like the command, and its findings are records."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from talos_resources.cli.main import main
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
