"""The file: durability across restarts, other processes, files that cannot be used."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from talos_resources.backends.sqlite import log, readers
from talos_resources.backends.sqlite.schema import APPLICATION_ID, MIGRATIONS
from talos_resources.backends.sqlite.state import SqliteState
from talos_resources.model.errors import ConfigError, VersionConflictError, WatchError
from talos_resources.model.timestamp import Timestamp
from talos_resources.state.events import Bootstrapped
from talos_resources.testing.conformance.parts import PATHS, PATIENCE, path, told
from tests.backends.sqlite.changes import changed


def test_what_was_written_is_there_after_a_restart(file: Path) -> None:
    with SqliteState(file) as state:
        state.create(path("a", labels={"x": "1"}))
        with state.watch_kind(PATHS) as events:
            told(events, 1)
            bookmark = events.next(PATIENCE).bookmark
        changed(state, 2)
        stored = state.get(PATHS, "a")
    assert file.stat().st_mode & 0o777 == 0o600
    with SqliteState(file) as state:
        assert state.get(PATHS, "a") == stored
        with state.watch_kind(PATHS, start_from_bookmark=bookmark) as events:
            assert told(events, 2) == ["~a2", "~a3"]
            changed(state, 1)
            assert told(events, 1) == ["~a4"]


def test_a_batch_is_all_or_nothing(state: SqliteState, file: Path) -> None:
    other = SqliteState(file)
    with pytest.raises(RuntimeError), state.batch():
        state.create(path("a"))
        assert state.get(PATHS, "a").version == 1  # its own thread sees it
        assert not other.list(PATHS)
        raise RuntimeError
    assert not state.list(PATHS)
    # What was undone is not remembered: its numbers are those of the next write.
    other.create(path("a", labels={"by": "other"}))
    assert state.get(PATHS, "a").labels == {"by": "other"}
    with state.batch():
        state.create(path("b"))
        state.create(path("c"))
    assert [resource.id for resource in other.list(PATHS)] == ["a", "b", "c"]
    other.close()


def test_nodes_do_not_mix(state: SqliteState) -> None:
    one, two = state.of_node("one"), state.of_node("two")
    one.create(path("a"))
    with two.watch_kind(PATHS) as events:
        assert isinstance(events.next(PATIENCE), Bootstrapped)
        one.create(path("b"))
        two.create(path("c"))
        assert told(events, 1) == ["+c1"]
    assert state.nodes() == ["one", "two"]
    assert [resource.id for resource in one.list(PATHS)] == ["a", "b"]


WRITER = """
import sys
from talos_resources.backends.sqlite.state import SqliteState
from talos_resources.state.derived import update_with_conflicts
from talos_resources.testing.conformance.parts import PATHS
with SqliteState(sys.argv[1]) as state:
    for _ in range(int(sys.argv[2])):
        update_with_conflicts(state, PATHS, "a", lambda now: now.with_labels(n=str(int(now.labels["n"]) + 1)))
"""


def test_processes_write_at_once_and_each_event_is_told(state: SqliteState, file: Path) -> None:
    state.create(path("a", labels={"n": "0"}))
    with state.watch_kind(PATHS, bootstrap=False) as events:
        writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(file), "40"]) for _ in range(3)]
        assert told(events, 120) == [f"~a{n}" for n in range(2, 122)]
        assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    assert state.get(PATHS, "a").labels == {"n": "120"}


def test_threads_read_while_one_writes(state: SqliteState) -> None:
    state.create(path("a"))
    stop = threading.Event()
    seen: list[int] = []

    def read() -> None:
        last = 0
        while not stop.is_set():
            version = state.get(PATHS, "a").version
            assert version >= last
            last = version
        seen.append(last)

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    changed(state, 100)
    stop.set()
    for thread in threads:
        thread.join(PATIENCE)
    assert len(seen) == 3


def test_threads_that_end_leave_no_connection_behind(state: SqliteState) -> None:
    state.create(path("a"))

    def opened() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    def read() -> None:
        threads = [threading.Thread(target=state.get, args=(PATHS, "a")) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)

    read()
    before = opened()
    for _ in range(10):
        read()
    assert opened() <= before + 2 * readers.IDLE_READERS  # two descriptors a connection; 200 threads would have 400


def test_a_watch_of_a_file_that_breaks_says_so(state: SqliteState, file: Path) -> None:
    with state.watch_kind(PATHS, bootstrap=False) as events:
        state.create(path("a"))
        assert told(events, 1) == ["+a1"]
        with closing(sqlite3.connect(file)) as other:
            other.execute("DROP TABLE events")
        with pytest.raises(WatchError, match="the watch cannot go on: .*no such table"):
            events.next(PATIENCE)
        with pytest.raises(StopIteration):
            events.next(PATIENCE)


def test_a_stale_writer_is_told(state: SqliteState, file: Path) -> None:
    stored = state.create(path("a"))
    with SqliteState(file) as other:
        other.update(other.get(PATHS, "a").with_labels(x="1"))
    with pytest.raises(VersionConflictError, match="you hold version 1, the store has 2"):
        state.update(stored.with_labels(y="1"))


@pytest.mark.parametrize(
    ("contents", "reason"),
    [(b"hello\n", "is no SQLite database"), (b"SQLite format 3\0" + b"x" * 4096, r"it is (no SQLite database|damaged)")],
)
def test_files_that_are_none_are_left_alone(file: Path, contents: bytes, reason: str) -> None:
    file.write_bytes(contents)
    with pytest.raises(ConfigError, match=reason):
        SqliteState(file)
    assert file.read_bytes() == contents


def test_the_file_of_another_program_is_left_alone(file: Path) -> None:
    with closing(sqlite3.connect(file)) as other:
        other.execute("CREATE TABLE mine (x)")
    before = file.read_bytes()
    with pytest.raises(ConfigError, match="another program's database"):
        SqliteState(file)
    assert file.read_bytes() == before


def test_a_newer_schema_is_left_alone(file: Path) -> None:
    SqliteState(file).close()
    with closing(sqlite3.connect(file)) as other:
        other.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    with pytest.raises(ConfigError, match="made by a newer version"):
        SqliteState(file)


def test_an_older_schema_is_brought_up_to_date(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wire = log.encode(path("a", labels={"x": "1"}).stamped(1, "", Timestamp(5), Timestamp(5)))
    with closing(sqlite3.connect(file)) as old:
        old.executescript(MIGRATIONS[0])
        old.execute("INSERT INTO resources VALUES (1, '', 'default', 'os/path', 'a', 1, ?)", (wire,))
        old.execute("INSERT INTO events VALUES (1, 1, 5, 0, ?)", (wire,))
        old.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        old.execute("PRAGMA user_version = 1")
        old.commit()
    with pytest.raises(ConfigError, match="older schema"):
        SqliteState(file, read_only=True)
    with SqliteState(file) as state:
        changed(state, 200)
        assert [version.resource.version for version in state.history(PATHS, "a")] == list(range(1, 202))


def test_a_damaged_file_says_so(file: Path) -> None:
    with SqliteState(file) as state, state.batch():
        for n in range(200):
            state.create(path(f"{n:03}", labels={"x": "y" * 100}))
    with closing(sqlite3.connect(file)) as raw:
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    data = bytearray(file.read_bytes())
    data[8192:] = os.urandom(len(data) - 8192)
    file.write_bytes(data)
    with pytest.raises(ConfigError, match=r"state\.db: it is damaged"), SqliteState(file) as state:
        state.list(PATHS)
        changed(state, 1, "000")


def test_read_only(file: Path, state: SqliteState) -> None:
    state.create(path("a"))
    with SqliteState(file, read_only=True) as other:
        assert other.get(PATHS, "a").version == 1
        with pytest.raises(ConfigError, match="it can only be read"):
            changed(other, 1)


FULL = """
import resource, signal, sys
from talos_resources.backends.sqlite.state import SqliteState
from talos_resources.model.errors import ConfigError
from talos_resources.testing.conformance.parts import PATHS, path
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
with SqliteState(sys.argv[1]) as state:
    done = 0
    try:
        for n in range(10_000):
            state.create(path(f"{n:05}", labels={"x": "y" * 200}))
            done += 1
    except ConfigError as error:
        print(done, error.message)
"""


def test_a_full_disk_keeps_what_was_acknowledged(file: Path) -> None:
    done = subprocess.run([sys.executable, "-c", FULL, str(file)], capture_output=True, text=True, check=True, timeout=120)
    count, _, message = done.stdout.partition(" ")
    assert "the disk" in message
    assert "nothing of this write was kept" in message
    with SqliteState(file) as state:
        assert len(state.list(PATHS)) == int(count) > 0
        state.create(path("more"))


@pytest.mark.parametrize("where", ["nowhere/state.db", "."])
def test_places_where_no_file_can_be(tmp_path: Path, where: str) -> None:
    with pytest.raises(ConfigError, match="cannot (make|read)"):
        SqliteState(tmp_path / where)


def test_a_closed_state_says_so(file: Path) -> None:
    state: Any = SqliteState(file)
    state.close()
    state.close()
    with pytest.raises(ConfigError, match="closed"):
        state.get(PATHS, "a")
