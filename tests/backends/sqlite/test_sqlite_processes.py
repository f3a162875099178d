"""Several processes at one file while its past is forgotten and it is made smaller: nothing that was acknowledged is lost."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest

from talos_resources.backends.sqlite.state import SqliteState
from talos_resources.model.errors import WatchError
from talos_resources.model.timestamp import Timestamp
from talos_resources.state.events import AnyEvent, Created, Destroyed, Updated
from talos_resources.testing.conformance.parts import PATHS, PATIENCE, path

WRITERS = 3
WRITES = 400

# Says each write once it is acknowledged: the id, and its count of it; 0 for one that it destroyed.
WRITER = """
import random, sys
from talos_resources.backends.sqlite.state import SqliteState
from talos_resources.testing.conformance.parts import PATHS, path
name, count = sys.argv[2], int(sys.argv[3])
choose = random.Random(name)
with SqliteState(sys.argv[1]) as state:
    held = set()
    for n in range(1, count + 1):
        id = f"{name}-{choose.randrange(5)}"
        if id not in held:
            state.create(path(id).with_labels(n=str(n)))
            held.add(id)
        elif choose.random() < 0.3:
            state.destroy(PATHS, id)
            held.remove(id)
            n = 0
        else:
            state.update(state.get(PATHS, id).with_labels(n=str(n)))
        print(id, n, flush=True)
"""


class Watcher:
    """Follows the file, and says when an event does not follow from those before it."""

    def __init__(self, file: Path) -> None:
        self.held: dict[str, int] = {}
        self.faults: list[str] = []
        self._state = SqliteState(file)
        self._thread = threading.Thread(target=self._follow)
        self._thread.start()

    def _follow(self) -> None:
        while "end" not in self.held:
            self.held.clear()
            with suppress(WatchError), self._state.watch_kind(PATHS) as events:  # what it had to tell was forgotten
                for event in events:
                    self._hear(event)
                    if "end" in self.held:
                        break

    def _hear(self, event: AnyEvent) -> None:
        match event:
            case Created(resource):
                if resource.id in self.held:
                    self.faults.append(f"{resource.id} is there already")
                self.held[resource.id] = resource.version
            case Updated(resource):
                if resource.version != self.held.get(resource.id, 0) + 1:
                    self.faults.append(f"{resource.id}: {resource.version} after {self.held.get(resource.id)}")
                self.held[resource.id] = resource.version
            case Destroyed(reference):
                if self.held.pop(reference.id, None) is None:
                    self.faults.append(f"{reference.id} was not there")
            case _:
                pass

    def wait(self) -> None:
        """Until it has heard of the end."""
        self._thread.join(PATIENCE)
        self._state.close()
        assert not self._thread.is_alive()


def _writer(file: Path, name: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(file), name, str(WRITES)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _forget(state: SqliteState, choose: random.Random) -> None:
    """One of the ways to make a file smaller."""
    what = choose.randrange(3)
    if what == 0:
        state.prune(versions=choose.randint(1, 4))
    elif what == 1:
        state.prune(before=Timestamp(time.time_ns()))
    else:
        with closing(sqlite3.connect(state.path, timeout=PATIENCE)) as connection:
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def test_a_file_that_a_process_opens_twice_keeps_its_log(state: SqliteState, file: Path) -> None:
    state.create(path("a"))
    with SqliteState(file) as second:
        assert second.get(PATHS, "a").version == 1
    other = "import sys; from talos_resources.backends.sqlite.state import SqliteState; SqliteState(sys.argv[1]).close()"
    subprocess.run([sys.executable, "-c", other, str(file)], check=True, timeout=PATIENCE)
    assert state.create(path("b")).version == 1


def test_a_watch_whose_events_were_forgotten_before_it_read_them_says_so(state: SqliteState, file: Path) -> None:
    held = state.create(path("a"))
    with SqliteState(file) as other, state.watch_kind(PATHS) as events:
        assert isinstance(events.next(PATIENCE), Created)
        with state._tail._lock:  # the thread that follows the file comes late
            for _ in range(3):
                held = other.update(held.with_labels(n=str(held.version)))
            assert other.prune(before=Timestamp(time.time_ns()))
        with pytest.raises(WatchError, match="forgotten before they were read"):
            while True:
                assert not isinstance(events.next(PATIENCE), Updated)
        with state.watch_kind(PATHS) as again:
            assert again.next(PATIENCE) == Created(held)


@pytest.mark.slow
def test_writers_watchers_and_forgetting_in_several_processes(state: SqliteState, file: Path) -> None:
    choose = random.Random(14)
    watchers = [Watcher(file) for _ in range(2)]
    writers = [_writer(file, f"w{n}") for n in range(WRITERS)]
    texts: dict[int, str] = {}
    readers = [threading.Thread(target=lambda n=n: texts.update({n: writers[n].communicate()[0]})) for n in range(WRITERS)]
    for reader in readers:
        reader.start()
    while any(reader.is_alive() for reader in readers):
        _forget(state, choose)
    assert [writer.wait(PATIENCE) for writer in writers] == [0] * WRITERS
    expected: dict[str, str] = {}
    for text in texts.values():
        lines = [line.split() for line in text.splitlines()]
        assert len(lines) == WRITES
        expected.update((name, count) for name, count in lines)  # the last of each id counts
    held = {resource.id: resource.metadata.labels["n"] for resource in state.list(PATHS)}
    assert held == {name: count for name, count in expected.items() if count != "0"}
    state.create(path("end"))
    for watcher in watchers:
        watcher.wait()
        assert watcher.faults == []
        assert watcher.held == {resource.id: resource.version for resource in state.list(PATHS)}
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
