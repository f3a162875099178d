"""What a recording costs: 1,000 peers that all change every 30 seconds.

`python -m benchmarks.record [PEERS]` writes so many rounds of changes as `record` does, and works out the share
of a core and the bytes a day. It ends with 1 if a budget is broken.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from benchmarks.figures import Figure, show
from benchmarks.state import Status, status
from talos_resources.backends.sqlite.state import SqliteState
from talos_resources.codec.wire import resource_from_wire, resource_to_wire
from talos_resources.model.timestamp import Timestamp

PEERS: Final = 1_000
ROUNDS: Final = 384
TICK_S: Final = 30
DAY_S: Final = 86_400
CORE_SHARE: Final = 0.02
MEGABYTES_A_DAY: Final = 100


def rounds(peers: int) -> list[list[Status]]:
    """The statuses of each round, as a node's manager would have them."""
    chance = random.Random(1)
    current = [status(i) for i in range(peers)]
    now = 1_768_000_000_000_000_000
    every = []
    for n in range(ROUNDS):
        now += TICK_S * 10**9 + chance.randrange(10**8)
        for i, peer in enumerate(current):
            handshake = Timestamp(now - chance.randrange(120 * 10**9)) if n % 4 == i % 4 else peer.spec.last_handshake_time
            changed = peer.with_spec(
                receive_bytes=peer.spec.receive_bytes + chance.randrange(200, 60_000),
                transmit_bytes=peer.spec.transmit_bytes + chance.randrange(200, 60_000),
                last_handshake_time=handshake,
            )
            current[i] = changed.stamped(n + 1, "kubespan.ManagerController", Timestamp(1), Timestamp(now + chance.randrange(10**6)))
        every.append(current.copy())
    return every


def figures(peers: int) -> Iterator[Figure]:
    """What a day of them costs."""
    wires = [[resource_to_wire(peer) for peer in every] for every in rounds(peers)]
    with tempfile.TemporaryDirectory() as folder, SqliteState(Path(folder) / "mesh.db") as state:
        node = state.of_node("node")
        sizes = []
        start = time.process_time()
        for n, every in enumerate(wires):
            with state.batch():
                for wire in every:
                    node.put(resource_from_wire(wire))  # a watch hands over what it has decoded
            if n in {ROUNDS // 2 - 1, ROUNDS - 1}:
                sizes.append(packed_bytes(state))
        used = time.process_time() - start
    a_day = (sizes[1] - sizes[0]) / (ROUNDS / 2 * TICK_S) * DAY_S / 1e6
    yield Figure(f"a change of one of {peers} peers, CPU", used / ROUNDS / peers * 1e6, "µs")
    yield Figure("share of a core", used / (ROUNDS * TICK_S) * 100, "%", at_most=CORE_SHARE * 100)
    yield Figure("growth a day", a_day, "MB", at_most=MEGABYTES_A_DAY)


def main(arguments: list[str] | None = None) -> int:
    """The command; see the module."""
    parser = argparse.ArgumentParser(prog="benchmarks.record", description=__doc__)
    parser.add_argument("peers", nargs="?", type=int, default=PEERS)
    return show(figures(parser.parse_args(arguments).peers), heading=f"record, peers that change every {TICK_S} s")


def packed_bytes(state: SqliteState) -> float:
    """The bytes of what is packed: what waits to be packed is the same at any time."""
    with state._file.reading() as connection:  # noqa: SLF001 - measured from within
        total: float = connection.execute("SELECT total(length(data)) + count(*) * 60 FROM packs").fetchone()[0]
    return total


if __name__ == "__main__":
    sys.exit(main())
