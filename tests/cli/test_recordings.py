"""`recordings info`: what a file has, counted in the file and known from how it was made."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from talos_resources.backends.sqlite.periods import Period
from talos_resources.backends.sqlite.state import SqliteState
from talos_resources.cli.main import main
from talos_resources.model.resource import Resource
from talos_resources.model.timestamp import Timestamp
from talos_resources.resources import KubeSpanPeerStatus, Member

Printed = pytest.CaptureFixture[str]


def at(text: str) -> Timestamp:
    return Timestamp.parse(f"2026-01-01T{text}Z")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Two nodes: one with a gap of an hour and something that is gone, one with more versions than are loose rows."""
    path = tmp_path / "mesh.db"
    with SqliteState(path) as state:
        one, other = state.of_node("one"), state.of_node("other")
        with state.batch():
            for count in range(300):
                other.put(Resource.new(KubeSpanPeerStatus(receive_bytes=count), id="abc="), at=at("02:00:00"))
            one.put(Resource.new(Member(), id="m"), at=at("02:00:00"))
            one.put(Resource.new(Member(), id="gone"), at=at("02:00:00"))
            one.drop(Resource.new(Member(), id="gone").metadata.reference, at=at("02:00:01"))
            for begin, end in (("01:00:00", "02:00:00"), ("03:00:00", "04:00:00")):
                one.keep_period(Period(at(begin), at(end)))
            other.keep_period(Period(at("01:30:00"), at("05:00:00")))
    return path


def test_a_table(file: Path, capsys: Printed) -> None:
    assert main(["recordings", "info", str(file)]) == 0
    first, second, _, *rest = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{file}: ")
    assert first.endswith(" kB, 2 nodes, 2 types, 303 versions")
    assert second.startswith("from 2026-01-01T01:00:00Z to 2026-01-01T05:00:00Z (")
    assert [line.split() for line in rest] == [
        ["NODE", "FROM", "TO", "GAPS", "RESOURCES", "VERSIONS"],
        ["one", "2026-01-01T01:00:00Z", "2026-01-01T04:00:00Z", "1", "1", "3"],
        ["other", "2026-01-01T01:30:00Z", "2026-01-01T05:00:00Z", "0", "1", "300"],
        [],
        ["TYPE", "NODES", "RESOURCES", "GONE", "VERSIONS"],
        ["KubeSpanPeerStatuses.kubespan.talos.dev", "1", "1", "0", "300"],
        ["Members.cluster.talos.dev", "1", "1", "1", "3"],
        [],
        ["gap:", "nobody", "recorded", "one", "from", "2026-01-01T02:00:00Z", "to", "2026-01-01T03:00:00Z"],
    ]


def test_json(file: Path, capsys: Printed) -> None:
    assert main(["recordings", "info", f"sqlite:{file}", "-o", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["bytes"] >= file.stat().st_size
    assert [(node["node"], len(node["recorded"]), len(node["gaps"]), node["goes_on"]) for node in told["nodes"]] == [
        ("one", 2, 1, False),
        ("other", 1, 0, False),
    ]
    members = {"node": "one", "namespace": "cluster", "type": "Members.cluster.talos.dev"}
    assert told["kinds"][0] == {**members, "resources": 1, "gone": 1, "versions": 3}


def test_one_that_goes_on(tmp_path: Path, capsys: Printed) -> None:
    """What a node itself has written is known from its first event to now."""
    with SqliteState(tmp_path / "state.db") as state:
        state.create(Resource.new(Member(), id="m"))
        assert main(["recordings", "info", str(tmp_path / "state.db")]) == 0
    shown = capsys.readouterr().out
    assert " to now: somebody records" in shown
    assert shown.endswith("no gaps\n")


def test_nothing_is_changed_and_nothing_made(file: Path, tmp_path: Path, capsys: Printed) -> None:
    before = file.read_bytes()
    assert main(["recordings", "info", str(file)]) == 0
    assert file.read_bytes() == before
    capsys.readouterr()
    assert main(["recordings", "info", str(tmp_path / "none.db")]) == 1
    assert capsys.readouterr().err.startswith("error: ")
    assert not (tmp_path / "none.db").exists()


def test_an_empty_one(tmp_path: Path, capsys: Printed) -> None:
    SqliteState(tmp_path / "empty.db").close()
    assert main(["recordings", "info", str(tmp_path / "empty.db")]) == 0
    assert "nothing was recorded" in capsys.readouterr().out
