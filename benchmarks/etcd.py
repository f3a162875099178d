"""EtcdState against a Go program on etcd's own client, on one server, in the same run.

`python -m benchmarks.etcd [N]` starts an etcd, measures both and prints a table; `--scale` prints how
writes, lists and the delay of watches grow with resources and watchers, of ours alone; `--fsync` lets etcd
write to the disk as it does in earnest.

The Go program (`interop/etcd`) makes the requests of state-etcd with COSI's own marshaler: one for a get
or a list, a transaction for a create, a read and a transaction for an update. state-etcd itself is not
among the modules that the Go module proxy of our CI serves. `list` is a list by a process that knows the
resources already, `list_cold` by one that has seen none of them; Go has no such difference. `watch` is an
update and the wait until a watcher in the same process is told of it.
"""

from __future__ import annotations

import argparse
import gc
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

from benchmarks.figures import INTEROP, Figure, go_program, show
from benchmarks.state import status
from talos_resources.backends.etcd import EtcdState
from talos_resources.resources import KubeSpanPeerStatus
from talos_resources.state.events import Bootstrapped, Updated
from tests.backends.etcd.cluster import Etcd

PEER: Final = INTEROP / "etcd"
TARGET: Final = 1.3
TARGETS: Final = ("create", "get", "list", "update")


def timed(operations: int, run: Callable[[], object]) -> float:
    """Nanoseconds per operation."""
    gc.collect()
    start = time.perf_counter_ns()
    run()
    return (time.perf_counter_ns() - start) / operations


def measure(url: str, n: int) -> dict[str, float]:
    """One round of all figures, with n resources under a prefix that is empty."""
    every = [status(i) for i in range(n)]
    figures: dict[str, float] = {}
    with EtcdState(url) as state, EtcdState(url) as other:
        figures["create"] = timed(n, lambda: [state.create(resource) for resource in every])
        figures["get"] = timed(n, lambda: [state.get(KubeSpanPeerStatus, resource.id) for resource in every])
        figures["list_cold"] = timed(n, lambda: other.list(KubeSpanPeerStatus))
        figures["list"] = timed(n, lambda: other.list(KubeSpanPeerStatus))
        now = list(state.list(KubeSpanPeerStatus))
        assert len(now) == n

        def update() -> None:
            for i, resource in enumerate(now):
                now[i] = state.update(resource.with_spec(receive_bytes=resource.spec.receive_bytes + 1))

        figures["update"] = timed(n, update)
        with state.watch_kind(KubeSpanPeerStatus, bootstrap=False) as events:

            def follow() -> None:
                for resource in now:
                    state.update(resource.with_spec(receive_bytes=0))
                    assert isinstance(events.next(60), Updated)

            figures["watch"] = timed(n, follow)
    return figures


def figures(n: int, rounds: int, options: Sequence[str]) -> Iterator[Figure]:
    """All figures beside Go's."""
    with tempfile.TemporaryDirectory() as folder, server(Path(folder), options) as etcd:
        program = go_program(Path(folder), ".", module=PEER)
        ours: dict[str, float] = {}
        theirs: dict[str, float] = {}
        # In turn, so that what else the machine does hits both.
        for turn in range(rounds):
            best(ours, measure(etcd.url(f"/bench{turn}"), n))
            if program is not None:
                command = [str(program), "-etcd", etcd.endpoints, "-prefix", f"/go{turn}", "-bench", str(n), "-rounds", "1"]
                best(theirs, json.loads(subprocess.check_output(command)))
    for key, value in ours.items():
        peer = theirs.get(key.removesuffix("_cold"))
        limit = TARGET if key in TARGETS else None
        yield Figure(f"{key}, {n} statuses", value / 1000, "µs", None if peer is None else peer / 1000, at_most=limit, of_peer=True)


def best(figures: dict[str, float], more: dict[str, float]) -> None:
    """Keeps the better of each figure."""
    for key, value in more.items():
        figures[key] = min(value, figures.get(key, value))


@contextmanager
def server(folder: Path, options: Sequence[str]) -> Iterator[Etcd]:
    """An etcd with room for many revisions."""
    with Etcd(folder, options=["--quota-backend-bytes=8589934592", *options]) as etcd:
        yield etcd


def scale(sizes: Sequence[int], watchers: Sequence[int], options: Sequence[str]) -> int:
    """Prints how figures grow."""
    print("resources   create/s (1 thread)   create/s (8 threads)   list cold s   list s")
    for n in sizes:
        with tempfile.TemporaryDirectory() as folder, server(Path(folder), options) as etcd:
            print(f"{n:9}   " + "   ".join(grown(etcd, n)), flush=True)
    print("watchers   delay median ms   delay of the last watcher ms   events/s told")
    for count in watchers:
        with tempfile.TemporaryDirectory() as folder, server(Path(folder), options) as etcd:
            print(f"{count:8}   " + "   ".join(watched(etcd, count)), flush=True)
    return 0


def grown(etcd: Etcd, n: int) -> Iterator[str]:
    """Writes and lists with n resources."""
    every = [status(i) for i in range(n)]
    with EtcdState(etcd.url("/grown")) as state, EtcdState(etcd.url("/grown")) as other:
        alone = timed(n // 2, lambda: [state.create(resource) for resource in every[: n // 2]])
        yield f"{1e9 / alone:19.0f}"

        def work(part: int) -> None:
            for resource in every[n // 2 + part :: 8]:
                state.create(resource)

        threads = [threading.Thread(target=work, args=(part,)) for part in range(8)]

        def together() -> None:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

        yield f"{1e9 / timed(n - n // 2, together):20.0f}"
        for width in (11, 6):
            yield f"{timed(1, lambda: other.list(KubeSpanPeerStatus)) / 1e9:{width}.2f}"


def watched(etcd: Etcd, count: int, updates: int = 200) -> Iterator[str]:
    """The delay from the answer to a write until watchers are told, and how much all of them are told."""
    arrivals: list[list[int]] = [[] for _ in range(count)]
    with ExitStack() as stack:
        state = stack.enter_context(EtcdState(etcd.url("/watched")))
        resource = state.create(status(0))
        watching = stack.enter_context(EtcdState(etcd.url("/watched")))

        def follow(seen: list[int], events: Any) -> None:
            while len(seen) < updates:
                seen += [time.perf_counter_ns() for _ in events.next_batch(60)]

        threads = []
        for seen in arrivals:
            events = stack.enter_context(watching.watch_kind(KubeSpanPeerStatus))
            while not isinstance(events.next(60), Bootstrapped):
                pass
            threads.append(threading.Thread(target=follow, args=(seen, events)))
            threads[-1].start()
        begun, written = time.perf_counter_ns(), []
        for turn in range(updates):
            resource = state.update(resource.with_spec(receive_bytes=turn))
            written.append(time.perf_counter_ns())
            # Each event by itself: the delay, not the queue.
            while any(len(seen) <= turn for seen in arrivals):
                time.sleep(0.0005)
        for thread in threads:
            thread.join()
        taken = time.perf_counter_ns() - begun
    delays = [seen[turn] - written[turn] for seen in arrivals for turn in range(updates)]
    last = [max(seen[turn] for seen in arrivals) - written[turn] for turn in range(updates)]
    yield f"{statistics.median(delays) / 1e6:15.2f}"
    yield f"{statistics.median(last) / 1e6:28.2f}"
    yield f"{count * updates / (taken / 1e9):13.0f}"


def main(arguments: list[str] | None = None) -> int:
    """The command; see the module."""
    parser = argparse.ArgumentParser(prog="benchmarks.etcd", description=__doc__)
    parser.add_argument("n", nargs="?", type=int, default=2000, help="how many resources")
    parser.add_argument("--rounds", type=int, default=3, help="the best of each figure counts")
    parser.add_argument("--fsync", action="store_true", help="etcd waits for the disk")
    parser.add_argument("--scale", action="store_true", help="how figures grow instead")
    options = parser.parse_args(arguments)
    etcd = ["--unsafe-no-fsync=false"] if options.fsync else []
    if options.scale:
        return scale((1_000, 10_000, 50_000), (1, 10, 100), etcd)
    if shutil.which("etcd") is None:
        print("etcd: not measured, there is no etcd on the path")
        return 0
    return show(figures(options.n, options.rounds, etcd), heading="etcd, against its own client in Go")


if __name__ == "__main__":
    sys.exit(main())
