"""The server: sockets, TLS, start and stop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from talos_resources.model.errors import ConfigError, TalosResourcesError
from talos_resources.releases import NEWEST
from talos_resources.rpc.apply import TakesConfiguration
from talos_resources.rpc.server.acceptor import Acceptor
from talos_resources.rpc.server.call import Method
from talos_resources.rpc.server.common import Common
from talos_resources.rpc.server.connection import ClientConnection, Dispatch
from talos_resources.rpc.server.connections import Connections
from talos_resources.rpc.server.dispatcher import Dispatcher
from talos_resources.rpc.server.endpoint import Endpoint
from talos_resources.rpc.server.limits import DEFAULT_LIMITS, Limits
from talos_resources.rpc.server.nodes import node_methods
from talos_resources.rpc.server.tls import server_context
from talos_resources.rpc.transport.address import without_login
from talos_resources.rpc.transport.contract import Credentials
from talos_resources.state.contract import State

T = TypeVar("T")

_BACKLOG: Final = 512


class Listener:
    """Listens at one address, in the event loop that starts it, and answers by a `Dispatch`."""

    def __init__(self, dispatch: Dispatch, *, tls: ssl.SSLContext | None, limits: Limits) -> None:
        """Prepares; plaintext without TLS."""
        self._dispatch = dispatch
        self._limits = limits
        self._tls = tls
        self._connections = Connections(limits)
        self._server: asyncio.Server | None = None
        self._acceptor: Acceptor | None = None
        self._path: Path | None = None
        self.address = ""

    async def start(self, address: str) -> str:
        """Listens.

        Args:
            address: `HOST:PORT`, port 0 for any that is free, or `unix:PATH`.

        Returns:
            The address with the port that it is.

        Raises:
            ConfigError: it is no address, or cannot be listened on.
        """

        def connect() -> ClientConnection:
            return ClientConnection(self._dispatch, self._limits, self._connections)

        loop = asyncio.get_running_loop()
        try:
            if check_address(address) is None:
                self._path = Path(address.removeprefix("unix:"))
                _remove_stale_socket(self._path)
                self._server = await loop.create_unix_server(connect, sock=_private_socket(self._path), start_serving=False)
                self.address = address
            else:
                host, port = split_address(address, others=" or unix:PATH")
                self._server = await loop.create_server(connect, host, port, start_serving=False)
                self.address = f"{f'[{host}]' if ':' in host else host}:{self._server.sockets[0].getsockname()[1]}"
            listening = [_listening(bound) for bound in self._server.sockets]
            self._acceptor = Acceptor(listening, connect, self._tls, on_short=self._short)
        except (OSError, OverflowError) as error:
            number = getattr(error, "errno", None)
            reason = error if number is None or isinstance(error, socket.gaierror) else os.strerror(number).lower()
            raise ConfigError(f"cannot listen on {address}: {reason}") from None
        return self.address

    async def stop(self) -> None:
        """Stops listening and ends all streams with a status; twice is no error."""
        server, self._server = self._server, None
        if server is None:
            return
        self._connections.closed = True
        server.close()
        if self._acceptor is not None:
            await self._acceptor.close()
        await asyncio.gather(*(connection.shut_down() for connection in self._connections))
        await server.wait_closed()
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def _short(self, error: OSError) -> None:
        self._connections.complain(f"no connection can be accepted: {error.strerror}; the one that was idle for longest is closed")
        self._connections.make_room()


class Server(Listener):
    """Serves one State, or those of several nodes."""

    def __init__(
        self,
        served: State | Endpoint,
        *,
        credentials: Credentials | None = None,
        limits: Limits = DEFAULT_LIMITS,
        talos_version: str = NEWEST.version,
        machine: TakesConfiguration | None = None,
    ) -> None:
        """Prepares.

        Args:
            served: the state of one node, which answers to any name, or the endpoint of several; states stay the
                caller's to close. An endpoint has its own limits and version.
            credentials: the authority of clients' certificates, and our own certificate and key; None for
                plaintext, where everybody is an administrator.
            limits: what clients may take.
            talos_version: what the node says that it runs, such as `v1.12.3`.
            machine: takes the configurations that clients apply; None for a node that takes none.

        Raises:
            ConfigError: certificates that cannot be used.
        """
        tls = None if credentials is None else server_context(credentials)
        find: Callable[[str], Method | None]
        if isinstance(served, Endpoint):
            limits, find = served.limits, served.method
        else:
            find = node_methods(served, Common(limits=limits, talos_version=talos_version), machine).get
        super().__init__(Dispatcher(find, limits), tls=tls, limits=limits)


class Background:
    """A listener in a thread with a loop of its own, for programs and tests that have no loop."""

    def __init__(self, server: Listener, address: str) -> None:
        """Starts it; see `Listener.start`.

        Raises:
            ConfigError: it cannot be started.
        """
        self._server, self._closing = server, threading.Lock()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="talos-resources server", daemon=True)
        self._thread.start()
        try:
            self.address = self._call(lambda: self._server.start(address))
        except TalosResourcesError:
            self._end_loop()
            raise

    def close(self) -> None:
        """Stops; twice is no error, also by several threads at once."""
        with self._closing:
            if self._thread.is_alive():
                self._call(self._server.stop)
                self._end_loop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _call(self, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        return asyncio.run_coroutine_threadsafe(make(), self._loop).result()

    def _end_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class BackgroundServer(Background):
    """A server in a thread with a loop of its own.

    ```python
    with BackgroundServer(state, "127.0.0.1:0") as server:
        print(server.address)
    ```
    """

    def __init__(
        self,
        served: State | Endpoint,
        address: str,
        *,
        credentials: Credentials | None = None,
        limits: Limits = DEFAULT_LIMITS,
        talos_version: str = NEWEST.version,
        machine: TakesConfiguration | None = None,
    ) -> None:
        """Starts; see `Server`.

        Raises:
            ConfigError: it cannot be started.
        """
        super().__init__(Server(served, credentials=credentials, limits=limits, talos_version=talos_version, machine=machine), address)


def split_address(address: str, *, others: str = "") -> tuple[str, int]:
    """Host and port of `HOST:PORT`, an IPv6 host in brackets.

    Args:
        address: what somebody wrote.
        others: what else they may write, for the error.

    Raises:
        ConfigError: it is none.
    """
    host, _, port = address.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    is_host = bool(bare) and not set(bare) & set("[] ") and (":" not in bare or bare is not host)
    if not is_host or not port.isdecimal() or int(port) > 65535:
        raise ConfigError(f"{without_login(address)} is no address; write HOST:PORT (port 0 for any that is free){others}")
    return bare, int(port)


def check_address(address: str) -> str | None:
    """The host of an address to listen on, None for a unix socket.

    Raises:
        ConfigError: it is no address, or one of a kind that this system does not have.
    """
    if address.startswith("unix:") and address != "unix:":
        if not hasattr(socket, "AF_UNIX"):
            raise ConfigError(f"cannot listen on {address}: this system's Python has no unix sockets; write HOST:PORT")
        return None
    return split_address(address, others=" or unix:PATH")[0]


def _listening(bound: socket.socket) -> socket.socket:
    """The same socket, for whoever accepts at it."""
    listening = bound.dup()
    listening.setblocking(False)
    listening.listen(_BACKLOG)
    return listening


def _private_socket(path: Path) -> socket.socket:
    """A bound socket that only its owner can connect to, from the first moment on."""
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        bound.setblocking(False)
        with contextlib.suppress(OSError):  # Linux gives its file the mode of the socket, less the umask; macOS refuses
            os.fchmod(bound.fileno(), 0o600)
        bound.bind(str(path))
        path.chmod(0o600)
    except BaseException:
        bound.close()
        raise
    return bound


def _remove_stale_socket(path: Path) -> None:
    """Removes the socket of a server that is gone; asyncio would also remove that of one that lives.

    Raises:
        ConfigError: somebody listens there, or it is no socket.
    """
    if not path.exists():
        return
    if not path.is_socket():
        raise ConfigError(f"cannot listen on unix:{path}: there is a file that is no socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
        else:
            raise ConfigError(f"cannot listen on unix:{path}: somebody listens there already")
