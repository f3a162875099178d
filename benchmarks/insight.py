"""How long the mesh and the doctor take over simulated clusters, and how much memory they add.

`python -m benchmarks.insight [N...]` simulates clusters of N nodes (default: 5 100 1000), each in a process of
its own, and prints the seconds of CPU and the megabytes of reading all nodes' resources and building the mesh, of
its text, and of the doctor; and of the commands `mesh` and `doctor` over a file of the same nodes, as whole
processes. It ends with 1 if a budget is broken.
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from benchmarks.figures import Figure, show

if TYPE_CHECKING:
    from talos_resources.simulate.cluster import SimulatedCluster

# Seconds of CPU, and megabytes beyond the simulation itself, by nodes.
BUDGETS: Final = {100: (1.0, 2000), 1000: (8.0, 2000)}
# Seconds of CPU of a command over a file: a bundle of five nodes, a dump of a thousand.
FILES: Final = {5: (".zip", 0.5), 1000: (".db", 15.0)}
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
    began = time.process_time()
    views = tuple(view_of(node.state, name, full=True) for name, node in cluster.nodes.items())
    read = time.process_time()
    mesh = build(Snapshot(views=views))
    built = time.process_time()
    "".join(map(plain, lines(mesh)))
    shown = time.process_time()
    diagnosis = examine(Snapshot(views=views))
    examined = time.process_time()
    added = _megabytes() - before
    return {
        "links": mesh.total,
        "read_s": read - began,
        "mesh_s": built - read,
        "text_s": shown - built,
        "doctor_s": examined - shown,
        "findings": len(diagnosis.findings),
        "megabytes": added,
        **(_commands(cluster, FILES[nodes][0]) if scenario == "mesh" and nodes in FILES else {}),
    }


def _commands(cluster: SimulatedCluster, suffix: str) -> dict[str, float]:
    """Seconds of CPU of the commands over a file of all nodes."""
    from talos_resources.sources.writing import LazyContents, held_by, write

    found = {}
    with tempfile.TemporaryDirectory() as folder:
        source = f"{'sqlite:' if suffix == '.db' else ''}{folder}/nodes{suffix}"
        write(LazyContents(tuple(cluster.nodes), lambda name: held_by(cluster.nodes[name].state)), source)
        for name in ("mesh", "doctor"):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run([sys.executable, "-m", "talos_resources", name, "--from", source], check=True, stdout=subprocess.DEVNULL)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            found[f"{name}_file_s"] = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return found


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
            for name in ("mesh", "doctor") if "mesh_file_s" in found else ():
                suffix, most_file_s = FILES[nodes]
                yield Figure(f"{nodes} nodes: {name} of a {suffix} file", found[f"{name}_file_s"], at_most=most_file_s)


def main(arguments: list[str] | None = None) -> int:
    """The command; see the module."""
    parser = argparse.ArgumentParser(prog="benchmarks.insight", description=__doc__)
    parser.add_argument("nodes", nargs="*", type=int, default=[5, 100, 1000])
    parser.add_argument("--json", nargs=2, metavar=("N", "SCENARIO"), help="only this cluster, as JSON")
    args = parser.parse_args(arguments)
    if args.json is not None:
        print(json.dumps(measure(int(args.json[0]), args.json[1])))
        return 0
    return show(figures(args.nodes), heading="mesh and doctor")


if __name__ == "__main__":
    sys.exit(main())
