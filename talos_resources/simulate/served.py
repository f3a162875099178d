"""Simulated nodes as a server serves them: by name or address, and not at all while they are switched off."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from talos_resources.model.net import parse_address
from talos_resources.simulate.cluster import SimulatedCluster

if TYPE_CHECKING:
    from talos_resources.rpc.apply import TakesConfiguration
    from talos_resources.rpc.server.nodes import ServedNode
    from talos_resources.state.contract import State


def served_nodes(cluster: SimulatedCluster, *, machine: Callable[[State], TakesConfiguration] | None = None) -> list[ServedNode]:
    """The nodes of a cluster; needs the extra `server`.

    Args:
        cluster: whose nodes.
        machine: makes of a node's state what takes the configurations that clients apply; None for nodes that take none.
    """
    from talos_resources.rpc.server.nodes import ServedNode

    return [
        ServedNode(name=name, state=partial(_state, cluster, name), machine=machine, version=partial(_version, cluster, name))
        for name in cluster.nodes
    ]


def _state(cluster: SimulatedCluster, name: str) -> State | None:
    node = cluster.nodes[name]
    return node.state if node.host.online else None


def _version(cluster: SimulatedCluster, name: str, _state: State) -> str:
    return cluster.nodes[name].settings.version


def alias(cluster: SimulatedCluster, name: str) -> str | None:
    """The node that has this address now; None if none has."""
    try:
        address = parse_address(name)
    except ValueError:
        return None
    return next((node.settings.name for node in cluster.nodes.values() if node.host.address == address), None)
