"""The past in the file: versions are packed, seen, forgotten, and nothing else is lost."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from talos_resources.backends.sqlite.past import Retention
from talos_resources.backends.sqlite.state import SqliteState
from talos_resources.model.errors import ConfigError, InvalidBookmarkError, NotFoundError, UnknownNameError
from talos_resources.model.resource import Resource
from talos_resources.model.timestamp import Timestamp
from talos_resources.resources import KubeSpanPeerStatus
from talos_resources.state.events import Created, Updated
from talos_resources.testing.conformance.parts import PATHS, PATIENCE, path, told
from tests.backends.sqlite.changes import changed


def test_old_versions_are_packed_and_nothing_is_lost(state: SqliteState, file: Path) -> None:
    state.create(path("a"))
    with state.watch_kind(PATHS) as events:
        told(events, 1)
        bookmark = events.next(PATIENCE).bookmark
    with state.batch():
        changed(state, 500)
    with closing(sqlite3.connect(file)) as raw:
        packs = raw.execute("SELECT count(*) FROM packs").fetchone()[0]
    assert packs > 0
    versions = state.history(PATHS, "a")
    assert [version.resource.version for version in versions] == list(range(1, 502))
    assert [version.change for version in versions[:2]] == ["created", "updated"]
    # Watches begin anywhere, also in what is packed, and tell what was before.
    with state.watch_kind(PATHS, start_from_bookmark=bookmark) as events:
        seen = [events.next(PATIENCE) for _ in range(500)]
    assert [event.resource.version for event in seen if isinstance(event, Updated)] == list(range(2, 502))
    assert all(isinstance(event, Updated) and event.old is not None and event.old.version == event.resource.version - 1 for event in seen)
    with state.watch_kind(PATHS, tail_events=400) as events:
        assert told(events, 1) == ["~a102"]


def test_the_past_can_be_seen(state: SqliteState) -> None:
    for n in range(5):
        state.put(path("a", labels={"n": str(n)}), at=Timestamp(1000 + n * 10))
        if n == 2:
            assert state.put(path("b"), at=Timestamp(1025))
            assert not state.put(path("b"), at=Timestamp(1026))
    state.drop(path("a").reference, at=Timestamp(1050))
    state.put(path("a", labels={"n": "again"}), at=Timestamp(1060))
    assert [state.at(Timestamp(when)).get(PATHS, "a").labels["n"] for when in (1000, 1009, 1010, 1049)] == ["0", "0", "1", "4"]
    assert [resource.id for resource in state.at(Timestamp(1030)).list(PATHS)] == ["a", "b"]
    assert [resource.id for resource in state.at(Timestamp(1055)).list(PATHS)] == ["b"]
    assert state.at(Timestamp(2000)).get(PATHS, "a").labels == {"n": "again"}
    assert [version.change for version in state.history(PATHS, "a", since=Timestamp(1045))] == ["updated", "destroyed", "created"]
    assert state.span() == (1000, 1060)
    with pytest.raises(ConfigError, match="has no data before 1970"):
        state.at(Timestamp(999))
    with pytest.raises(NotFoundError):
        state.history(PATHS, "never")


def test_what_is_forgotten_leaves_the_present_and_the_moment(state: SqliteState) -> None:
    with state.batch():
        for n in range(400):
            state.put(path("a", labels={"n": str(n)}), at=Timestamp(n))
            state.put(path("b", labels={"n": str(n // 100)}), at=Timestamp(n))
    with state.watch_kind(PATHS) as events:
        old = state.watch_kind(PATHS, tail_events=10_000)
        first = old.next(PATIENCE)
        old.close()
        assert isinstance(first, Created)
        assert isinstance(events.next(PATIENCE), Created)
    assert state.prune(before=Timestamp(300)) > 0
    assert state.at(Timestamp(300)).get(PATHS, "a").labels == {"n": "300"}
    assert state.at(Timestamp(300)).get(PATHS, "b").labels == {"n": "3"}
    assert state.get(PATHS, "a").labels == {"n": "399"}
    with pytest.raises(ConfigError, match="no data before"):
        state.at(Timestamp(100))
    with pytest.raises(InvalidBookmarkError, match="too old"):
        state.watch_kind(PATHS, start_from_bookmark=first.bookmark)
    assert state.prune(before=Timestamp(300)) == 0
    state.prune(versions=1)
    assert state.get(PATHS, "a").labels == {"n": "399"}
    assert len(state.history(PATHS, "a")) < 200


def test_the_past_is_forgotten_as_one_writes(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("talos_resources.backends.sqlite.state.PRUNE_EVERY", 100)
    with SqliteState(file, retention=Retention(versions=150)) as state:
        state.create(path("a"))
        changed(state, 999)
        assert 150 <= len(state.history(PATHS, "a")) < 500
    with SqliteState(file, retention=Retention(age=timedelta(0))) as state:
        changed(state, 100)
        assert len(state.history(PATHS, "a")) < 150
        assert state.get(PATHS, "a").version == 1100


def test_history_has_records_and_takes_a_name(tmp_path: Path) -> None:
    with SqliteState(tmp_path / "s.db") as state:
        state.create(Resource.new(KubeSpanPeerStatus(label="worker-1", receive_bytes=1), id="abc="))
        state.update(state.get(KubeSpanPeerStatus, label="worker-1").with_spec(receive_bytes=2))
        history = state.history(KubeSpanPeerStatus, label="worker-1")
        assert [(each["event"], each["version"], each["receive_bytes"]) for each in history.records()] == [
            ("created", 1, 1),
            ("updated", 2, 2),
        ]
        assert list(history.records()[0])[:2] == ["at", "event"]
        assert history.to_polars()["at"].to_list() == [version.at.to_datetime() for version in history]
        assert repr(history).startswith("<2 versions: ")
        with pytest.raises(UnknownNameError):
            state.history(KubeSpanPeerStatus, label="worker-2")
