"""`cluster.diff`: the command's answer as a value."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from talos_resources.backends.sqlite.state import SqliteState
from talos_resources.cli.main import main
from talos_resources.model.errors import ConfigError, QueryError, UnsupportedError
from talos_resources.model.resource import Resource
from talos_resources.model.timestamp import Timestamp
from talos_resources.resources import KubeSpanPeerStatus, Member, PeerState
from talos_resources.sources import open_source

START = Timestamp.parse("2026-11-26T02:00:00Z")


def after(seconds: float) -> Timestamp:
    return Timestamp(START + int(seconds * 1e9))


@pytest.fixture
def source(tmp_path: Path) -> str:
    status = KubeSpanPeerStatus(label="worker-1", state=PeerState.UP, receive_bytes=1, last_handshake_time=START)
    with SqliteState(tmp_path / "mesh.db") as file:
        for node in ("cp-1", "cp-2"):
            state = file.of_node(node)
            state.put(Resource.new(status, id="abc="), at=START)
            state.put(Resource.new(Member(hostname=node), id=node), at=START)
        state.put(
            Resource.new(status, id="abc=").with_spec(receive_bytes=9, state=PeerState.DOWN, last_handshake_time=after(9)), at=after(60)
        )
        file.of_node("cp-1").put(Resource.new(status, id="abc=").with_spec(receive_bytes=5), at=after(60))
        file.of_node("cp-1").put(Resource.new(Member(hostname="new"), id="new", labels={"a.b": "c"}), at=after(61))
    return f"sqlite:{tmp_path / 'mesh.db'}"


def test_print_is_the_command(source: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", str(START), str(after(100)), "--from", source]) == 0
    printed = capsys.readouterr().out
    with open_source(source) as cluster:
        found = cluster.diff(START, after(100))
    assert f"{found}\n" == printed
    assert "2 nodes: 1 link went down, 1 resource came, 1 resource changed" in repr(found)
    assert "1 more changed nothing but counters" in str(found)
    assert "cp-1   KubeSpanPeerStatus" in found.text(counters=True)


def test_a_record_for_each_field(source: str) -> None:
    with open_source(source) as cluster:
        found = cluster.diff(START.to_datetime(), str(after(100)))
        rows = {(row["node"], row["id"], row["field"]): (row["old"], row["new"]) for row in found.records()}
        assert rows == {
            ("cp-1", "abc=", "receive_bytes"): (1, 5),
            ("cp-1", "new", None): (None, None),
            ("cp-2", "abc=", "state"): ("up", "down"),
            ("cp-2", "abc=", "receive_bytes"): (1, 9),
            ("cp-2", "abc=", "last_handshake_time"): (START.to_datetime(), after(9).to_datetime()),
        }
        assert {row["event"] for row in found.records()} == {"created", "updated"}
        assert found.records()[0]["label"] == "worker-1"
        json.dumps(found.records(json=True))
        assert found.to_polars()["new"].to_list()[0] == "5", "a column of several kinds is text"
        assert [row["node"] for row in cluster.diff(START, after(100), "cp-2").records()] == ["cp-2"] * 3
        assert [row["id"] for row in cluster.diff(START, after(100), types=["members"]).records()] == ["new"]


def test_what_cannot_be_answered(source: str) -> None:
    with open_source(source) as cluster:
        with pytest.raises(QueryError, match="give the earlier moment first"):
            cluster.diff(after(100), START)
        with pytest.raises(ConfigError, match="has no data of that time"):
            cluster.diff(after(-100), after(-50))
        assert cluster.diff(after(-100), after(100)).notes == (f"what {source} has: it begins at 2026-11-26T02:00:00Z",)
    with open_source("demo") as cluster, pytest.raises(UnsupportedError, match="keeps no past"):
        cluster.diff("-1h")
