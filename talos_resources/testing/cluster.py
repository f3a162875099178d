"""A simulated cluster for tests: every node behind one endpoint, with faults, and time that the test owns."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Literal, Self

from talos_resources.model.errors import ConfigError
from talos_resources.model.timestamp import Timestamp
from talos_resources.releases import NEWEST, release_of

if TYPE_CHECKING:
    from talos_resources.rpc.client.state import RemoteState
    from talos_resources.rpc.server.server import BackgroundServer
    from talos_resources.simulate.cluster import Sample, SimulatedCluster
    from talos_resources.simulate.faults import Struck
    from talos_resources.simulate.running import RunningCluster
    from talos_resources.sources.cluster import Cluster
    from talos_resources.state.contract import State

READY_S: Final = 60.0
"""What has passed of a cluster's time when a test gets it: its nodes have found each other."""

PATIENCE_S: Final = 1800.0
"""How long a wait lasts, in seconds of the cluster: a cut takes five minutes until both sides call it one."""

_STEP_S: Final = 5.0
_LOOK_S: Final = 0.02

LinkState = Literal["up", "down", "unknown", "missing"]


class TalosCluster:
    """Simulated nodes that talosctl and any COSI client can talk to, in a full mesh when it is made.

    Its time stands still unless the test lets it pass, with `advance` or a wait, which takes milliseconds for minutes;
    or it passes by itself, with a `speed`.

    Attributes:
        nodes: their names.
        address: `127.0.0.1:PORT` of the endpoint.
        talosconfig: the path of a talosconfig with all nodes and the contexts admin (the current one), operator and reader.
    """

    def __init__(
        self,
        folder: Path,
        *,
        nodes: int = 5,
        scenario: str = "mesh",
        seed: int = 0,
        speed: float = 0.0,
        traffic: int = 1000,
        talos_version: str | Mapping[str, str] = NEWEST.version,
    ) -> None:
        """Starts it.

        Args:
            folder: gets the certificates and the talosconfig.
            nodes: how many; control planes are the first three of them.
            scenario: one of those that `simulate --list` names; its time begins a minute before the test's.
            seed: of all chance: keys, addresses, lost packets.
            speed: seconds that pass for each of this machine's; 0 for time that stands still.
            traffic: bytes a second that each node sends to each other.
            talos_version: what the nodes run: what they tell and announce, and by whose rules they judge configurations; by
                name where they differ, and those that are not named run the newest.

        Raises:
            ConfigError: no such scenario, or one that takes more nodes; no such version, or of no such node.
            UnsupportedError: the extra `server` is not installed.
        """
        from talos_resources.simulate.run import prepared
        from talos_resources.simulate.running import RunningCluster
        from talos_resources.simulate.scenarios import scenario as named
        from talos_resources.simulate.witness import ServingWitness

        cluster, events = prepared(
            named(scenario),
            nodes=nodes,
            seed=seed,
            witness=ServingWitness(),
            start=_start(),
            traffic=traffic,
            versions=_versions(talos_version),
        )
        _check_names(talos_version, cluster)
        self._cluster = cluster
        self._running = RunningCluster(cluster, events, speed=speed, ready_s=READY_S)
        self._running.start()
        self.nodes: Sequence[str] = tuple(cluster.nodes)
        self._server, self.talosconfig = _served(self._running, folder)
        self.address = self._server.address

    def inject(self, fault: str, *nodes: str, site: str | None = None, for_s: float | None = None, value: str = "") -> Struck:
        """Lets a fault strike, as `simulate inject` does; see `talos_resources.simulate.strikes.FAULTS`.

        Args:
            fault: its name: partition, block, off, discovery, loss, move, new-keys, mtu.
            nodes: that it hits.
            site: hits all nodes of a site as well; a and b are the two halves of most scenarios.
            for_s: heals by itself after so many seconds of the cluster; None for never.
            value: what else it takes.

        Raises:
            ConfigError: there is no such fault, node or site, or it does not take these.
        """
        return self._running.do(lambda: self._running.faults.inject(fault, *nodes, site=site, for_s=for_s, value=value))

    def heal(self, fault: Struck | None = None) -> None:
        """Undoes a fault, or all that are there.

        Raises:
            ConfigError: it is not there any more.
        """
        self._running.do(lambda: self._running.faults.heal(None if fault is None else fault.id))

    def advance(self, seconds: float) -> None:
        """Lets so many seconds of the cluster pass, at once."""
        self._running.advance(seconds)

    def links(self, *nodes: str) -> Sample:
        """How many links are up, down, unknown and missing now, as the nodes that are on see them.

        A node that is off sees none; the others see theirs to it go down, and forget them after half an hour.

        Args:
            nodes: only links that begin or end at one of these; none for all.

        Raises:
            ConfigError: there is no such node.
        """
        for name in nodes:
            if name not in self.nodes:
                raise ConfigError(f'no node "{name}"; there are {", ".join(self.nodes)}')
        return self._running.do(lambda: self._cluster.sample(nodes))

    def wait_for(self, state: LinkState, *nodes: str, links: int | None = None, timeout_s: float = PATIENCE_S) -> None:
        """Lets time pass until so many links are in a state; where time passes by itself, waits for it.

        Args:
            state: up, down, unknown or missing. A pair of nodes has two links, one seen from each side.
            nodes: only links that begin or end at one of these count; none for all. After `inject("off", "worker-1")`,
                `wait_for("down", "worker-1")` waits until all the others see it down.
            links: how many at least; None for all that there are.
            timeout_s: in seconds of the cluster.

        Raises:
            TimeoutError: it did not come to that; says what it came to.
            ConfigError: there is no such node.
        """
        end_s = self._cluster.elapsed_s + timeout_s
        while True:
            sample = self.links(*nodes)
            wanted = sample.links if links is None else links
            if getattr(sample, state) >= wanted:
                return
            if self._cluster.elapsed_s >= end_s:
                counts = f"{sample.up} up, {sample.down} down, {sample.unknown} unknown, {sample.missing} missing"
                of = f" of {', '.join(nodes)}" if nodes else ""
                raise TimeoutError(f"{timeout_s:g} s of the cluster have passed, and {wanted} links{of} are not {state}: {counts}")
            if self._running.speed:
                time.sleep(_LOOK_S)
            else:
                self.advance(_STEP_S)

    def state(self, node: str) -> State | None:
        """What a node holds, to read and to write past the endpoint; another one after a restart, None while it is off.

        Raises:
            KeyError: there is no such node.
        """
        found = self._cluster.nodes[node]
        return found.state if found.host.online else None

    def connect(self, node: str | None = None, *, context: str = "admin") -> RemoteState:
        """Our own client to a node.

        Args:
            node: its name; None for the first one.
            context: admin, operator or reader.
        """
        from talos_resources.rpc.client.connect import connect

        return connect(nodes=node or self.nodes[0], talosconfig=self.talosconfig, context=context)

    def connect_all(self, *, context: str = "admin") -> Cluster:
        """Our own client to all nodes: lists, mesh and diagnosis of the whole; see `connect_cluster`."""
        from talos_resources.sources.live import connect_cluster

        return connect_cluster(talosconfig=self.talosconfig, context=context)

    def close(self) -> None:
        """Stops it; twice is no error."""
        self._server.close()
        self._running.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def _start() -> Timestamp:
    return Timestamp(time.time_ns() - round(READY_S * 1e9))


def _versions(given: str | Mapping[str, str]) -> Callable[[str], str]:
    """What a node runs, by its name."""
    return (lambda _node: given) if isinstance(given, str) else lambda node: given.get(node, NEWEST.version)


def _check_names(given: str | Mapping[str, str], cluster: SimulatedCluster) -> None:
    """Refuses versions that are none, and those of nodes that there are not.

    Raises:
        ConfigError: there is one.
    """
    for name, version in {"": given}.items() if isinstance(given, str) else given.items():
        release_of(version)
        if name and name not in cluster.nodes:
            raise ConfigError(f'talos_version is given for "{name}"; there are {", ".join(cluster.nodes)}')


def _served(running: RunningCluster, folder: Path) -> tuple[BackgroundServer, Path]:
    """The server of all nodes, and the talosconfig for it."""
    from talos_resources.rpc.server.common import Common
    from talos_resources.rpc.server.endpoint import Endpoint
    from talos_resources.rpc.server.nodes import Nodes
    from talos_resources.rpc.server.pki_folder import authority_in, server_credentials, write_talosconfig
    from talos_resources.rpc.server.server import BackgroundServer
    from talos_resources.simulate.configured import machines
    from talos_resources.simulate.control import Control
    from talos_resources.simulate.served import alias, served_nodes

    cluster = running.cluster
    names = tuple(cluster.nodes)
    simulated = served_nodes(cluster, machine=machines(cluster, running.do))
    nodes = Nodes(simulated, alias=partial(alias, cluster), common=Common())
    endpoint = Endpoint(nodes, names[0], beside=Control(running).methods())
    authority = authority_in(folder)
    server = BackgroundServer(endpoint, "127.0.0.1:0", credentials=server_credentials(authority, "127.0.0.1"))
    return server, write_talosconfig(folder, authority, server.address, nodes=names)
