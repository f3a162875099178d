"""The five machines of the Talos KubeSpan guide, simulated: what the built-in demo shows.

What the guide tells is given (names, addresses, public keys, node ids, bytes on the first node's links);
what follows from it is simulated: who hears of whom and when, states, handshakes, versions.

`python -m talos_resources.simulate.guide` writes what the demo needs of it to
`talos_resources/sources/demo/simulated.py`, so that `get` does not have to simulate anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import sha256
from itertools import permutations
from pathlib import Path
from typing import Final

import attrs

from talos_resources.kubespan import keys
from talos_resources.model.net import parse_address
from talos_resources.model.timestamp import Timestamp
from talos_resources.resources import Affiliate, KubeSpanEndpoint, KubeSpanPeerStatus
from talos_resources.simulate.cluster import SimulatedCluster
from talos_resources.simulate.node import SimulatedNode
from talos_resources.simulate.settings import NodeSettings, Origin
from talos_resources.sources.demo import data
from talos_resources.sources.demo.data import NODES, Node

TARGET: Final = Path(__file__).parents[1] / "sources" / "demo" / "simulated.py"

STARTS_S: Final = (0.0, 0.0, 30.0, 90.0, 90.0)
"""When each node is switched on. Multiples of the 30 s tick, so that all managers look at the same moment."""
DURATION_S: Final = 1860.0
_S: Final = 1_000_000_000

_HEAD: Final = '''"""What the simulation of the guide's cluster gave, written by `python -m talos_resources.simulate.guide`."""

from __future__ import annotations

from typing import Final

from talos_resources.sources.demo.data import Sighting

# ruff: noqa: E501
# fmt: off
'''


def simulated_guide() -> SimulatedCluster:
    """The guide's cluster at the moment that the guide shows."""
    own = _run({})
    payload = {}
    for link in data.LINKS:
        for (here, there), size in ((link.ends, link.forth), (link.ends[::-1], link.back)):
            payload[here, there] = size - _status(own, here, there).transmit_bytes
    return _run(payload)


def _run(payload: Mapping[tuple[int, int], int]) -> SimulatedCluster:
    """The cluster with what hosts and pods send on top of WireGuard's own bytes, by the indexes of sender and receiver."""
    stand_ins = {_private_key(node): node.public_key for node in NODES}
    cluster = SimulatedCluster(
        start=Timestamp(Timestamp.parse(data.OBSERVED) - round(DURATION_S * _S)),
        name=data.CLUSTER_NAME,
        cluster_id=data.CLUSTER_ID,
        secret=data.CLUSTER_SECRET,
        public_key=stand_ins.__getitem__,
    )
    nodes = [_add(cluster, node) for node in NODES]
    for at_s, node in zip(STARTS_S, nodes, strict=True):
        cluster.run_until(at_s)
        cluster.network.change(node.start)
    cluster.run_until(DURATION_S / 2)
    for (here, there), size in payload.items():
        cluster.carry(nodes[here], nodes[there], size)
    cluster.run_until(DURATION_S)
    return cluster


def _add(cluster: SimulatedCluster, node: Node) -> SimulatedNode:
    settings = NodeSettings(
        name=node.name,
        control_plane=node.control_plane,
        endpoint_filters=data.ENDPOINT_FILTERS,
        harvest=True,
        operating_system=data.OPERATING_SYSTEM,
    )
    identity = attrs.evolve(data.identity_of(node), private_key=_private_key(node))
    origin = Origin(node_id=node.node_id, hardware_address=node.mac, identity=identity)
    return cluster.add(settings, address=parse_address(node.address), site="guide", origin=origin)


def _private_key(node: Node) -> str:
    """The node's private key, or something in its place where the guide does not tell it."""
    return node.private_key or keys.clamp(sha256(node.name.encode()).digest())


def _status(cluster: SimulatedCluster, here: int, there: int) -> KubeSpanPeerStatus:
    return cluster.nodes[NODES[here].name].state.get(KubeSpanPeerStatus, NODES[there].public_key).spec


def rendered(cluster: SimulatedCluster) -> str:
    """The module that the demo imports."""
    return _HEAD + "".join(f"{line}\n" for line in _lines(cluster))


def _lines(cluster: SimulatedCluster) -> Iterator[str]:
    start = Timestamp.parse(data.OBSERVED) - round(DURATION_S * _S)
    yield "BOOTED: Final = ("
    for at_s in STARTS_S:
        yield f'    "{Timestamp(start + round(at_s * _S))}",'
    yield ")"
    yield '"""When each node was switched on."""'
    yield ""
    yield "SIGHTINGS: Final = ("
    for here, there in permutations(range(len(NODES)), 2):
        state = cluster.nodes[NODES[here].name].state
        peer = NODES[there]
        status = state.get(KubeSpanPeerStatus, peer.public_key)
        found = state.get(Affiliate, peer.node_id).metadata.created
        reached = state.get(KubeSpanEndpoint, peer.public_key).metadata.created
        spec = status.spec
        times = (found, reached, spec.last_endpoint_change, spec.last_handshake_time)
        numbers = (status.metadata.version, spec.receive_bytes, spec.transmit_bytes)
        told = [*(f'"{time}"' for time in times), *map(str, numbers)]
        yield f"    Sighting(({here}, {there}), {', '.join(told)}),"
    yield ")"


def main() -> None:
    """Writes the module."""
    TARGET.write_text(rendered(simulated_guide()), encoding="utf-8")


if __name__ == "__main__":
    main()
