"""A state that is closed while threads are in it: an error of theirs, never the end of the process."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from talos_resources.backends.sqlite.state import SqliteState
from talos_resources.model.errors import ConfigError
from talos_resources.model.timestamp import Timestamp
from talos_resources.testing.conformance.parts import PATHS, PATIENCE, path

READERS = """
import random, sys, threading, time
from talos_resources.backends.sqlite.state import SqliteState
from talos_resources.model.errors import ConfigError
from talos_resources.testing.conformance.parts import PATHS
refused = 0
for turn in range(int(sys.argv[2])):
    state = SqliteState(sys.argv[1])
    ready, ended = threading.Barrier(7), []
    def use(work):
        ready.wait()
        try:
            while True:
                work()
        except ConfigError as error:
            assert "is closed" in error.message, error.message
            ended.append(work)
    def follow():
        with state.watch_kind(PATHS) as events:
            for event in events: pass
        raise ConfigError("is closed")
    def write():
        now = state.get(PATHS, "000")
        with state.batch():
            for n in range(5):
                now = state.update(now.with_labels(n=str(n)))
    works = [lambda: state.list(PATHS), lambda: state.at(0x7000000000000000), lambda: list(state.changes(since=0)), write, follow,
             lambda: state.history(PATHS, "000")]
    threads = [threading.Thread(target=use, args=(work,), daemon=True) for work in works]
    for thread in threads: thread.start()
    ready.wait()
    time.sleep(random.random() / 20)
    state.close()
    for thread in threads: thread.join(30)
    assert len(ended) == 6, ended
    refused += len(ended)
print(refused)
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "state.db"
    with closing(SqliteState(file)) as state, state.batch():
        for n in range(300):
            state.create(path(f"{n:03}", labels={"x": "y" * 50}))
    return file


def test_readers_writers_and_watches_of_a_state_that_is_closed_are_told(file: Path) -> None:
    done = subprocess.run([sys.executable, "-c", READERS, str(file), "12"], capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode, done.stdout) == (0, "72\n"), done.stderr
    with closing(SqliteState(file)) as state:  # and the file is whole
        assert len(state.list(PATHS)) == 300


UNCLOSED = """
import sys, threading
from talos_resources.backends.sqlite.state import SqliteState
from talos_resources.testing.conformance.parts import PATHS
state = SqliteState(sys.argv[1])
events = state.watch_kind(PATHS)
def read():
    while True: state.list(PATHS)
for _ in range(3): threading.Thread(target=read, daemon=True).start()
events.next(30)
"""


def test_a_process_that_ends_without_closing_ends_well(file: Path) -> None:
    for _ in range(5):
        done = subprocess.run([sys.executable, "-c", UNCLOSED, str(file)], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_interrupts_of_get_watch_at_any_moment(file: Path) -> None:
    """What a Ctrl-C finds: imports, opening, the first list, the first watch."""
    command = [sys.executable, "-m", "talos_resources", "get", "os/path", "-w", "--namespace", "default", "--from", f"sqlite:{file}"]
    for n in range(100):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        threading.Event().wait(0.02 * n)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        if process.returncode == 1:  # Python itself was still starting
            assert b"KeyboardInterrupt" in errors
        else:
            assert process.returncode in {130, -signal.SIGINT}, (n, process.returncode, errors)


def test_one_thread_closes_what_it_is_in_itself(file: Path) -> None:
    state = SqliteState(file)
    seen = 0
    for _ in state.changes(since=Timestamp(0)):
        seen += 1
        state.close()
    assert seen == 300  # what was begun is read to its end
    with pytest.raises(ConfigError, match="is closed"):
        state.get(PATHS, "000")


def test_a_state_closed_inside_its_own_batch_keeps_nothing_of_it(file: Path) -> None:
    state = SqliteState(file)
    with pytest.raises(ConfigError, match=r"closed; nothing of this batch was kept"), state.batch():
        state.create(path("a"))
        state.close()
    with closing(SqliteState(file)) as again:
        assert len(again.list(PATHS)) == 300


def test_closing_waits_for_the_batch_of_another_thread(file: Path) -> None:
    state = SqliteState(file)
    inside, go_on = threading.Event(), threading.Event()

    def write() -> None:
        with state.batch():
            state.create(path("a"))
            inside.set()
            go_on.wait(PATIENCE)

    writer = threading.Thread(target=write)
    writer.start()
    assert inside.wait(PATIENCE)
    closer = threading.Thread(target=state.close)
    closer.start()
    go_on.set()
    writer.join(PATIENCE)
    closer.join(PATIENCE)
    with closing(SqliteState(file)) as again:
        assert len(again.list(PATHS)) == 301


def test_no_descriptor_stays_open(file: Path) -> None:
    def opened() -> int:
        return sum(str(file) in str(entry.readlink()) for entry in Path("/proc/self/fd").iterdir() if entry.is_symlink())

    state = SqliteState(file)
    threads = [threading.Thread(target=state.list, args=(PATHS,)) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert opened() > 0
    state.close()
    assert opened() == 0
