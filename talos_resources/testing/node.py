"""A fake Talos node: a server with mutual TLS over a state in memory that the test changes."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from talos_resources.backends.memory import MemoryState
from talos_resources.model.kind import own_kinds
from talos_resources.model.resource import Resource
from talos_resources.releases import NEWEST
from talos_resources.resources import Namespace
from talos_resources.resources.meta.definition import definition_of

if TYPE_CHECKING:
    from talos_resources.rpc.apply import TakesConfiguration
    from talos_resources.rpc.client.state import RemoteState
    from talos_resources.rpc.server.limits import Limits
    from talos_resources.state.contract import State

HISTORY = 10_000
"""Events that each kind remembers: more than a test makes."""


class TalosNode:
    """A node that talosctl and any COSI client can talk to, started in milliseconds.

    Attributes:
        state: what it holds; change it as you like. It begins with the definitions of the types that
            have a class here, as a real node does.
        address: `127.0.0.1:PORT`.
        talosconfig: the path of a talosconfig with the contexts admin (the current one), operator and reader.
    """

    def __init__(
        self,
        folder: Path,
        *,
        state: State | None = None,
        limits: Limits | None = None,
        talos_version: str = NEWEST.version,
        machine: TakesConfiguration | None = None,
    ) -> None:
        """Starts it.

        Args:
            folder: gets the certificates and the talosconfig.
            state: what to serve; None for a new one in memory.
            limits: what clients may take; None for the server's own.
            talos_version: what the node says that it runs, and by whose rules it judges configurations.
            machine: takes the configurations that clients apply; None for one that keeps them in the state.

        Raises:
            UnsupportedError: the extra `server` is not installed.
        """
        from talos_resources.machineconfig.configured_node import ConfiguredNode
        from talos_resources.rpc.server.limits import DEFAULT_LIMITS
        from talos_resources.rpc.server.pki_folder import authority_in, server_credentials, write_talosconfig
        from talos_resources.rpc.server.server import BackgroundServer

        self.state = fresh_state() if state is None else state
        authority = authority_in(folder)
        self._server = BackgroundServer(
            self.state,
            "127.0.0.1:0",
            credentials=server_credentials(authority, "127.0.0.1"),
            limits=limits or DEFAULT_LIMITS,
            talos_version=talos_version,
            machine=ConfiguredNode(self.state, talos_version=talos_version) if machine is None else machine,
        )
        self.address = self._server.address
        self.talosconfig = write_talosconfig(folder, authority, self.address)

    def connect(self, *, context: str = "admin") -> RemoteState:
        """Our own client to it.

        Args:
            context: admin, operator or reader.
        """
        from talos_resources.rpc.client.connect import connect

        return connect(talosconfig=self.talosconfig, context=context)

    def close(self) -> None:
        """Stops it; twice is no error."""
        self._server.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def fresh_state() -> MemoryState:
    """A state in memory that holds what every node has: namespaces and the definitions of the types known here."""
    state = MemoryState(capacity=HISTORY, gap=0)
    kinds = tuple(own_kinds())
    for namespace in sorted({kind.namespace for kind in kinds}):
        state.create(Resource.new(Namespace(), id=namespace))
    for kind in kinds:
        state.create(Resource.new(definition_of(kind), id=kind.id))
    return state
