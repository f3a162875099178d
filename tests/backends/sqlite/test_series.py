"""A field over time: what held at each moment, and nothing where nobody knows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from talos_resources.backends.sqlite.periods import Period
from talos_resources.backends.sqlite.state import SqliteState
from talos_resources.model.errors import QueryError, UnknownNameError, UnsupportedError
from talos_resources.model.metadata import Reference
from talos_resources.model.resource import Resource
from talos_resources.model.timestamp import Timestamp
from talos_resources.resources import Affiliate, KubeSpanAffiliate, KubeSpanIdentity, KubeSpanPeerStatus
from talos_resources.sources import open_source
from talos_resources.state.when import length_of

S = 1_000_000_000
START = Timestamp.parse("2026-11-26T02:00:00Z")


def after(seconds: float) -> Timestamp:
    return Timestamp(START + int(seconds * S))


def keep(state: SqliteState, seconds: float, received: int, id: str = "abc=", label: str = "worker-1") -> None:
    state.put(Resource.new(KubeSpanPeerStatus(label=label, receive_bytes=received), id=id), at=after(seconds))


@pytest.fixture
def recorded(tmp_path: Path) -> Iterator[SqliteState]:
    """Changes at odd times in 02:00 to 02:05 and 02:10 to 02:12; nobody recorded in between."""
    with SqliteState(tmp_path / "mesh.db") as file:
        state = file.of_node("cp-1")
        state.keep_period(Period(START, after(300)))
        state.keep_period(Period(after(600), after(720)))
        keep(state, 30, 600)
        keep(state, 60, 1200)
        keep(state, 61, 1300)
        keep(state, 119, 1800)
        keep(state, 240, 100)  # the counter began anew
        keep(state, 600, 700)
        yield state


def test_what_held_at_the_time(recorded: SqliteState) -> None:
    series = recorded.series(KubeSpanPeerStatus, "receive_bytes", every="1m")
    assert series.times[0] == START
    assert [int(at - START) // S for at in series.times] == list(range(0, 780, 60))
    assert series["abc="] == (None, 1200, 1800, 1800, 100, 100, None, None, None, None, 700, 700, 700)
    assert series["worker-1"] == series["abc="]
    assert len(series) == 13
    assert repr(series) == "<Series of receive_bytes: 1 resources, 13 times from 2026-11-26T02:00:00Z to 2026-11-26T02:12:00Z>"


def test_rates(recorded: SqliteState) -> None:
    series = recorded.series(KubeSpanPeerStatus, "receive_bytes", every=dt.timedelta(minutes=1), rate=True)
    assert series.field == "receive_bytes_per_s"
    assert series["abc="] == (None, None, 10.0, 0.0, None, 0.0, None, None, None, None, None, 0.0, 0.0)
    with pytest.raises(QueryError, match="a rate is of numbers; 'worker-1' is none"):
        recorded.series(KubeSpanPeerStatus, "label", rate=True)


def test_a_part_of_the_time(recorded: SqliteState) -> None:
    series = recorded.series(KubeSpanPeerStatus, "receive_bytes", every="30s", since=after(45), until="2026-11-26 02:02")
    assert [int(at - START) // S for at in series.times] == [60, 90, 120]
    assert series["abc="] == (1200, 1300, 1800)
    aware = START.to_datetime()
    assert recorded.series(KubeSpanPeerStatus, "receive_bytes", since=aware, until=aware).times == (START,)
    with pytest.raises(QueryError, match="has no time zone"):
        recorded.series(KubeSpanPeerStatus, "receive_bytes", since=aware.replace(tzinfo=None))


def test_before_the_recording_and_after_it_there_is_nothing(recorded: SqliteState) -> None:
    early = recorded.series(KubeSpanPeerStatus, "receive_bytes", every="1m", since=after(-120), until=after(60))
    assert early["abc="] == (None, None, None, 1200)
    assert recorded.series(KubeSpanPeerStatus, "receive_bytes").times[-1] == after(720)


def test_what_is_gone_and_what_came_later(recorded: SqliteState) -> None:
    recorded.put(Resource.new(KubeSpanPeerStatus(label="worker-2", receive_bytes=5), id="def="), at=after(610))
    recorded.drop(Reference("kubespan", "KubeSpanPeerStatuses.kubespan.talos.dev", "abc="), at=after(650))
    series = recorded.series(KubeSpanPeerStatus, "receive_bytes", every="1m", since=after(600))
    assert series["worker-1"] == (700, None, None)
    assert series["worker-2"] == (None, 5, 5)
    assert recorded.series(KubeSpanPeerStatus, "receive_bytes", label="worker-2", since=after(600)).lines == series.lines[1:]
    with pytest.raises(KeyError):
        _ = series["worker-3"]
    with pytest.raises(UnknownNameError):
        recorded.series(KubeSpanPeerStatus, "receive_bytes", label="worker-3")


def test_records_and_frames(recorded: SqliteState) -> None:
    series = recorded.series(KubeSpanPeerStatus, "receive_bytes", every="1m", until=after(60))
    assert series.records() == [
        {"at": dt.datetime(2026, 11, 26, 2, 0, tzinfo=dt.UTC), "node": "cp-1", "id": "abc=", "label": "worker-1", "receive_bytes": None},
        {"at": dt.datetime(2026, 11, 26, 2, 1, tzinfo=dt.UTC), "node": "cp-1", "id": "abc=", "label": "worker-1", "receive_bytes": 1200},
    ]
    frame = series.to_polars()
    assert frame["receive_bytes"].to_list() == [None, 1200]


def test_fields_of_structures(tmp_path: Path) -> None:
    with SqliteState(tmp_path / "s.db") as state:
        state.put(Resource.new(Affiliate(node_id="n", kubespan=KubeSpanAffiliate(public_key="k=")), id="n"), at=START)
        state.put(Resource.new(Affiliate(node_id="m"), id="m"), at=after(1))
        series = state.series(Affiliate, "kubespan.public_key", every="1s", until=after(1))
        assert (series["n"], series["m"]) == (("k=", "k="), (None, None))
        assert "node" not in series.records()[0]
        with pytest.raises(QueryError, match="there is no 'privates'"):
            state.series(Affiliate, "kubespan.privates", every="1s", until=after(1))


def test_bad_questions(recorded: SqliteState) -> None:
    with pytest.raises(QueryError, match="has no field 'bytes' that is told; it has endpoint, label, state"):
        recorded.series(KubeSpanPeerStatus, "bytes")
    bad: list[Any] = ["x", "", "0s", "-1m", dt.timedelta(0), 5, None, b"1m"]
    for every in bad:
        with pytest.raises(QueryError, match="is no length of time; write 90s"):
            recorded.series(KubeSpanPeerStatus, "receive_bytes", every=every)
    with pytest.raises(QueryError, match="are too many; name a longer `every`"):
        recorded.series(KubeSpanPeerStatus, "receive_bytes", every="0.000001s")


def test_a_secret_is_no_field(tmp_path: Path) -> None:
    with SqliteState(tmp_path / "s.db") as state:
        state.put(Resource.new(KubeSpanIdentity(private_key="hunter2"), id="local"), at=START)
        with pytest.raises(QueryError, match="has no field 'private_key' that is told") as caught:
            state.series(KubeSpanIdentity, "private_key", until=START)
        assert "hunter2" not in str(caught.value)


def test_of_several_nodes(recorded: SqliteState) -> None:
    other = recorded.of_node("cp-2")
    other.keep_period(Period(after(660), after(660)))
    keep(other, 660, 7)
    with open_source(f"sqlite:{recorded.path}") as cluster:
        series = cluster.series(KubeSpanPeerStatus, "receive_bytes", every="1m", since=after(540), until=after(780))
        assert {line.node: line.values for line in series.lines} == {
            "cp-1": (None, 700, 700, 700, None),
            "cp-2": (None, None, 7, None, None),
        }
        assert cluster.series(KubeSpanPeerStatus, "receive_bytes").times[-1] == after(720)
        assert series.to_polars().group_by("node").len().height == 2
        with pytest.raises(KeyError):
            _ = series["worker-1"]
    with open_source("demo") as demo, pytest.raises(UnsupportedError, match="keeps no past"):
        demo.series(KubeSpanPeerStatus, "receive_bytes")


def test_of_several_nodes_by_a_label_that_one_of_them_is_itself(recorded: SqliteState) -> None:
    itself = recorded.of_node("worker-1")
    itself.keep_period(Period(START, after(300)))
    keep(itself, 30, 5, id="def=", label="cp-1")
    with open_source(f"sqlite:{recorded.path}") as cluster:
        series = cluster.series(KubeSpanPeerStatus, "receive_bytes", every="1m", label="worker-1")
        assert [(line.node, line.label) for line in series.lines] == [("cp-1", "worker-1")]
        with pytest.raises(UnknownNameError, match='is called "worker-3"; there are worker-1'):
            cluster.series(KubeSpanPeerStatus, "receive_bytes", label="worker-3")
        with pytest.raises(QueryError, match="comes after .*; give the earlier moment first"):
            cluster.series(KubeSpanPeerStatus, "receive_bytes", since=after(60), until=after(30))


def test_lengths() -> None:
    assert length_of("1h30m").nanoseconds == 5400 * S
    assert length_of("1d").nanoseconds == 86400 * S
    assert length_of("0.5s").nanoseconds == S // 2
