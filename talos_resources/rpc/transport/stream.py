"""One request and its answer on an HTTP/2 connection."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Protocol

from talos_resources.rpc.transport import frames
from talos_resources.rpc.transport.contract import TransportError
from talos_resources.state.timeout import Deadline

WINDOW_BYTES: Final = 4 << 20
"""How much of an answer the other side may send before somebody reads it."""

_REFUSED_STREAM: Final = 7
CANCEL: Final = 8


class Carrier(Protocol):
    """What a stream needs of its connection."""

    def wait(self, stream: Stream, done: Callable[[], bool], deadline: Deadline) -> None:
        """Waits until something of a stream is done.

        Raises:
            TransportError: the time is up.
        """
        ...

    def takes(self, stream: Stream) -> bool:
        """Whether the other side takes more of a request now."""
        ...

    def say(self, data: bytes) -> None:
        """Sends a control frame."""
        ...

    def give_up(self, stream: Stream, failure: TransportError) -> None:
        """Ends a stream from this side."""
        ...


class Stream:
    """A request that was sent and the reply to it; see `talos_resources.rpc.transport.contract.Reply`.

    The thread that reads the connection fills it; the thread that asked takes from it.

    Attributes:
        number: on its connection.
        send_window: how many bytes the other side takes now.
        sent_at: how often anything had come on the connection before.
        heard: something of the answer has come.
        over: no more will come.
    """

    def __init__(self, connection: Carrier, number: int, send_window: int, sent_at: int, deadline: Deadline) -> None:
        self.number = number
        self.send_window = send_window
        self.sent_at = sent_at
        self.status = 0
        self.headers: Mapping[str, str] = {}
        self.trailers: Mapping[str, str] = {}
        self.heard = False
        self.over = False
        self._connection = connection
        self._deadline = deadline
        self._parts: list[bytes] = []
        self._room = WINDOW_BYTES
        self._taken = 0
        self._failure: TransportError | None = None

    def wait_for_head(self) -> None:
        """Waits until status and headers are there.

        Raises:
            TransportError: they will not come.
        """
        self._wait(self._has_head)
        if not self.status and self._failure is not None:
            raise self._failure

    def read(self) -> bytes | None:
        """See `Reply`."""
        while not self._parts:
            if self._failure is not None:
                raise self._failure
            if self.over:
                return None
            self._wait(self._has_news)
        parts, self._parts = self._parts, []
        data = parts[0] if len(parts) == 1 else b"".join(parts)
        self._taken += len(data)
        if self._taken > WINDOW_BYTES // 2 and not self.over:
            more, self._taken = self._taken, 0
            self._room += more
            self._connection.say(frames.window_update(self.number, more))
        return data

    def close(self) -> None:
        """See `Reply`."""
        if self.over:
            self._parts.clear()
            return
        self._connection.give_up(self, TransportError("closed by this side"))

    def wait_for_window(self) -> None:
        """Waits until the other side takes more of the request, or has answered."""
        self._wait(lambda: self.over or self._connection.takes(self))

    def take_headers(self, fields: Mapping[str, str], *, ends: bool) -> None:
        """A block has come.

        Raises:
            ProtocolError: it is not one of an answer.
        """
        self.heard = True
        if not self.status:
            status = fields.get(":status", "")
            if not status.isdecimal() or len(status) != 3:
                raise frames.ProtocolError("an answer without a status")
            if status.startswith("1") and not ends:
                return  # there will be another one
            self.status, self.headers = int(status), fields
        elif not ends:
            raise frames.ProtocolError("headers in the middle of an answer")
        else:
            self.trailers = fields
        if ends:
            self.over = True

    def take_data(self, data: bytes, length: int, *, ends: bool) -> None:
        """A piece of the body has come.

        Args:
            data: the piece.
            length: what it takes of the window, with its padding.
            ends: nothing comes after it.

        Raises:
            ProtocolError: nobody allowed so much, or it comes before the headers.
        """
        if not self.status:
            raise frames.ProtocolError("an answer without headers")
        self._room -= length
        if self._room < 0:
            raise frames.ProtocolError("more of an answer than was asked for")
        padding = length - len(data)
        if padding:
            self._taken += padding
        if data:
            self._parts.append(data)
        if ends:
            self.over = True

    def take_reset(self, code: int) -> None:
        """The other side gives it up."""
        if code == _REFUSED_STREAM and not self.heard:
            self.fail(TransportError("it refused the request", refused=True))
        else:
            self.fail(TransportError(f"it ended the request{'' if code in {0, CANCEL} else f' (HTTP/2 error {code})'}"))

    def fail(self, failure: TransportError) -> None:
        """No more will come, and this is why."""
        if not self.over:
            self._failure = failure
            self.over = True

    def drop(self, failure: TransportError) -> None:
        """Nobody wants what has come either."""
        self.fail(failure)
        self._parts.clear()

    def _has_head(self) -> bool:
        return self.status != 0 or self.over

    def _has_news(self) -> bool:
        return bool(self._parts) or self.over

    def _wait(self, done: Callable[[], bool]) -> None:
        self._connection.wait(self, done, self._deadline)
