"""Bytes to and from the other side.

One thread at a time receives and one at a time sends; the two do not disturb each other. Waiting is done in
`poll`, never inside of a read or a write, so that Ctrl-C ends it and so does a deadline.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import socket
import sys
import threading
from typing import Final, Protocol

from talos_resources.state.timeout import Deadline

RECEIVE_BYTES: Final = 1 << 18
# Windows tells a waiting thread neither of Ctrl-C nor of a socket that another thread has shut down.
WAIT_SLICE_S: Final = 0.2 if sys.platform == "win32" else None


class Link(Protocol):
    """A way for bytes."""

    @property
    def waiting(self) -> bool:
        """Whether whoever receives is waiting and has taken nothing: an interruption now loses no bytes."""
        ...

    def send(self, data: bytes, deadline: Deadline) -> None:
        """Sends all of it.

        Raises:
            TimeoutError: the time is up; what was sent is not known.
            OSError: the connection broke.
        """
        ...

    def receive(self, deadline: Deadline) -> bytes:
        """What has come, after waiting for it; empty at the end.

        Raises:
            Woken: `wake` was called.
            TimeoutError: the time is up.
            OSError: the connection broke.
        """
        ...

    def push_back(self, data: bytes) -> None:
        """Puts bytes back to be received next."""
        ...

    def has_more(self) -> bool:
        """Whether `receive` would not wait."""
        ...

    def wake(self) -> None:
        """Ends the wait of another thread in `receive`, once, if `wakeable` was called before it began."""
        ...

    def wakeable(self) -> None:
        """Prepares for `wake`."""
        ...

    def shut_down(self) -> None:
        """Ends it in both directions; a thread that waits returns."""
        ...

    def close(self) -> None:
        """Releases it; nobody may be using it."""
        ...


class Woken(Exception):  # noqa: N818  # it is no error
    """Another thread has ended the wait."""


class SilenceError(ConnectionResetError):
    """The other side says nothing any more: it answers no probe of TCP, or no ping."""


class SocketLink:
    """The bytes of a connected socket."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.waiting = False
        self._socket = sock
        self._early = b""
        self._guard = threading.Lock()  # a waker that is made while it is closed would stay open
        self._waker: tuple[socket.socket, socket.socket] | None = None
        self._poll = _Poll(sock)

    def send(self, data: bytes, deadline: Deadline) -> None:
        """See `Link`."""
        view = memoryview(data)
        while view:
            try:
                count = self._socket.send(view)
            except BlockingIOError:
                _wait_writable(self._socket, deadline)
            except TimeoutError as error:
                raise _gone_silent(error) from None
            else:
                view = view[count:]

    def receive(self, deadline: Deadline) -> bytes:
        """See `Link`."""
        if self._early:
            early, self._early = self._early, b""
            return early
        while True:
            self.waiting = True
            woken = self._poll.wait(deadline)
            self.waiting = False
            if woken:
                self._swallow()
                raise Woken
            try:
                return self._socket.recv(RECEIVE_BYTES)
            except BlockingIOError:
                continue
            except TimeoutError as error:
                raise _gone_silent(error) from None

    def push_back(self, data: bytes) -> None:
        """See `Link`."""
        self._early = data + self._early

    def has_more(self) -> bool:
        """See `Link`."""
        return bool(self._early) or self._poll.is_ready()

    def wakeable(self) -> None:
        """See `Link`."""
        with self._guard:
            if self._waker is None and self._socket.fileno() != -1:
                self._waker = socket.socketpair()
                for end in self._waker:
                    end.setblocking(False)
                self._poll.add(self._waker[0])

    def wake(self) -> None:
        """See `Link`."""
        if self._waker is not None:
            with contextlib.suppress(OSError):  # full of words that nobody has heard yet, or closed
                self._waker[1].send(b"\0")

    def shut_down(self) -> None:
        """See `Link`."""
        with contextlib.suppress(OSError):  # it has broken already
            self._socket.shutdown(socket.SHUT_RDWR)
        self.wake()

    def close(self) -> None:
        """See `Link`."""
        with self._guard:
            self._socket.close()
            for end in self._waker or ():
                end.close()

    def _swallow(self) -> None:
        assert self._waker is not None
        with contextlib.suppress(OSError):
            self._waker[0].recv(4096)


class _Poll:
    """Waits until a socket has something, or the waker's."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._waker: socket.socket | None = None
        self._poll: select.poll | None = None
        if hasattr(select, "poll"):  # not on Windows
            self._poll = select.poll()
            self._poll.register(sock, select.POLLIN)

    def add(self, waker: socket.socket) -> None:
        self._waker = waker
        if self._poll is not None:
            self._poll.register(waker, select.POLLIN)

    def wait(self, deadline: Deadline) -> bool:
        """Waits; True if the waker's end has something.

        Raises:
            TimeoutError: the time is up.
        """
        while True:
            left = deadline.left()
            if WAIT_SLICE_S is not None:
                left = WAIT_SLICE_S if left is None else min(left, WAIT_SLICE_S)
            if found := self._ready(left):
                return self._waker is not None and self._waker.fileno() in found

    def is_ready(self) -> bool:
        return self._socket.fileno() in self._ready(0)

    def _ready(self, seconds: float | None) -> list[int]:
        if self._poll is not None:
            # Rounded up: rounded down, the last millisecond would be spent in a busy loop.
            milliseconds = None if seconds is None else min(int(seconds * 1000) + (seconds > 0), 2**31 - 1)
            return [descriptor for descriptor, _ in self._poll.poll(milliseconds)]
        readable, _, _ = select.select([each for each in (self._socket, self._waker) if each is not None], [], [], seconds)
        return [each.fileno() for each in readable]


def _gone_silent(error: TimeoutError) -> OSError:
    """What the system says of a connection whose other side answers no probe: the end of it, and not of our patience."""
    return SilenceError(error.errno, "it fell silent")


def _wait_writable(sock: socket.socket, deadline: Deadline) -> None:
    """Waits until a socket takes more.

    Raises:
        TimeoutError: the time is up.
        OSError: another thread has closed it.
    """
    while True:
        left = deadline.left()
        if WAIT_SLICE_S is not None:
            left = WAIT_SLICE_S if left is None else min(left, WAIT_SLICE_S)
        try:
            if _is_writable(sock, left):
                return
        except ValueError:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF)) from None


def _is_writable(sock: socket.socket, seconds: float | None) -> bool:
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(sock, select.POLLOUT)
        return bool(poll.poll(None if seconds is None else min(int(seconds * 1000) + 1, 2**31 - 1)))
    return bool(select.select([], [sock], [], seconds)[1])
