"""After anything was forgotten, a past moment is shown as it was or refused; a model tells which it was."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from talos_resources.backends.sqlite.state import SqliteState
from talos_resources.model.errors import ConfigError, WatchError
from talos_resources.model.timestamp import Timestamp
from talos_resources.testing.conformance.parts import PATHS, PATIENCE, path, told

Moments = list[tuple[int, dict[str, str]]]


@pytest.fixture
def state(tmp_path: Path) -> Iterator[SqliteState]:
    with closing(SqliteState(tmp_path / "state.db")) as state:
        yield state


def random_past(state: SqliteState, rng: random.Random, *, begin: int, count: int) -> Moments:
    """Writes a few resources of very different liveliness; what there was after each second."""
    now = {resource.id: resource.labels["n"] for resource in state.list(PATHS)}
    moments: Moments = []
    with state.batch():
        for second in range(begin, begin + count):
            at = Timestamp.from_seconds(second)
            for name, chance in (("busy", 0.9), ("calm", 0.3), ("rare", 0.01), ("fickle", 0.8)):
                if rng.random() > chance:
                    continue
                if name == "fickle" and name in now and rng.random() < 0.5:
                    state.drop(path(name).reference, at=at)
                    del now[name]
                else:
                    now[name] = str(second)
                    state.put(path(name, labels={"n": now[name]}), at=at)
            moments.append((second, dict(now)))
    return moments


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("by", ["versions", "before", "both"])
def test_a_past_moment_is_as_it_was_or_refused(state: SqliteState, seed: int, by: str) -> None:
    rng = random.Random(seed)
    moments: Moments = []
    for turn in range(3):
        moments += random_past(state, rng, begin=1000 + 500 * turn, count=500)
        versions = rng.choice([1, 100, 250]) if by != "before" else None
        before = Timestamp.from_seconds(1000 + 300 * turn) if by != "versions" else None
        state.prune(before=before, versions=versions)
        shown = 0
        for second, expected in moments[:: rng.randrange(3, 9)]:
            try:
                then = state.at(Timestamp.from_seconds(second))
            except ConfigError as error:
                assert "no data before" in error.message
                assert shown == 0  # refused is only what is older than all that is shown
                continue
            shown += 1
            assert {resource.id: resource.labels["n"] for resource in then.list(PATHS)} == expected
        assert shown > 0


def test_a_damaged_pack_is_told_to_all_who_wait(state: SqliteState) -> None:
    state.put(path("a", labels={"n": "0"}))
    with state.watch_kind(PATHS, bootstrap=False) as events:
        state.put(path("a", labels={"n": "1"}))
        told(events, 1)
        with closing(sqlite3.connect(state.path)) as raw, SqliteState(state.path) as other:
            raw.execute("BEGIN IMMEDIATE")
            raw.execute("INSERT INTO packs VALUES (1, 900, 1000, 1, 2, 1, ?)", (b"\xff" * 40,))
            raw.execute("COMMIT")
            other.put(path("b", labels={"n": "2"}))
        with pytest.raises(WatchError, match=r"the watch cannot go on: .*state\.db: it is damaged"):
            events.next(PATIENCE)
    for ask in (lambda: state.history(PATHS, "a"), lambda: state.watch_kind(PATHS, tail_events=3)):
        with pytest.raises(ConfigError, match=r"state\.db: it is damaged; restore a copy"):
            ask()
    assert state.get(PATHS, "a").labels == {"n": "1"}  # what is there now can be had
