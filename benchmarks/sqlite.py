"""SqliteState: writes, lists, the way of an event into another process.

`python -m benchmarks.sqlite [N]` prints each figure beside its budget (N resources are listed; default
100,000) and ends with 1 if one is broken.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from benchmarks.figures import Figure, show
from benchmarks.state import received, status
from talos_resources.backends.sqlite.state import SqliteState
from talos_resources.resources import KubeSpanPeerStatus
from talos_resources.state.derived import update_with_conflicts

LISTED: Final = 100_000
BATCH: Final = 5_000
SINGLE: Final = 300
BATCHED_AT_LEAST: Final = 5_000
SINGLE_AT_LEAST: Final = 300
LIST_CPU_S: Final = 1.0
EVENT_S: Final = 0.050
EVENTS: Final = 50
ROUNDS: Final = 3


def fill(path: Path, count: int) -> tuple[float, float]:
    """Creates so many resources in batches; gives how many a second, and the CPU seconds of a list by who wrote them."""
    start = time.perf_counter()
    with SqliteState(path) as state:
        for begin in range(0, count, BATCH):
            with state.batch():
                for i in range(begin, min(begin + BATCH, count)):
                    state.create(status(i))
        rate = count / (time.perf_counter() - start)
        return rate, listed_s(state, count)


def single(path: Path) -> float:
    """Durable writes one by one, how many a second."""
    with SqliteState(path) as state:
        state.create(status(0))
        start = time.perf_counter()
        for n in range(SINGLE):
            update_with_conflicts(state, KubeSpanPeerStatus, status(0).id, received(n))
        return SINGLE / (time.perf_counter() - start)


def listed_s(state: SqliteState, count: int) -> float:
    """CPU seconds of a list."""
    start = time.process_time()
    assert len(state.list(KubeSpanPeerStatus)) == count
    return time.process_time() - start


def listing_s(path: Path, count: int) -> tuple[float, float]:
    """CPU seconds of the first and of a later list of who has just opened the file, the best of some rounds."""
    first, later = [], []
    for _ in range(ROUNDS):
        with SqliteState(path) as state:
            first.append(listed_s(state, count))
            later.append(listed_s(state, count))
    return min(first), min(later)


def _follow(path: Path, pipe: Connection) -> None:
    """The other process: says when it heard of each event."""
    with SqliteState(path) as state, state.watch_kind(KubeSpanPeerStatus, bootstrap=False) as events:
        pipe.send(0.0)
        for _ in range(EVENTS):
            events.next(60)
            pipe.send(time.time())


def event_s(path: Path) -> float:
    """The median time from a write until another process has the event."""
    with SqliteState(path) as state:
        state.create(status(0))
        here, there = multiprocessing.Pipe()
        process = multiprocessing.get_context("spawn").Process(target=_follow, args=(path, there))
        process.start()
        here.recv()
        times = []
        for n in range(EVENTS):
            update_with_conflicts(state, KubeSpanPeerStatus, status(0).id, received(n))
            written = time.time()
            times.append(here.recv() - written)
        process.join()
    return float(statistics.median(times))


def figures(count: int) -> Iterator[Figure]:
    """All figures, with so many resources to be listed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (batched, own), one_by_one = fill(folder / "many.db", count), single(folder / "one.db")
        yield Figure("batched writes", batched, "/s", at_least=BATCHED_AT_LEAST)
        yield Figure("single durable writes", one_by_one, "/s", at_least=SINGLE_AT_LEAST)
        first, later = listing_s(folder / "many.db", count)
        yield Figure(f"{count} listed by who wrote them, CPU", own, at_most=LIST_CPU_S)
        yield Figure(f"{count} listed, first time, CPU", first, at_most=LIST_CPU_S)
        yield Figure(f"{count} listed, later, CPU", later, at_most=LIST_CPU_S)
        yield Figure("from a write to its event in another process", event_s(folder / "events.db"), at_most=EVENT_S)


def main(arguments: list[str] | None = None) -> int:
    """The command; see the module."""
    parser = argparse.ArgumentParser(prog="benchmarks.sqlite", description=__doc__)
    parser.add_argument("n", nargs="?", type=int, default=LISTED, help="how many resources are listed")
    return show(figures(parser.parse_args(arguments).n), heading="SQLite")


if __name__ == "__main__":
    sys.exit(main())
