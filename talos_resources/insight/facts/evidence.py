"""The evidence of a snapshot by node: who is there, what each says, what it says of another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Final

from talos_resources.insight.mesh import LinkState, Mesh, MeshNode, build
from talos_resources.insight.snapshot import NodeView, Snapshot
from talos_resources.model.metadata import Phase
from talos_resources.model.net import AddrPort
from talos_resources.model.resource import Resource
from talos_resources.model.timestamp import Timestamp
from talos_resources.resources import Affiliate, KubeSpanPeerSpec, KubeSpanPeerStatus, MachineType

S_NS: Final = 1_000_000_000
NAMED: Final = 8
"""So many nodes are named in one line."""

Pair = tuple[int, int]


class Ground:
    """What was read, by index of the mesh's nodes; nothing is concluded yet.

    Attributes:
        snapshot: what was found.
        mesh: the mesh that it makes.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.mesh: Mesh = build(snapshot)

    @property
    def nodes(self) -> Sequence[MeshNode]:
        """All nodes of the mesh."""
        return self.mesh.nodes

    @cached_property
    def views(self) -> Mapping[int, NodeView]:
        """Index of a node → what it holds, for those that answered."""
        by_name = {view.node: view for view in self.snapshot.views}
        return {node.index: by_name[node.node] for node in self.mesh.observed if node.node is not None}

    @cached_property
    def index_of(self) -> Mapping[str, int]:
        """Public key → index."""
        return {node.public_key: node.index for node in self.nodes if node.public_key}

    def name(self, index: int) -> str:
        """What people call a node."""
        return self.nodes[index].name

    def names(self, indexes: Iterable[int]) -> str:
        """Several nodes in one line, the first few by name."""
        every = sorted(set(indexes))
        more = f" and {len(every) - NAMED} more" if len(every) > NAMED else ""
        return f"{', '.join(map(self.name, every[:NAMED]))}{more}"

    def pair_name(self, pair: Pair) -> str:
        """Both ends of a link."""
        return f"{self.name(pair[0])} ↔ {self.name(pair[1])}"

    def asked(self, index: int) -> str:
        """What to give to `talosctl -n` for a node: the name under which it was asked, else an address, else its name."""
        node = self.nodes[index]
        return node.node or next((str(address) for address in node.addresses), node.name)

    def is_control_plane(self, index: int) -> bool:
        """Whether discovery says that it is one."""
        return self.nodes[index].machine_type in {MachineType.CONTROL_PLANE, MachineType.INIT}

    def state(self, observer: int, peer: int) -> LinkState:
        """How one node sees another."""
        return self.mesh.state(observer, peer)

    def is_up(self, here: int, there: int) -> bool:
        """Whether either end has the link up."""
        return LinkState.UP in {self.mesh.state(here, there), self.mesh.state(there, here)}

    def status(self, observer: int, peer: int) -> KubeSpanPeerStatus | None:
        """What a node holds of another."""
        return self.mesh.status(observer, peer)

    def spec(self, observer: int, peer: int) -> KubeSpanPeerSpec | None:
        """What a node knows of another from discovery."""
        held = self.spec_resource(observer, peer)
        return None if held is None else held.spec

    def spec_resource(self, observer: int, peer: int) -> Resource[KubeSpanPeerSpec] | None:
        """The same with its metadata."""
        view = self.views.get(observer)
        return None if view is None else view.spec_of.get(self.nodes[peer].public_key)

    @cached_property
    def affiliates(self) -> Mapping[str, Affiliate]:
        """Node id → affiliate: what the node says of itself, else what others heard."""
        found: dict[str, Affiliate] = {}
        for view in self.snapshot.views:
            for node_id in view.affiliate_of.keys() - found.keys() | {view.node_id or ""}:
                if node_id in view.affiliate_of:
                    found[node_id] = view.affiliate_of[node_id].spec
        return found

    @cached_property
    def affiliate_of(self) -> Mapping[int, Affiliate]:
        """Index of a node → its affiliate."""
        found = {node.index: self.affiliates[node.node_id] for node in self.nodes if node.node_id in self.affiliates}
        for index, view in self.views.items():
            own = self.affiliates.get(view.node_id or "")
            if index not in found and own is not None:
                found[index] = own
        return found

    def announced(self, index: int) -> tuple[AddrPort, ...] | None:
        """The endpoints that a node announces; None if nothing tells, or if somebody has hidden some."""
        affiliate = self.affiliate_of.get(index)
        if affiliate is not None and self.is_hidden(affiliate.node_id):
            return None
        if affiliate is not None and affiliate.kubespan is not None:
            return tuple(endpoint for endpoint in affiliate.kubespan.endpoints if endpoint is not None)
        for observer in self.views:
            spec = self.spec(observer, index)
            if self.is_hidden(self.nodes[index].public_key):
                return None
            if spec is not None:
                return tuple(endpoint for endpoint in spec.endpoints if endpoint is not None)
        return None

    def targets(self, observer: int, peer: int) -> tuple[AddrPort, ...] | None:
        """The endpoints that a node may try for a peer; None if nothing tells, or if somebody has hidden some."""
        spec = self.spec(observer, peer)
        if spec is not None and self.is_hidden(self.nodes[peer].public_key):
            return None
        if spec is not None:
            return tuple(endpoint for endpoint in spec.endpoints if endpoint is not None)
        return self.announced(peer)

    def is_hidden(self, id_: str) -> bool:
        """Whether endpoints of what has this id were hidden in anything that was read: then none of its lists is whole."""
        return id_ in self._hidden

    @cached_property
    def _hidden(self) -> frozenset[str]:
        return frozenset(
            name.partition("/")[2] for view in self.snapshot.views for name, hidden in view.hidden.items() if hidden.has_endpoints
        )

    def is_unread(self, index: int, *types: str) -> bool:
        """Whether some types could not be read on a node, or not whole: what is not there is then not known."""
        view = self.views.get(index)
        return view is not None and any(name.startswith(kind) for name in view.unreadable for kind in types)

    def is_leaving(self, observer: int, peer: int) -> bool:
        """Whether a node is tearing down what it holds of another."""
        view, key = self.views.get(observer), self.nodes[peer].public_key
        if view is None:
            return False
        held = (view.status_of.get(key), view.spec_of.get(key))
        return any(each is not None and each.metadata.phase is Phase.TEARING_DOWN for each in held)

    def made(self, observer: int, peer: int) -> Timestamp:
        """When a node first knew a peer of this key; `Timestamp.ZERO` if that is not known."""
        view = self.views.get(observer)
        status = None if view is None else view.status_of.get(self.nodes[peer].public_key)
        return Timestamp.ZERO if status is None else status.metadata.created

    def lists(self, observer: int, peer: int) -> bool:
        """Whether a node knows another through discovery."""
        node_id = self.nodes[peer].node_id or (self.views[peer].node_id if peer in self.views else None) or ""
        return observer in self.views and node_id in self.views[observer].affiliate_of

    def version(self, index: int) -> str:
        """The Talos release of a node, `v1.12.3`; empty if unknown."""
        view = self.views.get(index)
        if view is not None and view.version:
            return view.version
        affiliate = self.affiliate_of.get(index)
        words = affiliate.operating_system.replace("(", " ").replace(")", " ").split() if affiliate is not None else []
        return next((word for word in words if word.startswith("v") and word[1:2].isdigit()), "")

    def release(self, index: int) -> tuple[int, int] | None:
        """The same as (major, minor); None if unknown."""
        parts = self.version(index).removeprefix("v").split(".")
        return (int(parts[0]), int(parts[1])) if len(parts) > 1 and parts[0].isdecimal() and parts[1].isdecimal() else None
