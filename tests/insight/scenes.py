"""Simulated clusters as snapshots, each made once."""

from __future__ import annotations

from functools import cache

from talos_resources.insight.snapshot import Snapshot
from talos_resources.simulate.cluster import SimulatedCluster
from talos_resources.simulate.run import run
from talos_resources.simulate.scenarios import scenario
from talos_resources.sources import open_source
from talos_resources.sources.snapshots import snapshot, view_of


@cache
def simulated(name: str, *, nodes: int = 6, duration_s: float | None = None, seed: int = 0) -> SimulatedCluster:
    """The cluster of a scenario as it is at the end, or after so many seconds."""
    cluster, _ = run(scenario(name), nodes=nodes, duration_s=duration_s, seed=seed)
    return cluster


@cache
def scene(name: str, *, nodes: int = 6, duration_s: float | None = None, seed: int = 0) -> Snapshot:
    """What all nodes of a scenario hold at the end; those that are off do not answer."""
    cluster = simulated(name, nodes=nodes, duration_s=duration_s, seed=seed)
    views = tuple(view_of(node.state, node.settings.name, full=True) for node in cluster.nodes.values() if node.host.online)
    return Snapshot(views=views, errors={name: "connection refused" for name, node in cluster.nodes.items() if not node.host.online})


@cache
def demo() -> Snapshot:
    """What the demo's nodes hold."""
    with open_source("demo") as cluster:
        return snapshot(cluster, full=True)
