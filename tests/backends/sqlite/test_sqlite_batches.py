"""Batches are all or nothing, whatever fails inside, whoever catches it, and whoever watches."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from talos_resources.backends.sqlite.state import SqliteState
from talos_resources.model.errors import AlreadyExistsError, ConfigError
from talos_resources.testing.conformance.parts import PATHS, path, told


@pytest.fixture
def state(tmp_path: Path) -> Iterator[SqliteState]:
    with closing(SqliteState(tmp_path / "state.db")) as state:
        yield state


@pytest.fixture
def other(state: SqliteState) -> Iterator[SqliteState]:
    """As another process sees the file."""
    with closing(SqliteState(state.path)) as other:
        yield other


def ids(state: SqliteState) -> list[str]:
    return [resource.id for resource in state.list(PATHS)]


def test_a_batch_inside_that_fails_is_undone_alone(state: SqliteState, other: SqliteState) -> None:
    with state.batch():
        state.create(path("a"))
        with suppress(RuntimeError), state.batch():
            state.create(path("b"))
            with state.batch():
                state.create(path("c"))
            raise RuntimeError
        assert ids(state) == ["a"]
        with state.batch():
            state.create(path("d"))
    assert ids(state) == ids(other) == ["a", "d"]


def test_what_an_undone_batch_wrote_is_not_remembered(state: SqliteState, other: SqliteState) -> None:
    with state.batch():
        with suppress(RuntimeError), state.batch():
            state.create(path("a", labels={"undone": "yes"}))
            raise RuntimeError
        state.create(path("a", labels={"undone": "no"}))  # gets the numbers of the other
        assert state.get(PATHS, "a").labels == {"undone": "no"}
    assert other.get(PATHS, "a") == state.get(PATHS, "a")


def test_a_refused_write_leaves_the_batch_as_it_was(state: SqliteState) -> None:
    with state.batch():
        state.create(path("a"))
        with pytest.raises(AlreadyExistsError):
            state.create(path("a"))
        state.create(path("b"))
    assert ids(state) == ["a", "b"]


def test_a_refused_restore_keeps_nothing_also_inside_a_batch(state: SqliteState) -> None:
    held = [state.create(path(name)) for name in ("x", "y")]
    for resource in held:
        state.destroy(PATHS, resource.id)
    state.create(path("y"))
    with state.batch():
        state.create(path("a"))
        with pytest.raises(AlreadyExistsError):
            state.restore(held)
    assert ids(state) == ["a", "y"]


def fill(state: SqliteState) -> None:
    """As a full disk: the file may not grow any more, which SQLite answers by undoing the whole transaction."""
    with state._file.transaction() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages + 4}")


def test_a_full_disk_inside_a_batch_lets_nothing_through(state: SqliteState, other: SqliteState) -> None:
    state.create(path("before"))
    fill(state)
    refused = 0
    with pytest.raises(ConfigError, match=r"state\.db: an earlier write of this batch failed; nothing of it was kept"), state.batch():
        for n in range(200):
            try:
                state.create(path(f"{n:03}", labels={"x": "y" * 1000}))
            except ConfigError:
                refused += 1
        assert refused > 0
    assert ids(state) == ids(other) == ["before"]
    state.create(path("later"))  # the state goes on
    assert ids(other) == ["before", "later"]


def test_a_watch_opened_inside_tells_only_what_came_to_be(state: SqliteState) -> None:
    state.create(path("a"))
    with state.watch_kind(PATHS, bootstrap=False) as outside:
        with pytest.raises(RuntimeError), state.batch():
            state.create(path("undone"))
            inside = state.watch_kind(PATHS)
            raise RuntimeError
        state.create(path("b"))
        assert told(outside, 1) == ["+b1"]
        with inside:
            assert told(inside, 3) == ["+a1", "Bootstrapped", "+b1"]


def test_a_watch_opened_inside_is_told_of_the_batch_at_its_end(state: SqliteState) -> None:
    with state.watch_kind(PATHS, bootstrap=False) as outside:
        with state.batch():
            state.create(path("a"))
            inside = state.watch_kind(PATHS)
            state.create(path("b"))
        with inside:
            assert told(inside, 3) == ["Bootstrapped", "+a1", "+b1"]
        assert told(outside, 2) == ["+a1", "+b1"]


def test_a_watch_that_is_refused_does_not_silence_the_others(state: SqliteState, other: SqliteState) -> None:
    with state.watch_kind(PATHS, bootstrap=False) as events:
        for n in range(20):
            other.create(path(f"{n:02}"))
            with pytest.raises(Exception, match="bookmark"):
                state.watch_kind(PATHS, start_from_bookmark=b"none of ours")
            assert told(events, 1) == [f"+{n:02}1"]


class Interrupted:
    """A connection on which Ctrl-C comes while it waits for the lock of the file: Python raises that when it has it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def execute(self, statement: str) -> sqlite3.Cursor:
        done = self._connection.execute(statement)
        if statement.startswith("BEGIN"):
            raise KeyboardInterrupt
        return done

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def test_ctrl_c_while_others_write_leaves_no_transaction_open(
    state: SqliteState, other: SqliteState, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as interrupted:
        interrupted.setattr(state._file, "_writer", Interrupted(state._file._writer))
        with pytest.raises(KeyboardInterrupt):
            state.create(path("a"))
    other.create(path("b"))
    state.create(path("c"))
    assert ids(state) == ["b", "c"]
