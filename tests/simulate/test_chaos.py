"""A simulated hour in which the server, its connections and the recorder die at random: nothing is lost in silence."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

import attrs
import pytest

from talos_resources.backends.memory import MemoryState
from talos_resources.backends.sqlite.state import SqliteState
from talos_resources.model.errors import NotFoundError
from talos_resources.model.kind import typed_kind, untyped
from talos_resources.model.metadata import Reference
from talos_resources.model.resource import Resource
from talos_resources.model.timestamp import Timestamp
from talos_resources.rpc.server.common import Common
from talos_resources.rpc.server.endpoint import Endpoint
from talos_resources.rpc.server.nodes import Nodes
from talos_resources.rpc.server.pki_folder import authority_in, server_credentials, write_talosconfig
from talos_resources.rpc.server.server import BackgroundServer
from talos_resources.simulate.course import ToldState
from talos_resources.simulate.run import prepared
from talos_resources.simulate.running import RunningCluster
from talos_resources.simulate.scenarios import scenario
from talos_resources.simulate.served import served_nodes
from talos_resources.simulate.witness import Witness
from talos_resources.sources.following import MESH_TYPES
from tests.rpc.client.test_faults import Proxy

NODES: Final = 4
SPEED: Final = 60.0
HOUR_S: Final = 3600.0
LATE_S: Final = 2.0
"""By how much a recorder may hear of a version later than it was, and of the end of a node later than it went."""


@attrs.frozen
class Written:
    """A version, and when it was written, by this machine's clock."""

    node: str
    resource: Resource[Any]
    at: float


class Truth(Witness):
    """Remembers every version of everything that recorders record."""

    def __init__(self) -> None:
        self.versions: list[Written] = []

    def begin(self, node: str, clock: Callable[[], Timestamp]) -> MemoryState:
        return ToldState(partial(self._tell, node), clock=clock)

    def end(self, node: str, state: MemoryState) -> None:
        state.close()

    def _tell(self, node: str, what: Resource[Any] | Reference) -> None:
        if isinstance(what, Resource) and what.metadata.type in MESH_TYPES and what.metadata.namespace != "cluster-raw":
            self.versions.append(Written(node, what, time.time()))


class World:
    """A running simulation, and what can be done to those who look at it."""

    def __init__(self, folder: Path) -> None:
        self.truth = Truth()
        cluster, events = prepared(scenario("partition"), nodes=NODES, seed=5, witness=self.truth, traffic=500)
        self.live = RunningCluster(cluster, events, speed=SPEED)
        self.file = folder / "record.db"
        self._authority = authority_in(folder / "pki")
        self._server = self._serve("127.0.0.1:0")
        self._address = self._server.address
        self.proxy = Proxy(self._address)
        self.talosconfig = write_talosconfig(folder / "pki", self._authority, self.proxy.address, nodes=cluster.nodes)
        self.recorder: subprocess.Popen[str] | None = None
        self.start_recorder()

    def _serve(self, address: str) -> BackgroundServer:
        cluster = self.live.cluster
        endpoint = Endpoint(Nodes(served_nodes(cluster), common=Common()), next(iter(cluster.nodes)))
        return BackgroundServer(endpoint, address, credentials=server_credentials(self._authority, "127.0.0.1"))

    def start_recorder(self) -> None:
        command = [sys.executable, "-m", "talos_resources", "record", "--to", f"sqlite:{self.file}", "--talosconfig", str(self.talosconfig)]
        self.recorder = subprocess.Popen(command, stderr=subprocess.DEVNULL, text=True)

    def stop_recorder(self, number: signal.Signals) -> None:
        assert self.recorder is not None
        os.kill(self.recorder.pid, number)
        self.recorder.wait(30)

    def kill_the_recorder(self, dice: random.Random) -> None:
        self.stop_recorder(signal.SIGKILL)
        time.sleep(dice.uniform(0, 2))
        self.start_recorder()

    def kill_the_server(self, dice: random.Random) -> None:
        self._server.close()
        time.sleep(dice.uniform(0, 2))
        self._server = self._serve(self._address)

    def cut_connections(self, dice: random.Random) -> None:
        for _ in range(dice.randrange(1, 4)):
            self.proxy.cut()
            time.sleep(dice.uniform(0, 0.5))

    def restart_a_node(self, dice: random.Random) -> None:
        node = dice.choice(list(self.live.cluster.nodes))
        self.live.do(lambda: self.live.faults.inject("off", node, for_s=dice.uniform(10, 90)))

    def close(self) -> None:
        self.live.close()
        self.proxy.close()
        self._server.close()


@contextmanager
def running(folder: Path) -> Iterator[World]:
    world = World(folder)
    try:
        with world.live:
            yield world
    finally:
        if world.recorder is not None and world.recorder.poll() is None:
            world.recorder.kill()
        world.close()


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1])
def test_every_version_is_recorded_or_in_a_gap_that_is_told(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    with running(tmp_path) as world:
        harm = [world.kill_the_recorder, world.kill_the_server, world.cut_connections, world.restart_a_node]
        done: dict[str, int] = {}
        while world.live.cluster.elapsed_s < HOUR_S:
            for act in dice.sample(harm, len(harm)):
                time.sleep(dice.uniform(2, 5))
                act(dice)
                done[act.__name__] = done.get(act.__name__, 0) + 1
        world.live.close()
        time.sleep(2 * LATE_S)
        world.stop_recorder(signal.SIGTERM)
        assert min(done.get(act.__name__, 0) for act in harm) >= 1, done
        missing, recorded = unaccounted(world.file, world.truth.versions)
        never = [invented(written) for written in world.truth.versions]
        found, _ = unaccounted(world.file, never)
    assert recorded > len(world.truth.versions) / 4, "most of the hour was recorded"
    assert [(w.node, w.resource.metadata.type, w.resource.id, w.resource.version, w.at) for w in missing] == []
    assert len(found) > 50, "what the file lacks would have been noticed"


def invented(written: Written) -> Written:
    """A version that there never was, at the same time."""
    return attrs.evolve(written, resource=written.resource.with_metadata(version=written.resource.version + 1_000_000))


def unaccounted(file: Path, truth: list[Written]) -> tuple[list[Written], int]:
    """Versions that are neither in the file nor in a time that the file says nobody recorded; how many are in it."""
    missing, recorded = [], 0
    histories: dict[tuple[str, str, str], set[tuple[int, Timestamp]]] = {}
    with SqliteState(file, create=False, read_only=True) as state:
        now = Timestamp(time.time_ns())
        periods = {node: state.of_node(node).periods(now=now) for node in state.nodes()}
        for written in truth:
            metadata = written.resource.metadata
            key = written.node, metadata.type, metadata.id
            if key not in histories:
                kind = typed_kind(metadata.type) or untyped(metadata.type, metadata.namespace)
                histories[key] = set()
                with contextlib.suppress(NotFoundError):  # then no version of it is there
                    versions = state.of_node(written.node).history(kind, metadata.id, namespace=metadata.namespace)
                    histories[key] = {(version.resource.version, version.resource.metadata.updated) for version in versions}
            if (metadata.version, metadata.updated) in histories[key]:
                recorded += 1
                continue
            inside = any(period.began / 1e9 + LATE_S < written.at < period.ended / 1e9 - LATE_S for period in periods.get(written.node, ()))
            if inside:
                missing.append(written)
    return missing, recorded
