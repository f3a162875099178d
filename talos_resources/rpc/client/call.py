"""gRPC calls over a transport: framing, status, deadline, and endpoints that are tried in turn."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NoReturn, TypeVar

import attrs

from talos_resources.model.errors import ConnectError
from talos_resources.rpc.framing import MAX_MESSAGE_BYTES, Deframer, FrameError, frame
from talos_resources.rpc.headers import call_headers
from talos_resources.rpc.status import Code, RpcError, decode_text, parse_code
from talos_resources.rpc.transport.contract import Reply, Transport, TransportError

T = TypeVar("T")


class Messages:
    """The messages of one reply, in the batches in which they arrive."""

    def __init__(self, reply: Reply, *, address: str, limit: int = MAX_MESSAGE_BYTES) -> None:
        """Checks the head of the reply.

        Raises:
            ConnectError: it is not gRPC.
        """
        self.address = address
        self._reply = reply
        headers = reply.headers
        if reply.status != 200 or not headers.get("content-type", "").startswith("application/grpc"):
            reply.close()
            kind = headers.get("content-type", "no content type")
            raise ConnectError(f"{address}: not a Talos API: it answered HTTP {reply.status} with {kind}", address=address)
        self._headers = headers
        self._deframer = Deframer(limit=limit, encoding=headers.get("grpc-encoding", "identity"))

    def __iter__(self) -> Iterator[list[bytes]]:
        """The messages as they come; a batch is never empty.

        Raises:
            RpcError: the call ended with another status than OK.
            TransportError: it did not end properly.
        """
        try:
            while (piece := self._reply.read()) is not None:
                if messages := self._deframer.feed(piece):
                    yield messages
            self._check_status()
            self._deframer.finish()
        except FrameError as error:
            code = Code.RESOURCE_EXHAUSTED if error.too_large else Code.INTERNAL
            raise RpcError(code, f"the other side sent what gRPC does not allow: {error}") from None
        finally:
            self._reply.close()

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


@attrs.define
class Channel:
    """Calls to one node, through the endpoints that lead there.

    Attributes:
        transports: one per endpoint, tried in turn until one can be reached; shared with other channels.
        metadata: sent with every call, `node` for example.
        timeout: seconds for a call that is not a watch, None for no end.
    """

    transports: Sequence[Transport]
    metadata: Sequence[tuple[str, str]] = ()
    timeout: float | None = None
    _preferred: int = attrs.field(default=0, init=False)

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
        messages = interruptible(lambda: self._all(method, request, repeatable=repeatable))
        if len(messages) != 1:
            raise RpcError(Code.INTERNAL, f"{method} answered with {len(messages)} messages instead of one")
        return messages[0]

    def gather(self, method: str, request: bytes, convert: Callable[[bytes], T]) -> list[T]:
        """A call that answers with any number of messages, each converted.

        Raises:
            RpcError: the other side says no.
            ConnectError: no endpoint answers.
        """

        def work(transport: Transport) -> list[T]:
            reply = transport.gather(method, call_headers(self.metadata, self.timeout), frame(request), timeout=self.timeout)
            return [convert(message) for batch in Messages(reply, address=transport.address) for message in batch]

        return interruptible(lambda: self._attempt(work, repeatable=True))

    def stream(self, method: str, request: bytes) -> Messages:
        """A call without a deadline whose messages the caller reads.

        Blocks until the other side sends the head of its answer; see `interruptible`.

        Raises:
            ConnectError: no endpoint answers.
        """
        return self._attempt(lambda transport: self._call(transport, method, request, None), repeatable=True)

    def _all(self, method: str, request: bytes, *, repeatable: bool) -> list[bytes]:
        return self._attempt(
            lambda transport: [message for batch in self._call(transport, method, request, self.timeout) for message in batch],
            repeatable=repeatable,
        )

    def _call(self, transport: Transport, method: str, request: bytes, timeout: float | None) -> Messages:
        reply = transport.request(method, call_headers(self.metadata, timeout), frame(request), timeout=timeout)
        return Messages(reply, address=transport.address)

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


def interruptible(work: Callable[[], T]) -> T:
    """Runs blocking work so that Ctrl-C ends the wait for it.

    Blocking calls into Rust do not notice signals. In the main thread, the only one that gets them, the
    work goes to a daemon thread; whatever else calls runs it itself.
    """
    if threading.current_thread() is not threading.main_thread():
        return work()
    outcome: queue.SimpleQueue[Callable[[], T]] = queue.SimpleQueue()

    def run() -> None:
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001  # it is raised where the caller waits
            outcome.put(partial(_raise, error))
        else:
            outcome.put(lambda: result)

    threading.Thread(target=run, name="talos-resources call", daemon=True).start()
    return outcome.get()()


def _raise(error: BaseException) -> NoReturn:
    raise error
