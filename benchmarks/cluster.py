"""What a simulated cluster costs that lives while others talk to it, each in a process of its own.

`python -m benchmarks.cluster` prints the share of a core that 50 and 500 nodes take at 1x once they have found each
other, how long a client's `mesh` of 50 of them takes, and how long a test waits for its `talos_cluster`. It takes
about four minutes. It ends with 1 if a budget is broken.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

from benchmarks.figures import Figure, show, wall_s
from benchmarks.servers import cpu_s, peak_mb, started

CORES: Final = {50: 0.25, 500: 1.0}
"""The most that so many nodes may take at 1x."""

MESH_S: Final = 1.0
FIXTURE_S: Final = 0.5
WATCHED_S: Final = 60.0
"""Two ticks of all managers."""

FOUND_S: Final = {50: 40.0, 500: 100.0}
"""After so long the nodes have found each other: the first tick is half a minute after the start, and many take a while."""


class Served(NamedTuple):
    """A simulation that runs."""

    process: int
    talosconfig: Path


@contextmanager
def served(folder: Path, nodes: int) -> Iterator[Served]:
    """A simulation of so many nodes at 1x in a process of its own."""
    pki = folder / f"pki-{nodes}"
    command = [sys.executable, "-m", "talos_resources", "simulate", "--nodes", str(nodes), "--serve", "127.0.0.1:0", "--pki", str(pki)]
    with started(command) as (process, _):
        yield Served(process.pid, pki / "talosconfig")


def fixture_s(folder: Path) -> float:
    """Seconds until a test has its cluster, in a process that has made one before."""
    program = (
        "import sys, time; from pathlib import Path\n"
        "from talos_resources.testing.cluster import TalosCluster\n"
        "TalosCluster(Path(sys.argv[1]) / 'first').close(); began = time.perf_counter()\n"
        "cluster = TalosCluster(Path(sys.argv[1]) / 'second'); assert cluster.links().is_full_mesh\n"
        "print(time.perf_counter() - began); cluster.close()"
    )
    times = []
    for run in range(5):
        done = subprocess.run([sys.executable, "-c", program, str(folder / f"fixture-{run}")], check=True, capture_output=True, text=True)
        times.append(float(done.stdout))
    return sorted(times)[2]


def figures(sizes: list[int]) -> Iterator[Figure]:
    """All figures of clusters of these sizes."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        for nodes in sizes:
            with served(folder, nodes) as simulation:
                time.sleep(FOUND_S.get(nodes, 60.0))
                before, began = cpu_s(simulation.process), time.monotonic()
                time.sleep(WATCHED_S)
                share = (cpu_s(simulation.process) - before) / (time.monotonic() - began)
                yield Figure(f"{nodes} nodes at 1x, of a core", share, "", at_most=CORES.get(nodes))
                yield Figure(f"{nodes} nodes, CPU until they have found each other", before)
                yield Figure(f"{nodes} nodes, memory at its most", peak_mb(simulation.process), "MB")
                if nodes == 50:
                    command = [sys.executable, "-m", "talos_resources", "mesh", "--talosconfig", str(simulation.talosconfig)]
                    yield Figure("`mesh` of 50 nodes, whole process", wall_s(command), at_most=MESH_S)
        yield Figure("a test's talos_cluster of 5 nodes", fixture_s(folder), at_most=FIXTURE_S)


def main(arguments: list[str] | None = None) -> int:
    """The command; see the module."""
    parser = argparse.ArgumentParser(prog="benchmarks.cluster", description=__doc__)
    parser.add_argument("nodes", nargs="*", type=int, default=[50, 500])
    return show(figures(parser.parse_args(arguments).nodes), heading="a cluster that lives")


if __name__ == "__main__":
    sys.exit(main())
