"""gRPC calls over a transport: framing, status, deadline, and endpoints that are tried in turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeVar

from talos_resources.model.errors import ConnectError
from talos_resources.rpc.framing import MAX_MESSAGE_BYTES, Deframer, FrameError, frame
from talos_resources.rpc.headers import call_headers
from talos_resources.rpc.status import Code, RpcError, decode_text, parse_code
from talos_resources.rpc.transport.contract import Reply, Transport, TransportError

T = TypeVar("T")

MAX_ANSWER_BYTES: Final = 1 << 30
"""How large a whole answer may be, unless somebody says otherwise: a million peer statuses and more."""

MESSAGE_COST: Final = 256
"""What a message counts beside its bytes: many empty ones take memory too."""


def too_large(limit: int) -> str:
    """What is said of an answer that is larger than it may be."""
    return f"the answer is larger than {limit >> 20} MiB; if that is right, allow more with max_answer_bytes or --max-answer"


class Messages:
    """The messages of one reply, in the batches in which they arrive."""

    def __init__(self, reply: Reply, *, address: str, service: str, limit: int = MAX_MESSAGE_BYTES) -> None:
        """Checks the head of the reply.

        Raises:
            TransportError: it is not gRPC.
        """
        self.address = address
        self._reply = reply
        headers = reply.headers
        if reply.status != 200 or not headers.get("content-type", "").startswith("application/grpc"):
            reply.close()
            kind = headers.get("content-type", "no content type")
            raise TransportError(f"not {service}: it answered HTTP {reply.status} with {kind}")
        self._headers = headers
        self._deframer = Deframer(limit=limit, encoding=headers.get("grpc-encoding", "identity"))

    def __iter__(self) -> Iterator[list[bytes]]:
        """See `next`."""
        while (batch := self.next()) is not None:
            yield batch

    def next(self) -> list[bytes] | None:
        """The next messages as they come, never none; None at the end.

        Raises:
            RpcError: the call ended with another status than OK.
            TransportError: it did not end properly.
        """
        piece: bytes | bytearray | memoryview | None = b""
        try:
            # First what the last piece has left.
            while piece is not None:
                if messages := self._deframer.feed(piece):
                    return messages
                piece = self._reply.read()
            self._check_status()
            self._deframer.finish()
        except FrameError as error:
            self._reply.close()
            code = Code.RESOURCE_EXHAUSTED if error.too_large else Code.INTERNAL
            raise RpcError(code, f"the other side sent what gRPC does not allow: {error}") from None
        except BaseException:
            self._reply.close()
            raise
        return None

    def close(self) -> None:
        """Gives the call up; any thread may."""
        self._reply.close()

    def _check_status(self) -> None:
        # A reply that fails at once has its status in the headers.
        status = self._reply.trailers if "grpc-status" in self._reply.trailers else self._headers
        if "grpc-status" not in status:
            raise TransportError("it ended its answer without a status")
        code = parse_code(status["grpc-status"])
        if code is not Code.OK:
            raise RpcError(code, decode_text(status.get("grpc-message", "")))


def unary(transport: Transport, method: str, request: bytes, *, headers: Sequence[tuple[str, str]], timeout: float | None) -> bytes:
    """One message each way, once, at one endpoint.

    Raises:
        RpcError: the other side says no.
        TransportError: it does not answer.
    """
    reply = transport.request(method, headers, frame(request), timeout=timeout)
    found: list[bytes] = []
    messages = Messages(reply, address=transport.address, service=transport.service)
    while (batch := messages.next()) is not None:
        found += batch
        if len(found) > 1:
            messages.close()
            break
    if len(found) != 1:
        raise RpcError(Code.INTERNAL, f"{method} answered with {len(found) or 'no'} messages instead of one")
    return found[0]


class Channel:
    """Calls to one node, through the endpoints that lead there.

    Attributes:
        transports: one per endpoint, tried in turn until one can be reached; shared with other channels.
        metadata: sent with every call, `node` for example.
        timeout: seconds for a call that is not a watch, None for no end.
        max_answer_bytes: how large a whole answer of `gather` may be.
    """

    def __init__(
        self,
        transports: Sequence[Transport],
        metadata: Sequence[tuple[str, str]] = (),
        timeout: float | None = None,
        max_answer_bytes: int = MAX_ANSWER_BYTES,
    ) -> None:
        self.transports = transports
        self.metadata = metadata
        self.timeout = timeout
        self.max_answer_bytes = max_answer_bytes
        self._preferred = 0

    def unary(self, method: str, request: bytes, *, repeatable: bool = False) -> bytes:
        """A call with one message each way.

        Args:
            method: `/package.Service/Method`.
            request: the encoded message.
            repeatable: asking twice does no harm, so another endpoint may be asked when one breaks.

        Raises:
            RpcError: the other side says no.
            ConnectError: no endpoint answers.
        """
        return self._attempt(lambda transport: self._one(transport, method, request), repeatable=repeatable)

    def gather(self, method: str, request: bytes, convert: Callable[[bytes], T]) -> list[T]:
        """A call that answers with any number of messages, each converted.

        Raises:
            RpcError: the other side says no.
            ConnectError: no endpoint answers.
        """

        def work(transport: Transport) -> list[T]:
            found: list[T] = []
            size = 0
            messages = self._call(transport, method, request, self.timeout)
            try:
                while (batch := messages.next()) is not None:
                    size += sum(map(len, batch)) + MESSAGE_COST * len(batch)
                    if size > self.max_answer_bytes:
                        raise RpcError(Code.RESOURCE_EXHAUSTED, too_large(self.max_answer_bytes))
                    found += map(convert, batch)
            finally:
                messages.close()
            return found

        return self._attempt(work, repeatable=True)

    def stream(self, method: str, request: bytes) -> Messages:
        """A call without a deadline whose messages the caller reads.

        Blocks until the other side sends the head of its answer.

        Raises:
            ConnectError: no endpoint answers.
        """
        return self._attempt(lambda transport: self._call(transport, method, request, None), repeatable=True)

    def _one(self, transport: Transport, method: str, request: bytes) -> bytes:
        return unary(transport, method, request, headers=call_headers(self.metadata, self.timeout), timeout=self.timeout)

    def _call(self, transport: Transport, method: str, request: bytes, timeout: float | None) -> Messages:
        reply = transport.request(method, call_headers(self.metadata, timeout), frame(request), timeout=timeout)
        return Messages(reply, address=transport.address, service=transport.service)

    def _attempt(self, work: Callable[[Transport], T], *, repeatable: bool) -> T:
        """Runs `work` with the endpoint that answered last, then with the others."""
        failures: dict[str, str] = {}
        first = self._preferred
        for offset in range(len(self.transports)):
            index = (first + offset) % len(self.transports)
            transport = self.transports[index]
            try:
                result = work(transport)
            except TransportError as error:
                failures[transport.address] = error.reason
                if error.timed_out or not (error.refused or repeatable):
                    break
            else:
                self._preferred = index
                return result
        reasons = "; ".join(f"{address}: {reason}" for address, reason in failures.items())
        raise ConnectError(reasons, reasons=failures)
