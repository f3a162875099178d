"""A simulated cluster: its nodes, its network and its clock."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Callable, Collection
from random import Random
from typing import Final

import attrs

from talos_resources.kubespan.keys import public_key
from talos_resources.model.build import no_collector
from talos_resources.model.net import IPAddress
from talos_resources.model.timestamp import Timestamp
from talos_resources.resources.kubespan.peer_status import KubeSpanPeerStatus, PeerState
from talos_resources.runtime.scheduler import VirtualTime
from talos_resources.simulate.device import Air
from talos_resources.simulate.discovery import DiscoveryService
from talos_resources.simulate.network import Host, Network, Router
from talos_resources.simulate.node import SimulatedNode
from talos_resources.simulate.settings import SERVICE, NodeSettings, Origin, Shared
from talos_resources.simulate.witness import Witness

START: Final = Timestamp.parse("2026-01-01T00:00:00Z")
_S: Final = 1_000_000_000


@attrs.frozen(kw_only=True)
class Sample:
    """The links of all nodes that are on, at one moment; each pair of nodes has two.

    Attributes:
        at_s: seconds since the start.
        up: how many are up.
        down: how many are down.
        unknown: of how many nothing is known yet.
        missing: how many are not known at all: a node has fewer peers than there are others that are on.
    """

    at_s: float
    up: int
    down: int
    unknown: int
    missing: int

    @property
    def links(self) -> int:
        """How many links there should be."""
        return self.up + self.down + self.unknown + self.missing

    @property
    def is_full_mesh(self) -> bool:
        """Whether every node is up for every other."""
        return self.up == self.links


class SimulatedCluster:
    """Nodes in virtual time; the same seed gives the same run.

    Attributes:
        nodes: by name, in the order in which they were added.
        network: between them.
        clock: the true time.
        service: the discovery service.
        witness: makes the States of the nodes.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        loss: float = 0.0,
        traffic: int = 0,
        start: Timestamp = START,
        name: str = "simulated",
        cluster_id: str | None = None,
        secret: str | None = None,
        public_key: Callable[[str], str] = public_key,
        witness: Witness | None = None,
    ) -> None:
        """Begins without nodes.

        Args:
            seed: of all chance.
            loss: the share of lost packets, 0 to 1.
            traffic: bytes a second that each node sends to each other.
            start: when it begins.
            name: what it is called.
            cluster_id: made up if not given.
            secret: of the cluster, base64; made up if not given.
            public_key: which public key belongs to a private one, for nodes whose private key nobody knows.
            witness: makes the States of the nodes; None for plain ones.
        """
        self._random = Random(seed)  # noqa: S311  (a repeatable run needs no secret)
        self._start = start
        self.nodes: dict[str, SimulatedNode] = {}
        self.clock = VirtualTime(start, seed=seed)
        self.network = Network(loss=loss, traffic=traffic)
        self.service = DiscoveryService(self.clock)
        self.witness = Witness() if witness is None else witness
        self.witness.attend(self.clock.now)
        self._shared = Shared(
            cluster_id=cluster_id or base64.urlsafe_b64encode(self._random.randbytes(32)).decode(),
            cluster_name=name,
            secret=secret or base64.b64encode(self._random.randbytes(32)).decode(),
            clock=self.clock,
            air=Air(self.network, self.clock.now, seed=seed, public_key=public_key),
            service=self.service,
            witness=self.witness,
        )
        self._apart = {(self._shared.cluster_id, self._shared.secret, SERVICE): self._shared}

    def add(
        self,
        settings: NodeSettings,
        *,
        address: IPAddress,
        site: str = "",
        router: Router | None = None,
        origin: Origin | None = None,
    ) -> SimulatedNode:
        """A new node, switched off.

        Args:
            settings: what it is like.
            address: of its interface.
            site: see `Host`.
            router: see `Host`.
            origin: who it is; made up if not given.

        Raises:
            ValueError: there is one of this name.
        """
        if settings.name in self.nodes:
            msg = f"there are two nodes {settings.name}; give each a name of its own"
            raise ValueError(msg)
        place = Host(name=settings.name, number=len(self.nodes), address=address, site=site, router=router, online=False)
        node = self.nodes[settings.name] = SimulatedNode(settings, place, self._shared_by(settings), self._random, origin=origin)
        return node

    def _shared_by(self, settings: NodeSettings) -> Shared:
        """What a node shares with those of its cluster, secret and service: others do not hear of it, nor it of them."""
        key = settings.cluster_id or self._shared.cluster_id, settings.secret or self._shared.secret, settings.service
        if key not in self._apart:
            self._apart[key] = attrs.evolve(self._shared, cluster_id=key[0], secret=key[1], service=DiscoveryService(self.clock))
        return self._apart[key]

    def carry(self, source: SimulatedNode, target: SimulatedNode, size: int) -> None:
        """So many bytes of hosts and pods go from one node to another through the mesh and arrive.

        Raises:
            ValueError: there is no link between them.
        """
        session = source.device.sessions.get(target.device.key)
        if session is None or target.device.sessions.get(source.device.key) is not session:
            msg = f"there is no link between {source.settings.name} and {target.settings.name}; let them find each other first"
            raise ValueError(msg)
        session.advance(self.clock.now())
        session.carry(source.device, size)

    def start(self) -> None:
        """Switches every node on."""
        with no_collector(freeze=True):
            for node in self.nodes.values():
                self.network.change(node.start)

    def run_until(self, at_s: float) -> None:
        """Lets time pass until so many seconds after the start."""
        with no_collector(freeze=True):
            self.clock.run_until(self.moment(at_s))

    def moment(self, at_s: float) -> Timestamp:
        """The time so many seconds after the start."""
        return Timestamp(self._start + round(at_s * _S))

    @property
    def elapsed_s(self) -> float:
        """Seconds since the start."""
        return (self.clock.now() - self._start) / _S

    def sample(self, touching: Collection[str] = ()) -> Sample:
        """The links now, as the nodes that are on see them.

        Args:
            touching: only those that begin or end at one of these nodes, by name; empty for all.
        """
        counts: Counter[PeerState] = Counter()
        missing = 0
        on = {name for name, node in self.nodes.items() if node.host.online}
        for name in on:
            seen = self.nodes[name].state.list(KubeSpanPeerStatus)
            every = not touching or name in touching
            statuses = seen if every else [resource for resource in seen if resource.spec.label in touching]
            others = on - {name} if every else on.intersection(touching)
            missing += max(len(others) - len(statuses), 0)
            for resource in statuses:
                counts[resource.spec.state] += 1
        return Sample(
            at_s=self.elapsed_s,
            up=counts[PeerState.UP],
            down=counts[PeerState.DOWN],
            unknown=counts[PeerState.UNKNOWN],
            missing=missing,
        )
