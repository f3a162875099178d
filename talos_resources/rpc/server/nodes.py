"""The nodes behind an endpoint, each with the services that it has.

Source: apid of Talos v1.14.0-rc.1: what it says of nodes that it cannot reach is what gRPC says.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

import attrs

from talos_resources.rpc.apply import TakesConfiguration
from talos_resources.rpc.server.call import Method
from talos_resources.rpc.server.common import Common
from talos_resources.rpc.server.dispatcher import unknown_method
from talos_resources.rpc.server.machine import MachineService
from talos_resources.rpc.server.service import StateService
from talos_resources.rpc.status import Code, RpcError
from talos_resources.state.contract import State

LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
"""Names of whatever answers at the endpoint itself."""

_NAMED: Final = 8


@attrs.frozen(kw_only=True)
class ServedNode:
    """A node.

    Attributes:
        name: what clients call it.
        state: gives its state, another one after a restart; None while it is switched off. It may raise what states raise.
        load: has to be called once before `state` answers at once; None if it always does.
        machine: makes of its state what takes the configurations that clients apply; None for a node that takes none.
        version: finds in its state what it runs, such as `v1.12.3`; None for what all nodes of the server run.
    """

    name: str
    state: Callable[[], State | None]
    machine: Callable[[State], TakesConfiguration] | None = None
    version: Callable[[State], str] | None = None
    load: Callable[[], object] | None = None


@attrs.frozen
class _Answering:
    """A node as it answers from one boot to the next."""

    state: State
    methods: Mapping[str, Method]
    version: str


def node_methods(state: State, common: Common, machine: TakesConfiguration | None, *, version: str | None = None) -> Mapping[str, Method]:
    """All that a node answers, by path.

    Args:
        state: its resources.
        common: what it has in common with the other nodes of the server.
        machine: takes the configurations that clients apply; None for a node that takes none.
        version: what it says that it runs; None for what it has in common with the others.
    """
    talos = MachineService(talos_version=version or common.talos_version, machine=machine)
    return {**StateService(state, common).methods(), **talos.methods()}


class Nodes:
    """The nodes of a server by their names; for one event loop."""

    def __init__(self, nodes: Iterable[ServedNode], *, alias: Callable[[str], str | None] = lambda _name: None, common: Common) -> None:
        """Takes the nodes.

        Args:
            nodes: their names differ.
            alias: the name of the node that goes by another one too, an address for example; None if there is none.
            common: what their services have in common.
        """
        self.common = common
        self._nodes = {node.name: node for node in nodes}
        self._alias = alias
        self._answering: dict[str, _Answering] = {}
        self._loading = asyncio.Lock()
        self._begun: dict[str, asyncio.Future[object]] = {}
        self._loaded: set[str] = set()

    def __iter__(self) -> Iterator[ServedNode]:
        return iter(self._nodes.values())

    def own_name(self, name: str) -> str | None:
        """The name of the node that is called so; None if there is none."""
        return name if name in self._nodes else self._alias(name)

    async def method(self, name: str, path: str) -> Method:
        """What answers a call on a node.

        A call may name all nodes of a large bundle: they are read one by one, beside the loop.

        Args:
            name: of the node, or another one that it goes by.
            path: of the call.

        Raises:
            RpcError: UNAVAILABLE, it is off or unknown; UNIMPLEMENTED, it has no such method.
        """
        own = self.own_name(name)
        if own is None:
            raise RpcError(Code.UNAVAILABLE, f"{_dialling(name)}; the nodes here are {self._some()}")
        await self._load(own)
        answering = self._at_work(own)
        if answering is None:
            raise RpcError(Code.UNAVAILABLE, f"{_dialling(name, 'connect: no route to host')}; {own} is switched off")
        method = answering.methods.get(path)
        if method is None:
            raise unknown_method(path)
        return method

    async def _load(self, own: str) -> None:
        load = self._nodes[own].load
        if load is None or own in self._loaded:
            return
        async with self._loading:
            if own in self._loaded:
                return
            # It goes on when who asked gives up; begun anew beside itself, it would make the node twice.
            begun = self._begun.get(own)
            if begun is None:
                begun = self._begun[own] = asyncio.get_running_loop().run_in_executor(None, load)
            try:
                await asyncio.shield(begun)
            finally:
                if begun.done():
                    del self._begun[own]
            self._loaded.add(own)

    async def version(self, own: str) -> str:
        """What a node runs, or ran before it was switched off.

        Args:
            own: its name.
        """
        await self._load(own)
        answering = self._at_work(own) or self._answering.get(own)
        return self.common.talos_version if answering is None else answering.version

    def _at_work(self, own: str) -> _Answering | None:
        """A node that is not switched off."""
        node = self._nodes[own]
        state = node.state()
        if state is None:
            return None
        known = self._answering.get(own)
        if known is None or known.state is not state:
            version = self.common.talos_version if node.version is None else node.version(state)
            machine = None if node.machine is None else node.machine(state)
            methods = node_methods(state, self.common, machine, version=version)
            known = self._answering[own] = _Answering(state, methods, version)
        return known

    def _some(self) -> str:
        names = list(self._nodes)
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        return f"{', '.join(names[:_NAMED])}{more}"


def _dialling(name: str, reason: str = "connect: connection refused") -> str:
    """What gRPC says of a node that it cannot reach."""
    try:
        host = f"[{name}]" if ipaddress.ip_address(name).version == 6 else name
    except ValueError:
        target = f"{name}:50000: {reason}" if reason.endswith("route to host") else f"lookup {name}: no such host"
        return f'connection error: desc = "transport: Error while dialing: dial tcp {target}"'
    return f'connection error: desc = "transport: Error while dialing: dial tcp {host}:50000: {reason}"'
