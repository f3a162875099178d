"""MemoryState against COSI's in-memory state in Go, on peer statuses with all fields set.

`python -m benchmarks.state [N]` prints a table, and beside it the Go figures where Go is present;
`python -m benchmarks.state --json N` prints one JSON object with our nanoseconds per operation. A watch
event is one event told to one of the ten watchers.
"""

from __future__ import annotations

import argparse
import base64
import gc
import ipaddress
import json
import subprocess
import sys
import tempfile
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from benchmarks.figures import Figure, go_program, show
from talos_resources.backends.memory import MemoryState
from talos_resources.codec.text import resource_to_yaml
from talos_resources.codec.wire import resource_to_wire
from talos_resources.model.net import AddrPort
from talos_resources.model.resource import Resource
from talos_resources.model.timestamp import Timestamp
from talos_resources.resources import KubeSpanPeerStatus, PeerState
from talos_resources.state.derived import update_with_conflicts

WATCHERS: Final = 10
LABEL_EVERY: Final = 10
LISTS: Final = 5
ROUNDS: Final = 5
MEMORY_OF: Final = 100_000
MEMORY_MB: Final = 100

# The figure that each may reach at most, as a multiple of Go's.
TARGETS: Final = {
    "create": 2.0,
    "get": 1.0,
    "list_all_per_item": 0.2,
    "list_label_per_match": 1.0,
    "update_with_conflicts": 2.5,
    "watch_fanout_per_event": 1.0,
    "yaml_marshal": 1.0,
    "wire_marshal": 1.0,
}

Status = Resource[KubeSpanPeerStatus]


def identifier(i: int) -> str:
    """A distinct id in no particular order, of a WireGuard key's length."""
    word = ((i + 1) * 0x9E3779B97F4A7C15 % 2**64).to_bytes(8, "little")
    return base64.b64encode(word * 4).decode()


def status(i: int) -> Status:
    """The i-th peer status, with all fields set; every tenth is labelled zone=a."""
    endpoint = AddrPort(ipaddress.IPv4Address(bytes((172, 20, i >> 8 & 255, i & 255))), 51820)
    when = Timestamp.from_seconds(1_768_000_000 + i, 123_456_789)
    spec = KubeSpanPeerStatus(
        endpoint=endpoint,
        label=f"talos-default-worker-{i}",
        state=PeerState.UP,
        receive_bytes=15_043_220 + i,
        transmit_bytes=17_869_488 + i,
        last_handshake_time=when,
        last_used_endpoint=endpoint,
        last_endpoint_change=when,
    )
    return Resource.new(spec, id=identifier(i), labels={"zone": "a"} if i % LABEL_EVERY == 0 else None)


def received(count: int) -> Callable[[Resource[KubeSpanPeerStatus]], Resource[KubeSpanPeerStatus]]:
    """A change of a peer status."""
    return lambda peer: peer.with_spec(receive_bytes=count)


def timed(operations: int, run: Callable[[], object]) -> float:
    """Nanoseconds per operation of a run that does so many."""
    gc.collect()
    gc.disable()  # as timeit does: how often the collector runs depends on all that the process holds
    try:
        start = time.perf_counter_ns()
        run()
        return (time.perf_counter_ns() - start) / operations
    finally:
        gc.enable()


def measure(n: int) -> dict[str, float]:
    """One round of all figures, with n resources."""
    every = [status(i) for i in range(n)]
    state = MemoryState(capacity=2 * n + 100)
    matches = -(-n // LABEL_EVERY)

    def create() -> None:
        for resource in every:
            state.create(resource)

    def get() -> None:
        for resource in every:
            state.get(KubeSpanPeerStatus, resource.metadata.id)

    def list_all() -> None:
        # A write in between, so that no list is the one before.
        for i in range(LISTS):
            assert len(state.list(KubeSpanPeerStatus)) == n
            update_all(state, every[i : i + 1])

    def list_label() -> None:
        found = state.list(KubeSpanPeerStatus, labels="zone=a")
        assert len(found) == matches

    def texts() -> None:
        for resource in every:
            resource_to_yaml(resource)

    def wires() -> None:
        for resource in every:
            resource_to_wire(resource)

    return {
        "create": timed(n, create),
        "get": timed(n, get),
        "list_all_per_item": timed(n * LISTS, list_all),
        "list_label_per_match": timed(matches, list_label),
        "update_with_conflicts": timed(n, lambda: update_all(state, every)),
        "watch_fanout_per_event": timed(n * WATCHERS, lambda: fan_out(state, every)),
        "yaml_marshal": timed(n, texts),
        "wire_marshal": timed(n, wires),
    }


def _more(resource: Status) -> Status:
    return resource.with_spec(receive_bytes=resource.spec.receive_bytes + 1)


def update_all(state: MemoryState, every: list[Status]) -> None:
    """Changes one field of each resource."""
    for resource in every:
        update_with_conflicts(state, KubeSpanPeerStatus, resource.metadata.id, _more)


def fan_out(state: MemoryState, every: list[Status]) -> None:
    """Updates each resource once while ten threads follow, and waits until each has seen all."""
    watches = [state.watch_kind(KubeSpanPeerStatus, bootstrap=False) for _ in range(WATCHERS)]

    def follow(events: Any) -> None:
        seen = 0
        while seen < len(every):
            for _event in events.next_batch():
                seen += 1

    threads = [threading.Thread(target=follow, args=(watch,)) for watch in watches]
    for thread in threads:
        thread.start()
    update_all(state, every)
    for thread in threads:
        thread.join()


def best(n: int, rounds: int = ROUNDS) -> dict[str, float]:
    """The best of each figure over some rounds."""
    figures = [measure(n) for _ in range(rounds)]
    return {key: min(figure[key] for figure in figures) for key in TARGETS}


def memory(n: int = MEMORY_OF) -> int:
    """The bytes that a state of n statuses takes."""
    gc.collect()
    tracemalloc.start()
    state = MemoryState()
    for i in range(n):
        state.create(status(i))
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert len(state.list(KubeSpanPeerStatus)) == n
    return taken


def go_figures(n: int) -> tuple[dict[str, float], float] | None:
    """The figures and the bytes of the Go program, which is built now; None without Go."""
    with tempfile.TemporaryDirectory() as folder:
        program = go_program(Path(folder), "./bench")
        if program is None:
            return None
        figures = json.loads(subprocess.check_output([program, "-n", str(n), "-rounds", str(ROUNDS)]))
        taken = json.loads(subprocess.check_output([program, "-n", str(MEMORY_OF), "-memory"]))
    return figures, taken["bytes"]


def figures(n: int) -> Iterator[Figure]:
    """All figures beside Go's."""
    ours, go = best(n), go_figures(n)
    for key, value in ours.items():
        peer = None if go is None else go[0][key]
        yield Figure(f"{key}, {n} statuses", value, "ns", peer, at_most=TARGETS[key], of_peer=True)
    yield Figure(f"memory of {MEMORY_OF} statuses", memory() / 1e6, "MB", None if go is None else go[1] / 1e6, at_most=MEMORY_MB)


def main(arguments: list[str] | None = None) -> int:
    """The command; see the module."""
    parser = argparse.ArgumentParser(prog="benchmarks.state", description=__doc__)
    parser.add_argument("n", nargs="?", type=int, default=10_000, help="how many resources")
    parser.add_argument("--json", action="store_true", help="one JSON object of our figures, without Go")
    options = parser.parse_args(arguments)
    if not options.json:
        return show(figures(options.n), heading="memory, against COSI's in Go")
    print(json.dumps(best(options.n)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
