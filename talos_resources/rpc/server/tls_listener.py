"""Who comes in over TLS: a bounded number of handshakes at a time.

asyncio's own servers begin a handshake, of 300 KB, for whoever connects: three thousand clients that say
nothing, without any certificate, would cost 1 GB and all file descriptors.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable
from typing import Final

HANDSHAKES: Final = 128
"""At a time; a further one ends the oldest: who means it is done in milliseconds."""

HANDSHAKE_S: Final = 10.0
_BREATH_S: Final = 0.05


class TlsListener:
    """Accepts the connections of bound sockets."""

    def __init__(self, sockets: list[socket.socket], connect: Callable[[], asyncio.Protocol], tls: ssl.SSLContext) -> None:
        """Accepts at once.

        Args:
            sockets: that listen; they become the listener's to close.
            connect: makes the protocol of a connection.
            tls: the server's side of it.
        """
        self._loop = asyncio.get_running_loop()
        self._sockets = sockets
        self._connect = connect
        self._tls = tls
        self._greetings: dict[asyncio.Task[None], None] = {}
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
                accepted, _ = await self._loop.sock_accept(listening)
            except OSError:  # no descriptor is left, or the client is gone already
                self._end_oldest()
                await asyncio.sleep(_BREATH_S)
                continue
            if len(self._greetings) >= HANDSHAKES:
                self._end_oldest()
            task = self._loop.create_task(self._greet(accepted))
            self._greetings[task] = None
            task.add_done_callback(self._greeted)
            await asyncio.sleep(0)  # a crowd at the door must not keep those who are in waiting

    async def _greet(self, accepted: socket.socket) -> None:
        try:
            with contextlib.suppress(OSError):  # TLS's errors are such, too: it is the client's to wonder why
                await self._loop.connect_accepted_socket(self._connect, accepted, ssl=self._tls, ssl_handshake_timeout=HANDSHAKE_S)
        except BaseException:
            accepted.close()
            raise

    def _end_oldest(self) -> None:
        oldest = next(iter(self._greetings), None)
        if oldest is not None:
            del self._greetings[oldest]
            oldest.cancel()

    def _greeted(self, task: asyncio.Task[None]) -> None:
        self._greetings.pop(task, None)
