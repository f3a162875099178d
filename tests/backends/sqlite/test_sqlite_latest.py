"""The last events of a large history: the same as those at its end, without reading what comes before them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from talos_resources.backends.sqlite import log
from talos_resources.backends.sqlite.latest import last_of_key, last_of_kind
from talos_resources.backends.sqlite.state import SqliteState
from talos_resources.testing.conformance.parts import PATHS, PATIENCE, path, told


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> SqliteState:
    """Some resources that change often, and so are packed, some seldom, and some that are gone."""
    state = SqliteState(tmp_path_factory.mktemp("latest") / "state.db")
    dice = random.Random(5)
    held = {}
    with state.batch():
        for _ in range(6000):
            name = dice.choice("aaaaaaaabbbbcdefghij")
            if name not in held:
                held[name] = state.create(path(name))
            elif dice.random() < 0.02:
                state.destroy(PATHS, name)
                del held[name]
            else:
                held[name] = state.update(held[name].with_labels(n=str(dice.random())))
    return state


@pytest.mark.parametrize("horizon", [0, 5000])
@pytest.mark.parametrize("count", [1, 2, 10, 100, 1000, 10_000])
def test_they_are_the_end_of_all(history: SqliteState, count: int, horizon: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "horizon", lambda _connection: horizon)
    with history._file.reading() as connection:
        everything = list(log.after(connection, horizon))
        assert len({row.key for row in everything}) == 10
        assert last_of_kind(connection, ("", PATHS.namespace, PATHS.type), count) == everything[-count:]
        for key in {row.key for row in everything}:
            assert last_of_key(connection, key, count) == [row for row in everything if row.key == key][-count:]


def test_what_comes_before_is_not_read(history: SqliteState, monkeypatch: pytest.MonkeyPatch) -> None:
    unpacked: list[int] = []
    unpack = log.unpacked

    def counted(key: int, data: bytes) -> Sequence[log.Row]:
        unpacked.append(key)
        return unpack(key, data)

    monkeypatch.setattr(log, "unpacked", counted)
    with history.watch_kind(PATHS, tail_events=10) as events:
        assert len([events.next(PATIENCE) for _ in range(10)]) == 10
    assert len(unpacked) <= 10
    with history._file.reading() as connection:
        assert connection.execute("SELECT count(*) FROM packs").fetchone()[0] > 20


def test_no_more_are_told_than_a_watch_may_be_behind(tmp_path: Path) -> None:
    with SqliteState(tmp_path / "state.db", capacity=5) as state:
        held = state.create(path("a"))
        for n in range(20):
            held = state.update(held.with_labels(n=str(n)))
        with state.watch_kind(PATHS, tail_events=1 << 30) as events:
            assert told(events, 5) == ["~a17", "~a18", "~a19", "~a20", "~a21"]
