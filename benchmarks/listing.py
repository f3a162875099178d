"""Lists of types that have a class, beside the same bytes under a type that has none.

`python -m benchmarks.listing [TYPE...]` reads 10,000 resources of each type off the wire, and again with the plain
values that a table shows. The untyped path is what there was before types had classes. It ends with 1 if a budget is
broken. Noise of other processes is halved by taking the best of five.
"""

from __future__ import annotations

import base64
import json
import lzma
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.figures import Figure, show
from talos_resources.codec.shown import shown_spec
from talos_resources.codec.wire import resource_from_wire
from talos_resources.model.kind import typed_kind

COUNT: Final = 10_000
AT_MOST: Final = 1.3
RECORDED: Final = Path(__file__).parents[1] / "tests" / "data" / "talosctl"
TYPES: Final = (
    "APIServerConfigs.kubernetes.talos.dev",
    "AdmissionControlConfigs.kubernetes.talos.dev",
    "LinkStatuses.net.talos.dev",
    "MachineConfigs.config.talos.dev",
    "MountRequests.block.talos.dev",
    "RoutingRuleSpecs.net.talos.dev",
    "VolumeConfigs.block.talos.dev",
)


def read(wires: Sequence[bytes]) -> None:
    """Reads resources as a list gives them."""
    for wire in wires:
        resource_from_wire(wire)


def shown(wires: Sequence[bytes]) -> None:
    """Reads resources, and what a table shows of them."""
    for wire in wires:
        shown_spec(resource_from_wire(wire))


def best_s(work: Callable[[Sequence[bytes]], None], wires: Sequence[bytes]) -> float:
    """The CPU time of the quickest of five runs."""
    times = []
    for _ in range(5):
        start = time.process_time()
        work(wires)
        times.append(time.process_time() - start)
    return min(times)


def figures(types: Sequence[str], count: int) -> Iterator[Figure]:
    """The typed path of each type beside the untyped one."""
    recorded: dict[str, list[bytes]] = {}
    for name in ("types1", "types14"):  # the newer one counts
        found: dict[str, list[bytes]] = defaultdict(list)
        for entry in json.loads(lzma.decompress((RECORDED / f"{name}.wire.json.xz").read_bytes())):
            found[entry["type"]].append(base64.b64decode(entry["wire"]))
        recorded |= found
    for name in types:
        some = recorded[name]
        other = f"{name[:-1]}x"  # as long, and without a class
        assert typed_kind(name) is not None
        assert typed_kind(other) is None
        wires: list[Any] = (some * (count // len(some) + 1))[:count]
        untyped = [wire.replace(name.encode(), other.encode(), 1) for wire in wires]
        for what, work, part in (("read", read, 1), ("shown", shown, 10)):  # YAML takes long without a class
            ours, theirs = best_s(work, wires[::part]), best_s(work, untyped[::part])
            yield Figure(f"{len(wires[::part])} {name}, {what}", ours, peer=theirs, at_most=AT_MOST, of_peer=True)


def main(arguments: list[str] | None = None) -> int:
    """Measures; 1 if a budget is broken."""
    return show(figures(arguments or TYPES, COUNT), heading="typed beside untyped")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
