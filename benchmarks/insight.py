"""How long the mesh and the doctor take over simulated clusters, and how much memory they add.

`python -m benchmarks.insight [N...]` simulates clusters of N nodes (default: 100 1000), each in a process of
its own, and prints the seconds and the megabytes of reading all nodes' resources and building the mesh, of
its text, and of the doctor. It ends with 1 if a budget is broken.
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Final

from benchmarks.figures import Figure, show

# Seconds, and megabytes beyond the simulation itself, by nodes.
BUDGETS: Final = {100: (1.0, 2000), 1000: (10.0, 2000)}
SCENARIOS: Final = ("mesh", "nat")


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(nodes: int, scenario: str) -> dict[str, float]:
    """Seconds of each step and megabytes that they add."""
    from talos_resources.insight.doctor import examine
    from talos_resources.insight.mesh import build
    from talos_resources.insight.snapshot import Snapshot
    from talos_resources.simulate.cluster import SimulatedCluster
    from talos_resources.simulate.layouts import behind_nat, lan
    from talos_resources.sources.snapshots import view_of
    from talos_resources.views.mesh_text import lines, plain

    cluster = SimulatedCluster()
    if scenario == "nat":
        behind_nat(cluster, nodes, hidden=nodes // 10)
    else:
        lan(cluster, nodes)
    cluster.start()
    cluster.run_until(60)
    gc.freeze()
    before = _megabytes()
    began = time.perf_counter()
    views = tuple(view_of(node.state, name, full=True) for name, node in cluster.nodes.items())
    read = time.perf_counter()
    mesh = build(Snapshot(views=views))
    built = time.perf_counter()
    "".join(map(plain, lines(mesh)))
    shown = time.perf_counter()
    diagnosis = examine(Snapshot(views=views))
    examined = time.perf_counter()
    return {
        "links": mesh.total,
        "read_s": read - began,
        "mesh_s": built - read,
        "text_s": shown - built,
        "doctor_s": examined - shown,
        "findings": len(diagnosis.findings),
        "megabytes": _megabytes() - before,
    }


def figures(sizes: list[int]) -> Iterator[Figure]:
    """All figures of clusters of these sizes."""
    for nodes in sizes:
        most_s, most_mb = BUDGETS.get(nodes, (None, None))
        for scenario in SCENARIOS:
            command = [sys.executable, "-m", "benchmarks.insight", "--json", str(nodes), scenario]
            found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            mesh_s = found["read_s"] + found["mesh_s"] + found["text_s"]
            links, findings = f"{found['links']} links", f"{found['findings']} findings"
            yield Figure(f"{nodes} nodes, {scenario}: mesh, read and as text", mesh_s, at_most=most_s, note=links)
            yield Figure(f"{nodes} nodes, {scenario}: doctor", found["read_s"] + found["doctor_s"], at_most=most_s, note=findings)
            yield Figure(f"{nodes} nodes, {scenario}: memory", found["megabytes"], "MB", at_most=most_mb)


def main(arguments: list[str] | None = None) -> int:
    """The command; see the module."""
    parser = argparse.ArgumentParser(prog="benchmarks.insight", description=__doc__)
    parser.add_argument("nodes", nargs="*", type=int, default=[100, 1000])
    parser.add_argument("--json", nargs=2, metavar=("N", "SCENARIO"), help="only this cluster, as JSON")
    args = parser.parse_args(arguments)
    if args.json is not None:
        print(json.dumps(measure(int(args.json[0]), args.json[1])))
        return 0
    return show(figures(args.nodes), heading="mesh and doctor")


if __name__ == "__main__":
    sys.exit(main())
