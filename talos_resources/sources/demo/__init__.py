"""The built-in demo: the five machines of the Talos KubeSpan guide, each with its own view."""

from __future__ import annotations

from functools import partial

from talos_resources.model.errors import ConfigError
from talos_resources.sources.cluster import Cluster
from talos_resources.sources.demo.data import NODES
from talos_resources.state.contract import State


def open_url(name: str) -> Cluster:
    """The demo.

    Args:
        name: which demo; there is `guide`, which is also meant by the empty name.

    Raises:
        ConfigError: there is no demo of this name.
    """
    if name not in {"", "guide"}:
        raise ConfigError(f'no demo "{name}"; there is one, demo:guide, which plain demo means too')
    return Cluster(
        {node.address: partial(_state, index) for index, node in enumerate(NODES)},
        source="the built-in demo",
        default_nodes=(NODES[0].address,),
        other_names={node.name: node.address for node in NODES},
    )


def _state(index: int) -> State:
    from talos_resources.sources.demo.state import DemoState

    return DemoState(index)
