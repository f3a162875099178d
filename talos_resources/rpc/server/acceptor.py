"""Who comes in: a bounded number of handshakes at a time, and no descriptor is ever short for long.

asyncio's own servers begin a handshake, of 300 KB, for whoever connects: three thousand clients that say
nothing, without any certificate, would cost 1 GB and all file descriptors. And where descriptors are short, they
write a traceback for each place in the queue (73 MB in 18 s) and let nobody in.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections import Counter
from collections.abc import Callable, Hashable
from typing import Final

from talos_resources.rpc.server.addresses import client_of
from talos_resources.rpc.transport.dial import keep_alive

HANDSHAKES: Final = 128
"""At a time; a further one ends the oldest of whoever has most: one who only knocks keeps out nobody who is far away."""

HANDSHAKE_S: Final = 10.0
_BREATH_S: Final = 0.05


class Acceptor:
    """Accepts the connections of bound sockets."""

    def __init__(
        self,
        sockets: list[socket.socket],
        connect: Callable[[], asyncio.Protocol],
        tls: ssl.SSLContext | None,
        *,
        on_short: Callable[[OSError], None],
    ) -> None:
        """Accepts at once.

        Args:
            sockets: that listen; they become the listener's to close.
            connect: makes the protocol of a connection.
            tls: the server's side of it; None for plaintext.
            on_short: called when the system gives no descriptor for another one.
        """
        self._loop = asyncio.get_running_loop()
        self._sockets = sockets
        self._connect = connect
        self._tls = tls
        self._on_short = on_short
        self._greetings: dict[asyncio.Task[None], Hashable] = {}
        self._accepting = [self._loop.create_task(self._accept(listening)) for listening in sockets]

    async def close(self) -> None:
        """Lets nobody in any more; those who are in stay."""
        tasks = [*self._accepting, *self._greetings]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for listening in self._sockets:
            listening.close()

    async def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                accepted, address = await self._loop.sock_accept(listening)
            except ConnectionError:  # the client is gone already
                continue
            except OSError as error:
                self._end_oldest()
                self._on_short(error)
                await asyncio.sleep(_BREATH_S)
                continue
            self._begin(accepted, client_of(str(address[0])) if isinstance(address, tuple) else None)
            del accepted  # it would stay until the next one comes
            await asyncio.sleep(0)  # a crowd at the door must not keep those who are in waiting

    def _begin(self, accepted: socket.socket, client: Hashable) -> None:
        if len(self._greetings) >= HANDSHAKES:
            self._end_oldest()
        task = self._loop.create_task(self._greet(accepted))
        self._greetings[task] = client
        task.add_done_callback(self._greeted)

    async def _greet(self, accepted: socket.socket) -> None:
        timeout = None if self._tls is None else HANDSHAKE_S
        try:
            with contextlib.suppress(OSError):  # TLS's errors are such, too: it is the client's to wonder why
                _notice_dead_peers(accepted)
                await self._loop.connect_accepted_socket(self._connect, accepted, ssl=self._tls, ssl_handshake_timeout=timeout)
        except BaseException:
            accepted.close()
            raise

    def _end_oldest(self) -> None:
        if self._greetings:
            most = Counter(self._greetings.values()).most_common(1)[0][0]
            oldest = next(task for task, client in self._greetings.items() if client == most)
            del self._greetings[oldest]
            oldest.cancel()

    def _greeted(self, task: asyncio.Task[None]) -> None:
        self._greetings.pop(task, None)


def _notice_dead_peers(accepted: socket.socket) -> None:
    """Has the kernel ask clients that say nothing whether they are still there."""
    if accepted.family in (socket.AF_INET, socket.AF_INET6):
        keep_alive(accepted, idle_s=30, every_s=10, probes=3)
