"""One client's HTTP/2 connection: grpclib's protocol with bounds on what the client may cost.

Below grpclib's own server, because that reads messages of any size and understands no compression, and
because answers here are ready-made bytes.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Final, Protocol

from grpclib.config import Configuration
from grpclib.protocol import AbstractHandler, H2Protocol, Stream
from h2.config import H2Configuration
from h2.errors import ErrorCodes
from h2.events import DataReceived
from h2.exceptions import H2Error
from h2.settings import SettingCodes

from talos_resources.rpc.headers import folded
from talos_resources.rpc.server.addresses import client_of
from talos_resources.rpc.server.closed_streams import remember_few
from talos_resources.rpc.server.connections import Connections
from talos_resources.rpc.server.floods import Floods
from talos_resources.rpc.server.frame_sizes import FrameSizes
from talos_resources.rpc.server.limits import Limits
from talos_resources.rpc.server.reading_turns import Arrived
from talos_resources.rpc.server.roles import EVERYTHING, Role, roles_of
from talos_resources.rpc.server.work_turns import WorkTurns

log: Final = logging.getLogger(__name__)

RESET_WINDOW_S: Final = 10.0
GOODBYE_S: Final = 0.25
_UNREAD_BYTES: Final = 4 << 20
"""A client whose answers pile up to this is not listened to until it has taken some."""

_ENDED: Final = 16
"""Calls of a lost connection that end in one turn."""

_CONFIG: Final = Configuration(http2_stream_window_size=256 << 10, http2_connection_window_size=4 << 20).__for_server__()
_H2: Final = H2Configuration(client_side=False, header_encoding="utf-8")


class Dispatch(Protocol):
    """What answers a request: reads from the stream, writes to it, and never raises."""

    def __call__(self, stream: Stream, headers: dict[str, str], connection: ClientConnection) -> Coroutine[Any, Any, None]:
        """Answers."""
        ...


class ClientConnection(H2Protocol, AbstractHandler):
    """A connection and the calls on it.

    Attributes:
        roles: what the client's certificate makes of it.
        closing: the server stops; calls end with a status that says so.
    """

    def __init__(self, dispatch: Dispatch, limits: Limits, connections: Connections) -> None:
        super().__init__(self, _CONFIG, _H2)
        self.roles: frozenset[Role] = frozenset()
        self.closing = False
        self._dispatch = dispatch
        self._limits = limits
        self._connections = connections
        self._tasks: dict[Stream, asyncio.Task[None]] = {}
        self._resets: deque[float] = deque()
        self._idle: asyncio.TimerHandle | None = None
        self._drop: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None
        self._loop = asyncio.get_running_loop()
        self._lost = asyncio.Event()
        self._sizes = FrameSizes()
        self._floods = Floods()
        self._arrived = Arrived()
        self._peer = ""
        self._client: int | None = None
        self._ending: asyncio.Task[None] | None = None

    @property
    def peer(self) -> str:
        """The client's IP address; empty on a unix socket."""
        return self._peer

    @property
    def client(self) -> Hashable:
        """Whose share of the server it takes: that of its address (of IPv6 its /64), or its own on a unix socket."""
        return self if self._client is None else self._client

    @property
    def turns(self) -> WorkTurns:
        """Whose turn it is to work."""
        return self._connections.turns

    @property
    def calls(self) -> int:
        """How many are going on."""
        return len(self._tasks)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        super().connection_made(transport)
        name = transport.get_extra_info("peername")
        self._peer = str(name[0]) if isinstance(name, tuple) else ""
        self._client = client_of(self._peer)
        if not self._connections.admit(self):
            transport.abort()
            return
        tls = transport.get_extra_info("ssl_object")
        self.roles = EVERYTHING if tls is None else roles_of(tls.getpeercert())
        h2 = self.connection._connection  # noqa: SLF001  # grpclib has no way to these settings
        remember_few(h2)
        h2.update_settings({SettingCodes.MAX_CONCURRENT_STREAMS: self._limits.streams})
        self.connection.flush()
        self._rest()

    def data_received(self, data: bytes) -> None:
        """Bytes from the client, who may send anything: a quarter of a megabyte is thousands of requests."""
        is_queued = bool(self._arrived)
        self._arrived.put(data)
        arriving = self._connections.arriving
        if is_queued or (arriving.nobody_waits and not self.look()):
            return
        self._listen()
        arriving.queue(self.client, self)

    def look(self) -> bool:
        """Looks at a part of what has arrived; returns whether there is more, and goes on reading if not."""
        more = self._arrived.look(self._sizes.part, self._feed)
        if not more:
            self._listen()
        return more

    def _listen(self) -> None:
        """Goes on reading, or not: what has arrived comes first, and then what the client has not taken."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if self._arrived or transport.get_write_buffer_size() > _UNREAD_BYTES:
            transport.pause_reading()
        else:
            transport.resume_reading()

    def _feed(self, data: bytes) -> None:
        if self._transport is None or self._transport.is_closing():
            self._arrived.clear()
            return
        if not self._sizes.fit:
            log.debug("a frame or headers that are too large")
            self._hang_up("Protocol error")
            return
        if self._sizes.idle:
            idle, self._sizes.idle = self._sizes.idle, {}
            if not self._floods.allowed(idle, now=self._loop.time()):
                log.debug("a flood of frames that bring nothing: %s", idle)
                self._hang_up("Enhance your calm")
                return
        try:
            events = self.connection.feed(data)
        except (H2Error, ValueError, UnicodeDecodeError) as error:
            log.debug("protocol error: %s", error)
            self._hang_up("Protocol error")
            return
        try:
            for event in events:
                if isinstance(event, DataReceived) and not event.flow_controlled_length:
                    continue  # grpclib takes DATA without a byte for the end of the stream
                try:
                    self.processor.process(event)
                except NotImplementedError:
                    continue  # a frame of a kind that HTTP/2 lets us pass over
            self.connection.flush()
        except (H2Error, AttributeError, KeyError) as error:
            # The events of one packet can contradict each other: a stream that is used after its end.
            log.debug("protocol error: %s", error)
            self._hang_up("Protocol error")
            return

    def resume_writing(self) -> None:
        """The client has taken what was waiting for it."""
        super().resume_writing()
        self._listen()

    def eof_received(self) -> None:
        """The client says nothing any more: its calls end, and what waits for it is dropped unless it is taken soon."""
        self._hang_up("Half closed")

    def connection_lost(self, exc: BaseException | None) -> None:
        """The client is gone."""
        self._connections.discard(self)
        for timer in (self._idle, self._drop):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)
        self._transport = None
        self._arrived.clear()
        self._lost.set()
        if not self._tasks:
            self._let_go()

    def accept(self, stream: Stream, headers: Any, release_stream: Callable[[], None]) -> None:
        """A request begins."""
        if not self._connections.admit_call(self):
            stream.reset_nowait(ErrorCodes.REFUSED_STREAM)
            release_stream()
            return
        if self._idle is not None:
            self._idle.cancel()
        task = self._loop.create_task(self._dispatch(stream, folded(headers), self))
        self._tasks[stream] = task

        def done(_task: asyncio.Task[None]) -> None:
            self._tasks.pop(stream, None)
            self._connections.end_call(self)
            release_stream()
            if not self._tasks:
                self._rest() if self._transport is not None else self._let_go()

        task.add_done_callback(done)

    def cancel(self, stream: Stream) -> None:
        """The client gives a request up."""
        task = self._tasks.get(stream)
        if task is not None:
            task.cancel()
        now = self._loop.time()
        self._resets.append(now)
        while now - self._resets[0] > RESET_WINDOW_S:
            self._resets.popleft()
        if len(self._resets) > self._limits.resets:
            log.warning("closed a connection: it gave up %d calls within %g s", len(self._resets), RESET_WINDOW_S)
            self._hang_up("Too many resets")

    def close(self) -> None:
        """The connection is gone: its calls end, a few at a time, for a client may have thousands of them."""
        if self._tasks and self._ending is None:
            self._ending = self._loop.create_task(self._end_calls())

    async def _end_calls(self) -> None:
        for number, task in enumerate(tuple(self._tasks.values())):
            if number % _ENDED == 0:
                await self.turns.turn(self.client)
            task.cancel()

    async def shut_down(self) -> None:
        """Ends the calls with a status, then the connection."""
        self.closing = True
        tasks = tuple(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=5.0)
        if not self.connection.is_closing():
            self.connection._connection.close_connection()  # noqa: SLF001  # GOAWAY, which grpclib never sends
            self.connection.flush()
        self._hang_up("Server stopped")
        try:
            # TLS says goodbye and waits for the answer.
            async with asyncio.timeout(GOODBYE_S):
                await self._lost.wait()
        except TimeoutError:
            if self._transport is not None:
                self._transport.abort()
            await self._lost.wait()

    def make_room(self) -> None:
        """Ends an idle connection for another one, which needs its place now."""
        self._hang_up("Idle")
        if self._transport is not None:
            self._loop.call_later(GOODBYE_S, self._transport.abort)

    def _let_go(self) -> None:
        """Breaks the circle through grpclib when the last call of a lost connection is over.

        All that it held is freed at once then: a thousand calls are 16 MB, which the collector would find some time.
        """
        circle: Any = self
        circle.processor.handler = circle.handler = None

    def _hang_up(self, reason: str) -> None:
        if self._transport is None:
            return
        if not self.connection.is_closing():
            self.connection.flush()  # what h2 says about the error
        self.processor.close(reason)
        if self._drop is None:
            self._drop = self._loop.call_later(self._limits.closing_s, self._transport.abort)

    def _rest(self) -> None:
        """Closes the connection unless a call comes in time."""
        if self._transport is not None and not self.closing:
            self._idle = self._loop.call_later(self._limits.idle_s, self._hang_up, "Idle")
