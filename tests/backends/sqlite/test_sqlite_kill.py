"""A writer that is killed: what was acknowledged is there, nothing is there by half, watches go on."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from talos_resources.backends.sqlite.state import SqliteState
from talos_resources.state.events import Created, Updated
from talos_resources.testing.conformance.parts import PATHS, PATIENCE

ROUNDS = 200

# Says each write on stdout once it is acknowledged. The two resources of a batch change together.
WRITER = """
import sys
from talos_resources.backends.sqlite.state import SqliteState
from talos_resources.model.errors import NotFoundError
from talos_resources.testing.conformance.parts import PATHS, path
with SqliteState(sys.argv[1]) as state:
    def next(id):
        try:
            now = state.get(PATHS, id)
        except NotFoundError:
            return state.create(path(id))
        return state.update(now.with_labels(n=str(now.version)))
    while True:
        print("a", next("a").version, flush=True)
        with state.batch():
            one = next("b")
            two = next("c")
        print("bc", one.version, two.version, flush=True)
"""


def _killed(file: Path, after_s: float) -> dict[str, int]:
    """Runs the writer until it is killed; the last version of each resource that it acknowledged."""
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(file)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout as out:
        first = out.readline()
        time.sleep(after_s)
        process.send_signal(signal.SIGKILL)
        lines = [first, *out]
    process.wait(PATIENCE)
    acknowledged = {"a": 0, "b": 0, "c": 0}
    for line in lines:
        names, *versions = line.split()
        if line.endswith("\n") and len(names) == len(versions):
            acknowledged.update(zip(names, map(int, versions), strict=True))
    return acknowledged


def _rounds(file: Path, rounds: int) -> None:
    chance = random.Random(7)
    bookmark: bytes | None = None
    told = {"a": 0, "b": 0, "c": 0}
    for _ in range(rounds):
        acknowledged = _killed(file, chance.random() * 0.05)
        with closing(SqliteState(file)) as state:
            held = {resource.id: resource.version for resource in state.list(PATHS)}
            assert all(held.get(name, 0) >= version for name, version in acknowledged.items())
            assert held.get("b") == held.get("c")
            watch = state.watch_kind(PATHS, start_from_bookmark=bookmark) if bookmark else state.watch_kind(PATHS, tail_events=1_000_000)
            with watch as events:
                while told != {"a": 0, "b": 0, "c": 0} | held:
                    event = events.next(PATIENCE)
                    assert isinstance(event, Created | Updated)
                    assert event.resource.version == told[event.resource.id] + 1
                    told[event.resource.id] += 1
                    bookmark = event.bookmark
    with closing(SqliteState(file)) as state:
        for name, last in told.items():
            assert [version.resource.version for version in state.history(PATHS, name)] == list(range(1, last + 1))


def test_a_writer_is_killed(tmp_path: Path) -> None:
    _rounds(tmp_path / "state.db", 3)


@pytest.mark.slow
def test_a_writer_is_killed_two_hundred_times(tmp_path: Path) -> None:
    _rounds(tmp_path / "state.db", ROUNDS)
