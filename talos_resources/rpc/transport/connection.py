"""One HTTP/2 connection that many calls and watches share, without a thread of its own.

Whoever waits for an answer reads the connection, for all: one of the waiting threads at a time takes in what comes,
hands to the others what is theirs, and passes the reading on when it needs no more. A lone call is written and read
by the thread that makes it, so that it costs no change of threads and Ctrl-C ends it.

The windows of HTTP/2 bound what a stream that nobody reads can hold; the window of the connection is as good as
endless, so that such a stream holds up none of the others.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import partial
from typing import Final

from talos_resources.rpc.transport import frames
from talos_resources.rpc.transport.contract import TransportError
from talos_resources.rpc.transport.frames import ProtocolError
from talos_resources.rpc.transport.headers import MAX_BLOCK_BYTES
from talos_resources.rpc.transport.incoming import CREDIT, Intake
from talos_resources.rpc.transport.link import Link, Woken
from talos_resources.rpc.transport.outgoing import Outgoing
from talos_resources.rpc.transport.session import NoRoomError, Session
from talos_resources.rpc.transport.silence import receive
from talos_resources.rpc.transport.stream import CANCEL, WINDOW_BYTES, Stream
from talos_resources.rpc.transport.turns import Turns
from talos_resources.state.timeout import Deadline

_TAKE_S: Final = 10.0

_OWN_SETTINGS: Final = {
    frames.HEADER_TABLE_SIZE: 0,
    frames.ENABLE_PUSH: 0,
    frames.INITIAL_WINDOW_SIZE: WINDOW_BYTES,
    frames.MAX_HEADER_LIST_SIZE: MAX_BLOCK_BYTES,
}
_HELLO: Final = frames.PREFACE + frames.settings(_OWN_SETTINGS) + frames.window_update(0, CREDIT)

Explain = Callable[[BaseException, bytes], TransportError]
"""What to tell the streams of the end of the connection: by what ended it, and the first bytes that came on it."""


class Connection:
    """HTTP/2 over a link."""

    def __init__(self, link: Link, explain: Explain) -> None:
        """Takes a connected link and what tells in words why it ended; nothing is sent before the first request."""
        self._link = link
        self._explain = explain
        self._session = Session()
        self._turns = Turns()
        self._outgoing = Outgoing(link, _HELLO, fail=self._cannot_send)
        self._intake = Intake(self._session, self._outgoing.say, self._outgoing.say_later, self._turns.wake)
        self._reader: Stream | None = None
        self._failure: TransportError | None = None

    @property
    def retired(self) -> bool:
        """Whether no further request may use it."""
        return self._session.retired

    def takes(self, stream: Stream) -> bool:
        """Whether the other side takes more of a request now."""
        return stream.send_window > 0 and self._session.send_window > 0

    def is_fresh(self) -> bool:
        """Whether the next request can use it; takes in what came while nobody was reading."""
        if self._turns.is_mine:  # a signal has come while this thread reads, and asks something: it would wait for itself
            return False
        if self._session.streams:
            return self._session.has_room
        try:
            if self._turns.take():
                self._take_what_is_there()
            self._stop_reading()
        except (OSError, ProtocolError) as error:
            self._break(error)
            self._stop_reading()
        except BaseException as error:  # also Ctrl-C: bytes may be lost
            self._break(error)
            self._stop_reading()
            raise
        return self._session.has_room

    def request(self, head: bytes, body: bytes, deadline: Deadline, *, endless: bool) -> Stream:
        """Sends a request.

        Args:
            head: the header block.
            body: all of it.
            deadline: for the whole exchange.
            endless: the answer has no end, and may be closed by another thread than the one that reads it.

        Raises:
            TransportError: it cannot be sent.
        """
        if endless:
            self._link.wakeable()
        stream, sent = self._outgoing.alone(deadline.remaining(), lambda: self._begin(head, body, deadline), refused=True)
        try:
            while sent < len(body) and not stream.over:
                stream.wait_for_window()
                go_on = partial(self._go_on, stream, body, sent, deadline)
                sent = self._outgoing.alone(deadline.remaining(), go_on, refused=False)
        except BaseException:
            self.give_up(stream, TransportError("interrupted"))
            raise
        if sent < len(body):  # it has its answer already
            self.say(frames.reset(stream.number, CANCEL))
        return stream

    def wait(self, stream: Stream, done: Callable[[], bool], deadline: Deadline) -> None:
        """Waits until something of a stream is done, and reads for the other streams meanwhile.

        Raises:
            TransportError: the time is up; the stream is given up then.
        """
        try:
            while not done():
                if self._turns.take():
                    self._read_until(stream, done, deadline)
                else:
                    self._turns.wait(stream, done, deadline)
        except TimeoutError:
            if stream.sent_at == self._intake.times:
                self._session.retired = True  # nothing at all came since: it may be dead, and no other call shall wait for it
            failure = TransportError("timed out while it answered" if stream.status else "timed out", timed_out=True)
            self.give_up(stream, failure)
            raise failure from None
        except BaseException as error:  # Ctrl-C loses nothing while nothing is taken in
            if self._turns.is_mine and not self._link.waiting:
                self._break(error)
            self.give_up(stream, TransportError("interrupted"))
            raise
        finally:
            if self._turns.is_mine:  # it was interrupted
                self._stop_reading()
            self._turns.pass_on()

    def give_up(self, stream: Stream, failure: TransportError) -> None:
        """Ends a stream from this side; any thread may, and twice is no error."""
        known = self._session.forget(stream)
        stream.drop(failure)
        if known and self._failure is None:
            self.say(frames.reset(stream.number, CANCEL))
        self._turns.wake(stream)
        if self._reader is stream:  # who begins to read for it from here on sees that it is over
            self._link.wake()

    def say(self, data: bytes) -> None:
        """Sends a control frame, or has it sent by who is sending now."""
        self._outgoing.say(data)

    def close(self) -> None:
        """Hangs up; whoever waits is told."""
        self._break(ConnectionAbortedError("closed by this side"))

    def close_when_idle(self) -> bool:
        """Hangs up if nobody waits for an answer; whether it has. Nobody asks for another one, and the last one ends it."""
        self._session.retired = True
        if self._session.streams:
            return False
        self.close()
        return True

    # Sending, by one thread at a time.

    def _begin(self, head: bytes, body: bytes, deadline: Deadline) -> tuple[Stream, int]:
        if self._failure is not None:  # it has ended while this waited to send
            raise NoRoomError("the connection has ended", refused=True)
        stream = self._session.open(self, self._intake.times, deadline)
        first, sent = self._session.piece(stream, body, 0)
        opening = frames.header_frames(stream.number, head, 0 if body else frames.END_STREAM, self._session.frame_bytes)
        self._send(stream, opening + first, deadline)
        return stream, sent

    def _go_on(self, stream: Stream, body: bytes, sent: int, deadline: Deadline) -> int:
        """Sends the next piece of a body; returns how much of it is sent then."""
        piece, sent = self._session.piece(stream, body, sent)
        self._send(stream, piece, deadline)
        return sent

    def _send(self, stream: Stream, data: bytes, deadline: Deadline) -> None:
        try:
            self._outgoing.send(data, deadline)
        except TimeoutError:
            raise TransportError("timed out", timed_out=True) from None
        except OSError:
            stream.wait_for_head()  # it raises what is wrong, unless the answer has come all the same

    def _cannot_send(self, error: BaseException) -> None:
        self._break(self._last_word(error) if isinstance(error, OSError) else error)

    def _last_word(self, error: OSError) -> Exception:
        """Why the other side does not take any more: what it said before it hung up, if it did."""
        if isinstance(error, TimeoutError) or not self._turns.take():
            return error
        try:
            self._take_what_is_there()
        except (OSError, ProtocolError) as last:
            # A connection that was reset says less than what went before.
            return error if isinstance(last, ConnectionError) else last
        finally:
            self._stop_reading()
        return error

    # Reading, by the one thread whose turn it is.

    def _read_until(self, stream: Stream, done: Callable[[], bool], deadline: Deadline) -> None:
        self._reader = stream
        try:
            while not done():
                # What has to be said to what came goes with the next request, if that comes before the next wait.
                self._outgoing.say_all()
                with contextlib.suppress(Woken):  # look again
                    self._intake.take(receive(self._link, deadline, self.say), own=stream)
        except TimeoutError:
            raise
        except (OSError, ProtocolError) as error:
            self._break(error)
        except BaseException as error:  # Ctrl-C loses nothing while nothing is taken in
            if not self._link.waiting:
                self._break(error)
            raise
        finally:
            self._reader = None
            self._stop_reading()

    def _stop_reading(self) -> None:
        if self._failure is not None and self._turns.is_mine:
            self._link.close()
        self._turns.give_back()
        # It may have ended just now, when who ended it could not yet close it.
        if self._failure is not None and self._turns.take():
            self._link.close()
            self._turns.give_back()

    def _break(self, error: BaseException) -> None:
        """The end of the connection, for all who use it."""
        if isinstance(error, ConnectionAbortedError):
            failure = TransportError("closed by this side", refused=not self._intake.first_bytes)
        else:
            failure = self._explain(error, self._intake.first_bytes)
        with self._session.lock:
            if self._failure is not None:
                return
            self._failure, self._session.retired, self._outgoing.over = failure, True, True
        for stream in self._session.forget_all():
            stream.fail(failure.again())
        self._turns.wake(None)
        self._link.shut_down()
        if self._turns.take():
            self._stop_reading()

    def _take_what_is_there(self) -> None:
        while self._failure is None and self._link.has_more():
            with contextlib.suppress(Woken):  # it was for who read before
                self._intake.take(self._link.receive(Deadline(_TAKE_S)))
