"""Looking into recordings: `history`, `diff`, `events`, `--at`."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest

from talos_resources.backends.sqlite.periods import Period
from talos_resources.backends.sqlite.state import SqliteState
from talos_resources.cli.main import main
from talos_resources.model.net import AddrPort
from talos_resources.model.resource import Resource
from talos_resources.model.timestamp import Timestamp
from talos_resources.resources import ClusterInfo, PeerState
from tests.sources.test_recording import peer


def ago(minutes: float) -> Timestamp:
    return Timestamp(time.time_ns() - int(minutes * 60e9))


@pytest.fixture
def story(file: Path) -> str:
    """An hour of a mesh: one link goes down and moves, counters count, a resource comes."""
    home, roaming = AddrPort.parse("192.168.7.9:51820"), AddrPort.parse("203.0.113.7:40112")
    with SqliteState(file) as state:
        one, two = state.of_node("cp-1"), state.of_node("cp-2")
        up = peer("w=", endpoint=roaming, state=PeerState.UP, receive_bytes=100, transmit_bytes=10).stamped(1, "", ago(60), ago(60))
        down = up.with_spec(endpoint=home, state=PeerState.DOWN).with_metadata(version=3)
        one.put(up, at=ago(60))
        two.put(up, at=ago(60))
        one.put(up.with_spec(receive_bytes=5000).with_metadata(version=2), at=ago(40))
        one.put(down.with_spec(receive_bytes=5000), at=ago(30))
        one.put(Resource.new(ClusterInfo(cluster_name="x"), id="current").stamped(1, "", ago(20), ago(20)), at=ago(20))
    return f"sqlite:{file}"


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


def test_history(story: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["history", "kubespanpeerstatus", "node-w=", "--from", story, "-n", "cp-1"]) == 0
    heading, created, changed = lines(capsys)
    assert heading == "TIME VERSION CHANGE"
    assert created.endswith("Z 1 created")
    assert changed.endswith("Z 3 endpoint: 203.0.113.7:40112 → 192.168.7.9:51820, state: up → down")
    assert main(["history", "kubespanpeerstatus", "w=", "--from", story, "--all", "-o", "json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["node"], row["version"]) for row in rows] == [("cp-1", 1), ("cp-2", 1), ("cp-1", 2), ("cp-1", 3)]  # the oldest first
    assert rows[2]["fields"] == [{"path": "receiveBytes", "old": 100, "new": 5000}]
    assert main(["history", "kubespanpeerstatus", "w=", "--from", story, "-n", "cp-1", "--since", "35m"]) == 0
    assert len(lines(capsys)) == 2


def test_diff(story: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", "-50m", "--from", story]) == 0
    summary, _, heading, *rows = lines(capsys)
    assert summary.endswith("2 nodes: 1 link went down, 1 endpoint moved, 1 resource came, 1 resource changed, 4.9 kB received, 0 B sent")
    assert heading == "NODE TYPE ID CHANGE"
    assert rows == [
        "cp-1 Info current created",
        "cp-1 KubeSpanPeerStatus node-w= endpoint: 203.0.113.7:40112 → 192.168.7.9:51820, state: up → down",
    ]
    assert main(["diff", "-50m", "-35m", "--from", story]) == 0
    assert lines(capsys)[1:] == ["1 more changed nothing but counters; --all shows them"]
    assert main(["diff", "-50m", "now", "members", "kubespanpeerstatuses", "-o", "json", "--from", story]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["summary"]["went_down"] == 1
    assert [change["id"] for change in found["changes"]] == ["w="]


def test_a_part_of_the_time_is_answered_for(story: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", "-2h", "--from", story]) == 0
    captured = capsys.readouterr()
    assert "1 link went down" in captured.out
    assert re.fullmatch(rf"note: what {story} has: it begins at 20\S+:\d\dZ\n", captured.err)


@pytest.fixture
def torn(file: Path) -> str:
    """A recording with a gap: from 60 to 50 minutes ago, and from 40 to 30; of one node only the first."""
    with SqliteState(file) as state:
        for name, periods in {"cp-1": [(60, 50), (40, 30)], "cp-2": [(60, 50)]}.items():
            node = state.of_node(name)
            node.put(peer("w=", state=PeerState.UP).stamped(1, "", ago(60), ago(60)), at=ago(60.5))
            for began, ended in periods:
                node.keep_period(Period(ago(began), ago(ended)))
        changed = peer("w=", state=PeerState.DOWN).stamped(2, "", ago(60), ago(35))
        state.of_node("cp-1").put(changed, at=ago(35))
    return f"sqlite:{file}"


@pytest.mark.parametrize(
    ("arguments", "code", "out", "err"),
    [
        (
            ["diff", "-10s"],
            1,
            "",
            r"error: SOURCE has no data of that time; of cp-1 it has data from CLOCK to CLOCK \(30 m ago\) with 1 gap; of cp-2 .* \(50 m ago\)",
        ),
        (["diff", "-58m", "-52m"], 0, "2 nodes: nothing changed", ""),
        (["diff", "-48m", "-42m"], 1, "", "error: SOURCE has no data of that time; .*"),
        (
            ["diff", "-55m", "-32m", "-n", "cp-1"],
            0,
            "1 link went down",
            "note: what SOURCE has: nobody recorded from CLOCK to CLOCK",
        ),
        (
            ["diff", "-55m"],
            0,
            "1 link went down",
            r"note: .* has of cp-1: nobody recorded from CLOCK to CLOCK, it ends at CLOCK \(30 m ago\)\nnote: .* of cp-2: it ends at CLOCK .*",
        ),
        (["events", "--since", "20m"], 1, "", "error: SOURCE has no data of that time; .*"),
        (["events", "--since", "36m", "-n", "cp-1"], 0, "up → down", r"note: what SOURCE has: it ends at CLOCK \(30 m ago\)"),
        (["history", "kubespanpeerstatus", "w=", "--since", "36m", "-n", "cp-1"], 0, "up → down", r"note: .*"),
        (["mesh", "--at", "-55m"], 0, "2 up", ""),
        (["mesh", "--at", "-45m"], 0, "", "note: nobody recorded of cp-1 at that time, .*\nnote: .*"),
        (["mesh", "--at", "now", "-n", "cp-2"], 0, "", r"note: nobody recorded at that time, this is what was known last: .* \(50 m ago\)"),
    ],
)
def test_no_data_and_no_change_are_two_things(
    torn: str, arguments: list[str], code: int, out: str, err: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--from", torn]) == code
    captured = capsys.readouterr()
    assert out in captured.out
    told = err.replace("SOURCE", re.escape(torn)).replace("CLOCK", r"20\S{8}T\S{8}Z")
    assert re.fullmatch(told, captured.err.strip()), captured.err


def test_events_stand_in_straight_columns(story: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["events", "--from", story]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert len({row.index(word) for row, word in zip(rows, ("ID", "node-w=", "node-w=", "node-w=", "current"), strict=True)}) == 1


def test_events(story: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["events", "--from", story]) == 0
    heading, *rows = lines(capsys)
    assert heading == "TIME NODE TYPE ID CHANGE"
    assert [row.split(" ", 1)[1] for row in rows] == [
        "cp-1 KubeSpanPeerStatus node-w= created",
        "cp-2 KubeSpanPeerStatus node-w= created",
        "cp-1 KubeSpanPeerStatus node-w= endpoint: 203.0.113.7:40112 → 192.168.7.9:51820, state: up → down",
        "cp-1 Info current created",
    ]
    assert main(["events", "kubespanpeerstatuses", "--since", "45m", "--all", "-o", "json", "--from", story]) == 0
    assert [json.loads(line)["version"] for line in capsys.readouterr().out.splitlines()] == [2, 3]


def test_get_and_mesh_at_a_moment(story: str, capsys: pytest.CaptureFixture[str]) -> None:
    for moment, state in (("-50m", "up"), ("-10m", "down")):
        assert main(["get", "kubespanpeerstatuses", "-o", "jsonpath={.spec.state}", "-n", "cp-1", "--from", story, "--at", moment]) == 0
        assert lines(capsys) == [state]
    assert main(["mesh", "--from", story, "--at", "-50m"]) == 0
    assert "1 down" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["history", "members", "x", "--from", "demo"], 1, "keeps no past; `record --to sqlite:FILE` keeps it"),
        (["history", "members", "x"], 1, r"resource Members\.cluster\.talos\.dev\(cluster/x@undefined\) doesn't exist"),
        (["history", "nosuch", "x"], 1, 'no resource type or alias "nosuch"'),
        (["history", "members", "x", "--since", "soon"], 1, "'soon' is no moment"),
        (["events", "--from", "demo"], 2, "follow it with --watch"),
        (["diff", "-3h", "-2h"], 1, r"has no data of that time; it has data from 20\S+:\d\dZ to now$"),
        (["get", "members", "--at", "-2h"], 1, r"has no data before 20\S+:\d\dZ; name that moment or a later one"),
        (["diff", "now", "-1m"], 2, "write the earlier moment first"),
        (["get", "members", "--at", "-1m", "--from", "demo"], 1, "knows the present only"),
        (["get", "members", "--at", "-1m", "-w"], 2, "leave one out"),
        (["record", "--to", "mesh.db", "--from", "demo"], 2, "--to takes sqlite:PATH"),
        *(
            (["record", "--to", "sqlite:x.db", "--keep", text, "--from", "demo"], 2, "--retention takes a time")
            for text in ("soon", "0s", "2026-11-01", "02:14", "now")
        ),
    ],
)
def test_mistakes(story: str, arguments: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    source = [] if "--from" in arguments else ["--from", story]
    assert main([*arguments, *source]) == code
    error = capsys.readouterr().err.strip().splitlines()
    assert len(error) == 1
    assert re.search(message, error[0])
