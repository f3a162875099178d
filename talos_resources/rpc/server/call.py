"""One gRPC call on the server's side: its request, its answer, its status."""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Iterable, Iterator, Mapping
from time import monotonic
from typing import Any, Final

import attrs
from grpclib.exceptions import StreamTerminatedError
from grpclib.protocol import Stream
from grpclib.utils import Wrapper
from h2.exceptions import H2Error

from talos_resources.rpc.framing import frame
from talos_resources.rpc.server.connection import ClientConnection
from talos_resources.rpc.server.limits import Limits
from talos_resources.rpc.server.roles import Role
from talos_resources.rpc.server.shares import Shares
from talos_resources.rpc.server.work_turns import SLICE_S, WorkTurns
from talos_resources.rpc.status import Code, RpcError, encode_text

log: Final = logging.getLogger(__name__)

Method = Callable[["Call", bytes], Coroutine[Any, Any, None]]
"""Answers a request with messages; the status follows from whether it raises."""

_HEAD: Final = (("content-type", "application/grpc+proto"), ("grpc-accept-encoding", "gzip"))
PIECE_BYTES: Final = 64 << 10
"""About how much is encoded before it is sent: enough to fill packets, little enough to stay responsive."""

_READ_BYTES: Final = 64 << 10


@attrs.define(eq=False)
class Call:
    """What a method sees of its call.

    Attributes:
        roles: what the client's certificate makes of it.
        metadata: the headers of the request; what was sent several times is joined by commas.
        turns: whose turn it is to work.
    """

    roles: frozenset[Role]
    _stream: Stream
    _limits: Limits
    client: Hashable
    turns: WorkTurns
    _answers: Shares
    _head: tuple[tuple[str, str], ...] = _HEAD
    _began: bool = False
    metadata: Mapping[str, str] = attrs.field(factory=dict)

    def part(self) -> CallPart:
        """The same call for one of several that answer it; what is sent is kept."""
        return CallPart(self.roles, self._stream, self._limits, self.client, self.turns, self._answers, metadata=self.metadata)

    async def turn(self) -> None:
        """Waits until it is the client's turn to have something done, for about `SLICE_S`."""
        await self.turns.turn(self.client)

    async def wanted(self) -> None:
        """Waits until the client would take some of an answer: before that, it need not be made.

        Raises:
            RpcError: the client takes nothing.
        """
        await self.send_made(0, tuple)

    async def send(self, *messages: bytes) -> None:
        """Sends messages.

        Raises:
            RpcError: the client does not take them.
        """
        await self.send_made(sum(map(len, messages)), lambda: [b"".join(map(frame, messages))])

    async def send_framed(self, data: bytes) -> None:
        """Sends messages with their heads, in one piece.

        Raises:
            RpcError: the client does not take them.
        """
        await self.send_made(len(data), lambda: [data])

    async def send_pieces(self, pieces: Iterator[bytes]) -> None:
        """Sends messages with their heads, piece by piece; each is made when the client can take some of it.

        Raises:
            RpcError: the client does not take them.
        """
        while await self.send_made(PIECE_BYTES, lambda: _for_a_turn(pieces)):
            pass

    async def send_made(self, size: int, make: Callable[[], Iterable[bytes]]) -> bool:
        """Sends what is made when the client can take some of it, and when there is room to hold it until it has.

        Args:
            size: about how many bytes there will be at a time.
            make: gives messages with their heads in pieces; nothing is sent if there are none. They are made in one turn.

        Returns:
            Whether there was something.

        Raises:
            RpcError: the client does not take them.
        """

        async def in_turn() -> Iterable[bytes]:
            await self.turn()
            return make()

        return await self.send_prepared(size, in_turn)

    async def send_prepared(self, size: int, make: Callable[[], Awaitable[Iterable[bytes]]]) -> bool:
        """As `send_made`, of what takes more than a turn to be made."""
        try:
            async with asyncio.timeout(self._limits.send_s) as patience:
                await self._begin()
                await self._window()
                async with self._answers.holding(self.client, size):
                    sent = False
                    for piece in await make():
                        self._check_there()
                        await self._stream.send_data(piece)
                        sent = True
                        patience.reschedule(asyncio.get_running_loop().time() + self._limits.send_s)
                    return sent
        except TimeoutError:
            raise RpcError(Code.RESOURCE_EXHAUSTED, f"you did not take an answer within {self._limits.send_s:g} s") from None

    async def finish(self, code: Code, text: str = "") -> None:
        """Sends the status."""
        if not self._stream.closable:
            return
        trailers = [("grpc-status", str(code.value)), *([("grpc-message", encode_text(text))] if text else [])]
        if not self._began:
            trailers = [(":status", "200"), *self._head, *trailers]
        try:
            async with asyncio.timeout(1.0):
                await self._stream.send_headers(trailers, end_stream=True)
        except TimeoutError:  # it does not even take this
            self._stream.reset_nowait()

    async def _window(self) -> None:
        """Waits until the client lets us send anything at all."""
        stream = self._stream
        assert stream.id is not None
        while True:
            self._check_there()
            await stream.connection.write_ready.wait()
            self._check_there()
            if stream._h2_connection.local_flow_control_window(stream.id) > 0:  # noqa: SLF001  # grpclib looks only when all is made
                return
            stream.window_updated.clear()
            await stream.window_updated.wait()

    def _check_there(self) -> None:
        if not self._stream.closable:  # or asyncio would take it and complain about each piece
            raise StreamTerminatedError("the client has gone")

    async def _begin(self) -> None:
        if not self._began:
            self._began = True
            await self._stream.send_headers([(":status", "200"), *self._head])


def _for_a_turn(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """As many of the pieces as are made and taken within a turn."""
    until = monotonic() + SLICE_S
    for piece in pieces:
        yield piece
        if monotonic() >= until:
            return


@attrs.define(eq=False)
class CallPart(Call):
    """A call whose answer is put together from those of several; see `Call.part`.

    Attributes:
        messages: what has been answered.
    """

    messages: list[bytes] = attrs.field(factory=list)

    async def send(self, *messages: bytes) -> None:
        """Keeps messages."""
        self.messages.extend(messages)


class Answering(ABC):
    """Answers requests, and copes with clients that go away meanwhile."""

    def __init__(self, limits: Limits) -> None:
        """Takes what clients may take."""
        self._limits = limits
        self._requests = Shares(limits.requests_bytes, limits.requests_bytes // 4)
        self._answers = Shares(limits.answers_bytes, limits.answers_bytes // 4)

    def head(self, headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
        """What the answer to a request with these headers begins with."""
        del headers
        return _HEAD

    @abstractmethod
    async def answer(self, call: Call, stream: Stream, headers: dict[str, str], connection: ClientConnection) -> None:
        """Answers one request."""

    async def read(self, stream: Stream, size: int, client: Hashable) -> bytes:
        """So many bytes of a request; what has arrived counts as the client's, not what was announced.

        Raises:
            RpcError: this client, or all together, send too much at a time.
            AssertionError: the request ends before.
        """
        pieces: list[bytes] = []
        held = 0
        try:
            while held < size:
                piece = await stream.recv_data(min(size - held, _READ_BYTES))
                assert piece, "the stream ends"
                if not self._requests.take(client, len(piece)):
                    raise RpcError(Code.RESOURCE_EXHAUSTED, "the server is reading too many large requests; try again")
                held += len(piece)
                pieces.append(piece)
            return b"".join(pieces)
        finally:
            self._requests.give(client, held)

    async def say_goodbye(self, call: Call, headers: Mapping[str, str]) -> None:
        """Ends a call because the server stops."""
        del headers
        await call.finish(Code.UNAVAILABLE, "the server is stopping")

    async def __call__(self, stream: Stream, headers: dict[str, str], connection: ClientConnection) -> None:
        """Answers one request; see `connection.Dispatch`."""
        call = Call(
            connection.roles, stream, self._limits, connection.client, connection.turns, self._answers, self.head(headers), metadata=headers
        )
        stream.wrapper = wrapper = Wrapper()
        try:
            with wrapper:
                try:
                    await self.answer(call, stream, headers, connection)
                except asyncio.CancelledError:
                    if not connection.closing:
                        raise
                    await self.say_goodbye(call, headers)
        except (StreamTerminatedError, asyncio.CancelledError):
            pass  # the client has gone, or given up
        except (H2Error, OSError, AttributeError) as error:
            log.debug("the answer to %s could not be sent: %s", headers.get(":path"), error)
        finally:
            # The error that ended the call holds its frames, and they hold the wrapper that holds the error: a circle
            # that would keep all of a lost connection until the collector comes by.
            stream.wrapper = wrapper._error = None  # noqa: SLF001
