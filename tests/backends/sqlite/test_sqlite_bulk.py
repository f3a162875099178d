"""Whole nodes at a time: written at once, and each one's past without that of the others."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from talos_resources.backends.memory import MemoryState
from talos_resources.backends.sqlite import log
from talos_resources.backends.sqlite.state import SqliteState
from talos_resources.model.errors import AlreadyExistsError
from talos_resources.model.timestamp import Timestamp
from talos_resources.testing.conformance.parts import PATHS, path

NODES = ("one", "two", "three")
BEGIN = Timestamp.from_seconds(0)


def filled(state: SqliteState, *, together: bool) -> None:
    """Nodes whose resources lie together in the file, or scattered; one of each has a packed past."""
    for number in range(20):
        if together:
            break
        for node in NODES:
            state.of_node(node).create(path(f"{number}"))
    for node in NODES:
        held = state.of_node(node)
        if together:
            source = MemoryState()
            for number in range(20):
                source.create(path(f"{number}"))
            held.restore(source.list(PATHS))
        now = held.get(PATHS, "7")
        with held.batch():
            for count in range(300):
                now = held.update(now.with_labels(n=str(count)))


@pytest.mark.parametrize("together", [True, False])
def test_the_past_of_each_node(tmp_path: Path, together: bool) -> None:
    with closing(SqliteState(tmp_path / "state.db")) as state:
        filled(state, together=together)
        assert state.nodes() == sorted(NODES)
        every = list(state.of_node("two").changes(since=BEGIN))
        assert [version.change for version in every] == ["created"] * 20 + ["updated"] * 300
        assert [version.at for version in every] == sorted(version.at for version in every)
        assert [version.resource.version for version in every if version.resource.id == "7"] == list(range(1, 302))
        for late in (every[0], every[19], *every[20::50], every[-1]):
            assert list(state.of_node("two").changes(since=late.at)) == [version for version in every if version.at >= late.at]
            assert not list(state.of_node("two").changes(since=late.at, types=frozenset({"Others"})))
        assert not list(state.of_node("two").changes(since=Timestamp(_last(state) + 1)))
        assert state.span() == (min(v.at for n in NODES for v in state.of_node(n).changes(since=BEGIN)), _last(state))


def _last(state: SqliteState) -> Timestamp:
    return max(version.at for node in NODES for version in state.of_node(node).changes(since=BEGIN))


def test_what_is_written_at_once_is_what_is_written_one_by_one(tmp_path: Path) -> None:
    source = MemoryState()
    for number in range(50):
        source.create(path(f"{number}"))
    resources = source.list(PATHS)
    with closing(SqliteState(tmp_path / "bulk.db")) as bulk, closing(SqliteState(tmp_path / "single.db")) as single:
        bulk.of_node("a").restore(resources)
        for resource in resources:
            single.of_node("a").put(resource)
        assert bulk.of_node("a").list(PATHS) == single.of_node("a").list(PATHS) == resources
        bulk.of_node("a").create(path("later"))
        with pytest.raises(AlreadyExistsError):
            bulk.of_node("a").restore(resources)
        with bulk._file.reading() as one, single._file.reading() as other:
            assert [(row.seq, row.key, row.op, row.wire) for row in log.after(one, 0)][:50] == [
                (row.seq, row.key, row.op, row.wire) for row in log.after(other, 0)
            ]


def test_a_file_that_was_filled_without_the_log_is_like_any_other(tmp_path: Path) -> None:
    file = tmp_path / "filled.db"
    with closing(SqliteState(file)) as state:
        with state.filling():
            state.of_node("a").restore([path("1")])
            assert not file.with_name("filled.db-wal").exists()
        state.of_node("a").create(path("2"))
        assert file.with_name("filled.db-wal").stat().st_size
        with closing(SqliteState(file, create=False)) as other:
            assert [found.id for found in other.of_node("a").list(PATHS)] == ["1", "2"]
            assert [version.change for version in other.of_node("a").changes(since=BEGIN)] == ["created", "created"]


def test_after_an_error_while_it_was_filled_writes_are_safe_again(tmp_path: Path) -> None:
    with closing(SqliteState(tmp_path / "filled.db")) as state:
        with pytest.raises(LookupError), state.filling():
            raise LookupError
        writer = state._file._writer
        assert writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert writer.execute("PRAGMA synchronous").fetchone() == (2,)
        state.of_node("a").create(path("1"))
        assert [found.id for found in state.of_node("a").list(PATHS)] == ["1"]


def test_a_node_that_cannot_be_filled_in_leaves_the_others(tmp_path: Path) -> None:
    with closing(SqliteState(tmp_path / "filled.db")) as state:
        with state.filling():
            state.of_node("a").restore([path("1")])
            with pytest.raises(AlreadyExistsError):
                state.of_node("b").restore([path("1"), path("2"), path("1")])
        assert state.nodes() == ["a"]
        assert [version.change for version in state.of_node("a").changes(since=BEGIN)] == ["created"]
