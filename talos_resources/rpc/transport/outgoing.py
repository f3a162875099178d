"""What goes out on an HTTP/2 connection: one thread sends at a time, and takes along what others have to say meanwhile.

Ctrl-C is raised anywhere, also between two steps that belong together. Whatever it comes between here, nobody is left
sending who does not, and a connection on which it is not known what was sent is not used any more.
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable
from typing import Final, TypeVar

from talos_resources.rpc.transport.contract import TransportError
from talos_resources.rpc.transport.frames import ProtocolError
from talos_resources.rpc.transport.link import Link
from talos_resources.state.timeout import Deadline, acquire

T = TypeVar("T")

# So many frames that must be answered, and cannot be because the other side does not read, are a flood.
_UNSENT_FRAMES: Final = 10_000
_SAY_S: Final = 10.0


class Outgoing:
    """Sends; for any thread.

    Attributes:
        over: nothing can be sent any more.
    """

    def __init__(self, link: Link, hello: bytes, *, fail: Callable[[BaseException], None]) -> None:
        """Sends nothing yet.

        Args:
            link: where to.
            hello: goes before everything else.
            fail: told what has ended the connection.
        """
        self.over = False
        self._link = link
        self._fail = fail
        self._unsent: deque[bytes] = deque([hello])
        # It knows who has it: who is interrupted lets go of it if that is himself, wherever he was.
        self._sending = threading.RLock()
        # What a signal calls in the middle of a frame, in the same thread, must not put another one there.
        self._in_frame = False

    def alone(self, left: float | None, work: Callable[[], T], *, refused: bool) -> T:
        """Calls what sends, when nobody else does.

        Args:
            left: seconds to wait for that, None for ever.
            work: it may `send`.
            refused: nothing of the request was sent before.

        Raises:
            TransportError: the time is up.
        """
        try:
            try:
                if not acquire(self._sending, left):
                    raise TransportError("timed out", timed_out=True, refused=refused)
                if self._in_frame:
                    raise TransportError("it was asked in the middle of another call of the same thread", refused=refused)
                result = work()
            finally:
                try:  # noqa: SIM105  # in this very place: before a function does it Ctrl-C may come
                    self._sending.release()
                except RuntimeError:  # others have it
                    pass
            if self._unsent:
                self.say_all()
        except TransportError:
            raise
        except BaseException as error:  # also Ctrl-C
            self._fail(error)
            raise
        return result

    def send(self, data: bytes, deadline: Deadline) -> None:
        """Sends what waits, and then this; within `alone`.

        Raises:
            OSError: also TimeoutError: it is not known what was sent, and the connection is over.
        """
        try:
            waiting = [self._unsent.popleft() for _ in range(len(self._unsent))]
            if waiting or data:
                self._in_frame = True
                self._link.send(b"".join((*waiting, data)), deadline)
                self._in_frame = False
        except BaseException as error:  # also Ctrl-C: half a frame may be sent
            self.over = True
            self._fail(error)
            raise

    def say(self, data: bytes) -> None:
        """Sends a control frame, or has it sent by who is sending now."""
        self._unsent.append(data)
        self.say_all()

    def say_later(self, data: bytes) -> None:
        """Has a control frame sent with the next request, or before the next wait."""
        self._unsent.append(data)

    def say_all(self) -> None:
        """Sends what waits, unless somebody is sending, who takes it along."""
        while self._unsent and not self.over:
            try:
                if not self._sending.acquire(blocking=False):
                    if len(self._unsent) > _UNSENT_FRAMES:
                        self._fail(ProtocolError("it floods the connection with frames that must be answered"))
                    return
                if self._in_frame:  # who sends it takes this along
                    return
                with contextlib.suppress(OSError):  # the streams know
                    self.send(b"", Deadline(_SAY_S))
            finally:
                try:  # noqa: SIM105  # as above
                    self._sending.release()
                except RuntimeError:
                    pass
