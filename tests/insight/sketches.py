"""Meshes of any size put together by hand: who does not see whom is given, all else is up.

A simulation of a thousand nodes takes a minute; pictures and texts need no more than its outcome.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from functools import cache

from talos_resources.insight.mesh import LinkState, Mesh, MeshNode
from talos_resources.model.net import AddrPort, IPAddress
from talos_resources.model.timestamp import Timestamp
from talos_resources.resources import KubeSpanPeerStatus, MachineType, PeerState

_STATES = tuple(LinkState)
_S = 1_000_000_000
NOW = Timestamp.from_seconds(1_764_000_000)


def sketch(
    nodes: int,
    faults: Mapping[tuple[int, int], LinkState] | None = None,
    *,
    sites: int = 1,
    names: Iterable[str] = (),
    silent: Iterable[int] = (),
) -> Mesh:
    """A mesh.

    Args:
        nodes: how many: three control planes, then workers.
        faults: (observer, peer) → how it is instead of up.
        sites: in so many networks, one after the other.
        names: instead of `controlplane-1` …
        silent: those that were not asked.
    """
    given, quiet = list(names), set(silent)
    made = [_node(index, nodes, sites, given[index] if index < len(given) else "", index not in quiet) for index in range(nodes)]
    codes = bytearray([_STATES.index(LinkState.UP)]) * (nodes * nodes)
    for (here, there), state in (faults or {}).items():
        codes[here * nodes + there] = _STATES.index(state)
    for index in quiet:
        codes[index * nodes : (index + 1) * nodes] = bytes([_STATES.index(LinkState.UNSEEN)]) * nodes
    codes[:: nodes + 1] = bytes([_STATES.index(LinkState.SELF)]) * nodes
    rows = [None if index in quiet else _row(made, index, codes) for index in range(nodes)]
    return Mesh(made, codes, rows)


def pair(here: int, there: int, state: LinkState = LinkState.DOWN) -> dict[tuple[int, int], LinkState]:
    """Both directions of a link."""
    return {(here, there): state, (there, here): state}


def _node(index: int, nodes: int, sites: int, name: str, asked: bool) -> MeshNode:
    site = index * sites // nodes
    address = ipaddress.IPv4Address(f"10.0.{site}.0") + 2 + index % 250
    usual = f"controlplane-{index + 1}" if index < 3 else f"worker-{index - 2}"
    return MeshNode(
        index=index,
        name=name or usual,
        public_key=f"key-{index}",
        machine_type=MachineType.CONTROL_PLANE if index < 3 else MachineType.WORKER,
        addresses=(address,),
        node=str(address) if asked else None,
        as_of=NOW if asked else Timestamp.ZERO,
    )


def _row(nodes: list[MeshNode], here: int, codes: bytearray) -> list[KubeSpanPeerStatus | None]:
    return [_status(node.index, node.name, node.addresses[0], here % 8, _STATES[codes[here * len(nodes) + node.index]]) for node in nodes]


@cache
def _status(peer: int, name: str, address: IPAddress, here: int, state: LinkState) -> KubeSpanPeerStatus | None:
    if state in {LinkState.SELF, LinkState.ABSENT, LinkState.UNSEEN}:
        return None
    ago = 38 * 60 if state is LinkState.DOWN else 12 + (here * 7 + peer * 3) % 90
    return KubeSpanPeerStatus(
        endpoint=AddrPort(address, 51820),
        label=name,
        state=PeerState(state.value),
        receive_bytes=1_000_000 + here * 1_357_911 + peer * 24_681,
        transmit_bytes=900_000 + peer * 1_234_567,
        last_handshake_time=Timestamp(NOW - ago * _S),
        last_used_endpoint=AddrPort(address, 51820),
    )
