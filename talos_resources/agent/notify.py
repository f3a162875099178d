"""The kernel's notifications: something of links, addresses, routes, policy rules or nftables has changed.

Only that something has changed is taken from them; what there is now is then read as a whole, so that a
notification that was lost or misunderstood costs nothing. Source: Linux, rtnetlink(7) and nfnetlink groups.
"""

from __future__ import annotations

import logging
import select
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final

_NETFILTER: Final = 12
_LINK, _IPV4_ADDRESS, _IPV4_ROUTE, _IPV4_RULE, _IPV6_ADDRESS, _IPV6_ROUTE, _IPV6_RULE = 1, 5, 7, 8, 9, 11, 19
_NFTABLES: Final = 7
_SOURCES: Final = (
    ("rtnetlink", socket.NETLINK_ROUTE, (_LINK, _IPV4_ADDRESS, _IPV4_ROUTE, _IPV4_RULE, _IPV6_ADDRESS, _IPV6_ROUTE, _IPV6_RULE)),
    ("nftables", _NETFILTER, (_NFTABLES,)),
)
_ADD_MEMBERSHIP: Final = 1
_SOL_NETLINK: Final = 270
_ENOUGH: Final = 1 << 16

log: Final = logging.getLogger("talos_resources.agent")


class KernelNotifications:
    """Calls back after changes of the host's network, from making to `close`.

    What a kernel does not tell (one without nf_tables, for example) is logged; who listens looks for it now and then.
    """

    def __init__(self, on_change: Callable[[], None]) -> None:
        """Takes what to call, from a thread of its own; several changes at once are one call."""
        self._on_change = on_change
        self._end, self._ended = socket.socketpair()
        self._sockets = [found for source in _SOURCES if (found := _subscribe(*source)) is not None]
        self._thread = threading.Thread(target=self._run, name="talos-resources notifications", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Calls no more; twice is no error."""
        with suppress(OSError):
            self._end.close()
        self._thread.join()

    def _run(self) -> None:
        with self._ended:
            while True:
                ready, _, _ = select.select([self._ended, *self._sockets], [], [])
                if self._ended in ready:
                    break
                for source in ready:
                    _drain(source)
                self._on_change()
        for source in self._sockets:
            source.close()


def _subscribe(name: str, protocol: int, groups: tuple[int, ...]) -> socket.socket | None:
    try:
        source = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, protocol)
    except OSError as error:
        log.warning("the kernel gives no notifications of %s (%s): changes are noticed at the next look only", name, error)
        return None
    try:
        source.bind((0, 0))
        for group in groups:
            source.setsockopt(_SOL_NETLINK, _ADD_MEMBERSHIP, group)
    except OSError as error:
        source.close()
        log.warning("the kernel gives no notifications of %s (%s): changes are noticed at the next look only", name, error)
        return None
    return source


def _drain(source: socket.socket) -> None:
    # An overrun (ENOBUFS) tells of a change as well as a message does.
    with suppress(OSError):
        while source.recv(_ENOUGH):
            pass
