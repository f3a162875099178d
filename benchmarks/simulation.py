"""How long simulated clusters take, each in a process of its own.

`python -m benchmarks.simulation [N...]` prints, for each number of nodes (default: 100 300 1000), the
time to a full mesh, what one tick of all managers costs per link, and the memory; then the time of the
peer specs of 1,000 affiliates. It ends with 1 if a budget is broken.
"""

from __future__ import annotations

import argparse
import ipaddress
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Final

from benchmarks.figures import Figure, show
from talos_resources.kubespan.keys import clamp
from talos_resources.kubespan.peer_specs import peer_specs
from talos_resources.model.net import AddrPort, IPPrefix
from talos_resources.resources.cluster.affiliate import Affiliate, KubeSpanAffiliate
from talos_resources.simulate.cluster import SimulatedCluster
from talos_resources.simulate.layouts import lan

# Seconds to a full mesh, and megabytes, by nodes; seconds for the peer specs.
BUDGETS: Final = {100: (3.0, 3000), 1000: (60.0, 3000)}
PEER_SPECS_BUDGET_S: Final = 1.0
AFFILIATES: Final = 1000


def simulate(nodes: int) -> dict[str, float]:
    """One cluster: seconds to a full mesh, microseconds of a tick per link, megabytes at most."""
    began = time.perf_counter()
    cluster = SimulatedCluster()
    lan(cluster, nodes)
    cluster.start()
    cluster.run_until(30)
    full = time.perf_counter()
    sample = cluster.sample()
    if not sample.is_full_mesh:
        msg = f"no full mesh: {sample}"
        raise RuntimeError(msg)
    ticked = time.perf_counter()
    cluster.run_until(60)
    tick = time.perf_counter() - ticked
    return {
        "full_mesh_s": full - began,
        "tick_us_per_link": tick / sample.links * 1e6,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def peer_specs_s() -> float:
    """Seconds for the peer specs of affiliates whose networks overlap pairwise."""
    affiliates = []
    for number in range(AFFILIATES):
        address = ipaddress.IPv4Address(0x0A000000 + 7 * number)
        kubespan = KubeSpanAffiliate(
            public_key=clamp(number.to_bytes(32, "big")),
            address=ipaddress.IPv6Address((0xFD << 120) + number),
            additional_addresses=(IPPrefix(address, 24), IPPrefix(ipaddress.IPv4Address(0x0AF40000 + 256 * (number % 256)), 22)),
            endpoints=(AddrPort(address, 51820),),
        )
        affiliates.append((f"node{number}", Affiliate(node_id=f"node{number}", addresses=(address,), kubespan=kubespan)))
    began = time.perf_counter()
    peer_specs(affiliates, "node0")
    return time.perf_counter() - began


def figures(sizes: list[int]) -> Iterator[Figure]:
    """All figures of clusters of these sizes."""
    for nodes in sizes:
        command = [sys.executable, "-m", "benchmarks.simulation", "--json", str(nodes)]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        most_s, most_mb = BUDGETS.get(nodes, (None, None))
        yield Figure(f"{nodes} nodes to a full mesh of {nodes * (nodes - 1)} links", found["full_mesh_s"], at_most=most_s)
        yield Figure(f"{nodes} nodes, a tick of all managers per link", found["tick_us_per_link"], "µs")
        yield Figure(f"{nodes} nodes, memory at its most", found["megabytes"], "MB", at_most=most_mb)
    yield Figure(f"peer specs of {AFFILIATES} overlapping affiliates", peer_specs_s(), at_most=PEER_SPECS_BUDGET_S)


def main(arguments: list[str] | None = None) -> int:
    """The command; see the module."""
    parser = argparse.ArgumentParser(prog="benchmarks.simulation", description=__doc__)
    parser.add_argument("nodes", nargs="*", type=int, default=[100, 300, 1000])
    parser.add_argument("--json", type=int, metavar="N", help="only this cluster, as JSON")
    args = parser.parse_args(arguments)
    if args.json is not None:
        print(json.dumps(simulate(args.json)))
        return 0
    return show(figures(args.nodes), heading="simulation")


if __name__ == "__main__":
    sys.exit(main())
