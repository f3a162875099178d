"""Sockets to endpoints: TCP and unix sockets."""

from __future__ import annotations

import socket
import threading
from typing import Any, Final

from talos_resources.rpc.transport.address import is_ip, split
from talos_resources.rpc.transport.contract import TransportError
from talos_resources.rpc.transport.link import SocketLink
from talos_resources.state.timeout import Deadline

KEEPALIVE_S: Final = 10
"""TCP probes an idle connection this often: a watch notices a node that went away without a word."""

_PROBES: Final = 3
SILENCE_S: Final = KEEPALIVE_S * (1 + _PROBES)
"""After so long at most a connection whose other side is gone is told to have broken."""

_UNANSWERED_MS: Final = 30_000


def dial(address: str, deadline: Deadline) -> SocketLink:
    """Connects.

    Args:
        address: `HOST:PORT`, IPv6 addresses in brackets, or `unix:PATH`, where a leading `@` names an abstract socket.
        deadline: until when.

    Raises:
        OSError: also TimeoutError: nobody answers.
    """
    if address.startswith("unix:"):
        return SocketLink(_dial_unix(address.removeprefix("unix:"), deadline))
    return SocketLink(_dial_tcp(*split(address), deadline))


def _dial_unix(path: str, deadline: Deadline) -> socket.socket:
    if not hasattr(socket, "AF_UNIX"):
        raise TransportError("this system's Python has no unix sockets", refused=True)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.settimeout(deadline.left())
        sock.connect(f"\0{path[1:]}" if path.startswith("@") else path)
    except ConnectionRefusedError:
        sock.close()
        raise TransportError("connection refused: nobody listens on the socket", refused=True) from None
    except BaseException:
        sock.close()
        raise
    return sock


def _dial_tcp(host: str, port: int, deadline: Deadline) -> socket.socket:
    found = _addresses(host, port, deadline)
    failure: OSError | None = None
    for position, (family, kind, protocol, _, where) in enumerate(found):
        left = deadline.left()
        sock = socket.socket(family, kind, protocol)
        try:
            # One that swallows everything leaves time for the others.
            sock.settimeout(None if left is None else left / (len(found) - position))
            sock.connect(where)
            _set_options(sock)
        except OSError as error:
            sock.close()
            failure = failure or error
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise failure or socket.gaierror("no such host")


def _set_options(sock: socket.socket) -> None:
    keep_alive(sock, idle_s=KEEPALIVE_S, every_s=KEEPALIVE_S, probes=_PROBES)
    _set(sock, TCP_NODELAY=1, TCP_USER_TIMEOUT=_UNANSWERED_MS)


def keep_alive(sock: socket.socket, *, idle_s: int, every_s: int, probes: int) -> None:
    """Has the system ask whoever says nothing whether it is still there.

    Args:
        sock: of TCP.
        idle_s: seconds of silence before the first question.
        every_s: seconds between two.
        probes: so many without an answer end the connection.
    """
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    # The second is what macOS calls the first.
    _set(sock, TCP_KEEPIDLE=idle_s, TCP_KEEPALIVE=idle_s, TCP_KEEPINTVL=every_s, TCP_KEEPCNT=probes)


def _set(sock: socket.socket, **options: int) -> None:
    """Those that this system has."""
    for name, value in options.items():
        if hasattr(socket, name):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def _addresses(host: str, port: int, deadline: Deadline) -> list[Any]:
    """What a name stands for; asking for it may take long and cannot be interrupted, so a thread does."""
    # As bytes: for texts Python would load the tables of international names, which nobody writes here.
    name = host.encode("ascii")
    if is_ip(host):
        return socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    import queue  # here: most endpoints are addresses

    answer: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answer.put(socket.getaddrinfo(name, port, type=socket.SOCK_STREAM))
        except Exception as error:  # noqa: BLE001 - raised again by who waits for it
            answer.put(error)

    threading.Thread(target=ask, name="talos-resources resolver", daemon=True).start()
    try:
        found = answer.get(timeout=deadline.left())
    except queue.Empty:
        raise TimeoutError from None
    if isinstance(found, Exception):
        raise found
    return list(found)
