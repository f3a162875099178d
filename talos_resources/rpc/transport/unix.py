"""HTTP/2 over unix sockets: grpclib's connection in a background loop, behind our transport interface.

pyqwest has no unix sockets. The only use of asyncio on the client's side; nobody else pays for it.
"""

from __future__ import annotations

import asyncio
import os
import queue
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Final, TypeVar

from talos_resources.model.errors import UnsupportedError
from talos_resources.rpc.framing import MAX_MESSAGE_BYTES
from talos_resources.rpc.transport.contract import TransportError

try:
    from grpclib.config import Configuration
    from grpclib.exceptions import StreamTerminatedError
    from grpclib.protocol import AbstractHandler, H2Protocol, Stream
    from grpclib.utils import Wrapper
    from h2.config import H2Configuration
    from h2.exceptions import H2Error
except ImportError as missing:
    raise UnsupportedError(f"unix sockets need grpclib ({missing}); install talos-resources[server]") from None

T = TypeVar("T")

QUEUED_PIECES: Final = 1024
"""How far the loop reads ahead of the caller; then HTTP/2's flow control stops the other side."""

_CLIENT: Final = Configuration().__for_client__()
_H2: Final = H2Configuration(client_side=True, header_encoding="ascii")


class UnixTransport:
    """One socket; calls and streams share its connection."""

    def __init__(self, path: str, *, connect_timeout: float) -> None:
        """Nothing is connected yet.

        Args:
            path: of the socket; a leading `@` names an abstract one.
            connect_timeout: in seconds.
        """
        self.address = f"unix:{path}"
        self._path = f"\0{path[1:]}" if path.startswith("@") else path
        self._connect_timeout = connect_timeout
        self._loop = _background_loop()
        self._protocol: H2Protocol | None = None
        self._connecting = self._call(_new_lock())

    def request(self, path: str, headers: Sequence[tuple[str, str]], body: bytes, *, timeout: float | None) -> UnixReply:
        """See `Transport`."""
        reply = UnixReply(self._loop)
        head = [(":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "localhost"), *headers]
        self._loop.call_soon_threadsafe(reply.start, self._exchange(reply, head, body, timeout))
        reply.wait_for_head()
        return reply

    gather = request
    """See `Transport`; the reply may come in pieces all the same."""

    def close(self) -> None:
        """See `Transport`."""
        self._loop.call_soon_threadsafe(self._close)

    def _close(self) -> None:
        if self._protocol is not None:
            self._protocol.processor.close("closed by this side")
            self._protocol = None

    def _call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    async def _exchange(self, reply: UnixReply, head: list[tuple[str, str]], body: bytes, limit: float | None) -> None:
        try:
            async with asyncio.timeout(limit):
                protocol = await self._connected()
                wrapper = Wrapper()
                with wrapper:
                    stream = protocol.connection.create_stream(wrapper=wrapper)
                    release = await stream.send_request(head, _processor=protocol.processor)
                    try:
                        await stream.send_data(body, end_stream=True)
                        await _receive(stream, reply)
                    finally:
                        if stream.closable:
                            stream.reset_nowait()
                        release()
        except TimeoutError:
            reply.fail(TransportError("timed out", timed_out=True))
        except StreamTerminatedError as error:
            reply.fail(TransportError(f"the connection broke ({error})"))
        except (OSError, H2Error, AssertionError) as error:
            reply.fail(TransportError(str(error)))
        except TransportError as error:
            reply.fail(error)

    async def _connected(self) -> H2Protocol:
        async with self._connecting:
            if self._protocol is None or self._protocol.connection.is_closing():
                self._protocol = await self._dial()
            return self._protocol

    async def _dial(self) -> H2Protocol:
        try:
            async with asyncio.timeout(self._connect_timeout):
                _, protocol = await self._loop.create_unix_connection(lambda: H2Protocol(_Handler(), _CLIENT, _H2), self._path)
        except TimeoutError:
            raise TransportError("timed out", refused=True) from None
        except FileNotFoundError:
            raise TransportError("no such socket", refused=True) from None
        except ConnectionRefusedError:
            raise TransportError("connection refused: nobody listens on the socket", refused=True) from None
        except OSError as error:
            raise TransportError(error.strerror or str(error), refused=True) from None
        return protocol

    def __repr__(self) -> str:
        return f"<UnixTransport {self.address}>"


class UnixReply:
    """A reply that a task of the loop fills and a thread reads."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._task: asyncio.Task[None] | None = None
        self._head: queue.SimpleQueue[TransportError | None] = queue.SimpleQueue()
        self._pieces: queue.SimpleQueue[bytes | TransportError | None] = queue.SimpleQueue()
        self._room = asyncio.Semaphore(QUEUED_PIECES)
        self._has_head = False
        self._ended = False
        self.status = 0
        self.headers: Mapping[str, str] = {}
        self.trailers: Mapping[str, str] = {}

    def start(self, exchange: Coroutine[Any, Any, None]) -> None:
        """Runs the exchange; called in the loop."""
        self._task = self._loop.create_task(exchange)

    def wait_for_head(self) -> None:
        """Waits until status and headers are there.

        Raises:
            TransportError: they will not come.
        """
        failure = self._head.get()
        if failure is not None:
            raise failure

    def begin(self, headers: Mapping[str, str]) -> None:
        """The head has come; called in the loop."""
        self.status = int(headers.get(":status", "0"))
        self.headers = headers
        self._has_head = True
        self._head.put(None)

    async def add(self, piece: bytes) -> None:
        """A piece has come; called in the loop."""
        await self._room.acquire()
        self._pieces.put(piece)

    def end(self, trailers: Mapping[str, str]) -> None:
        """All is there; called in the loop."""
        self.trailers = trailers
        self._pieces.put(None)

    def fail(self, error: TransportError) -> None:
        """No more will come; called in the loop."""
        (self._pieces if self._has_head else self._head).put(error)

    def read(self) -> bytes | None:
        """See `Reply`."""
        if self._ended:
            return None
        piece = self._pieces.get()
        if isinstance(piece, bytes):
            self._loop.call_soon_threadsafe(self._room.release)
            return piece
        self._ended = True
        if piece is not None:
            raise piece
        return None

    def close(self) -> None:
        """See `Reply`."""
        self._loop.call_soon_threadsafe(self._cancel)

    def _cancel(self) -> None:
        if self._task is not None and not self._task.done():
            self._task.cancel()
            self.fail(TransportError("closed by this side"))


class _Handler(AbstractHandler):
    """A client has nothing to accept; its streams end themselves."""

    def accept(self, stream: Stream, headers: Any, release_stream: Callable[[], None]) -> None:
        """A server does not send requests."""

    def cancel(self, stream: Stream) -> None:
        """The stream's own wrapper has told it."""

    def close(self) -> None:
        """The connection is gone; the next call makes another."""


async def _receive(stream: Stream, reply: UnixReply) -> None:
    reply.begin(dict(await stream.recv_headers()))
    while head := await stream.recv_data(5):
        await reply.add(head)
        length = int.from_bytes(head[1:])
        if length > MAX_MESSAGE_BYTES:
            break  # the reader refuses the head; nobody may make us keep more
        if length:
            await reply.add(await stream.recv_data(length))
    reply.end(dict(stream.trailers or ()))


async def _new_lock() -> asyncio.Lock:
    return asyncio.Lock()


_LOOP_LOCK: Final = threading.Lock()
_loops: list[asyncio.AbstractEventLoop] = []


def _background_loop() -> asyncio.AbstractEventLoop:
    """The loop of all unix transports of the process, in a daemon thread."""
    with _LOOP_LOCK:
        if not _loops:
            loop = asyncio.new_event_loop()
            threading.Thread(target=loop.run_forever, name="talos-resources unix sockets", daemon=True).start()
            _loops.append(loop)
        return _loops[0]


# A forked child has the loop but not its thread.
os.register_at_fork(after_in_child=_loops.clear)
