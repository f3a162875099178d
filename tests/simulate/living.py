"""A simulated cluster that lives behind one endpoint with mutual TLS: fast, and as talosctl would find it."""

from __future__ import annotations

import ipaddress
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.resources import MachineConfig as Stored
from talos_resources.rpc.server.common import Common
from talos_resources.rpc.server.endpoint import Endpoint
from talos_resources.rpc.server.nodes import Nodes, ServedNode
from talos_resources.rpc.server.pki_folder import authority_in, server_credentials, write_talosconfig
from talos_resources.rpc.server.server import BackgroundServer
from talos_resources.simulate.cluster import SimulatedCluster
from talos_resources.simulate.configured import machines
from talos_resources.simulate.node import SimulatedNode
from talos_resources.simulate.settings import NodeSettings
from talos_resources.state.contract import State

T = TypeVar("T")
STEP_S = 2.0


class LivingCluster:
    """Its time passes as fast as the machine can, in steps, until it is left."""

    def __init__(self, folder: Path, settings: Sequence[NodeSettings], *, version: str = "v1.14.0") -> None:
        self.cluster = SimulatedCluster()
        self._lock = threading.RLock()
        self._stop = threading.Event()
        for number, each in enumerate(settings):
            self.cluster.add(each, address=ipaddress.IPv4Address(f"172.20.0.{number + 2}"), site="lan")
        self.cluster.start()
        self.cluster.run_until(60)
        make = machines(self.cluster, self.do)
        served = [ServedNode(name=name, state=partial(self._state, name), machine=make) for name in self.cluster.nodes]
        authority = authority_in(folder)
        endpoint = Endpoint(Nodes(served, common=Common(talos_version=version)), served[0].name)
        self._server = BackgroundServer(endpoint, "127.0.0.1:0", credentials=server_credentials(authority, "127.0.0.1"))
        self.talosconfig = write_talosconfig(folder, authority, self._server.address, nodes=list(self.cluster.nodes))
        self._thread = threading.Thread(target=self._pass, daemon=True)

    def do(self, call: Callable[[], T]) -> T:
        """Between two steps."""
        with self._lock:
            result = call()
            self.cluster.clock.settle()
            return result

    def node(self, name: str) -> SimulatedNode:
        """One of them."""
        return self.cluster.nodes[name]

    def config(self, name: str) -> MachineConfig:
        """What a node has."""
        return MachineConfig.load(self.text(name))

    def text(self, name: str) -> str:
        """The text of it."""
        return self.node(name).state.get(Stored, "v1alpha1").spec.text

    def _state(self, name: str) -> State | None:
        node = self.node(name)
        return node.state if node.host.online else None

    def _pass(self) -> None:
        while not self._stop.is_set():
            with self._lock:
                self.cluster.run_until(self.cluster.elapsed_s + STEP_S)
            time.sleep(0.02)  # a hundred times as fast as here

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()
        self._server.close()
