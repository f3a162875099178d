"""Whose turn it is to read a connection, and those who wait for what it reads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from talos_resources.rpc.transport.link import WAIT_SLICE_S
from talos_resources.rpc.transport.stream import Stream
from talos_resources.state.timeout import Deadline, acquire

_TURN: Final = "turn"


class Turns:
    """One thread reads; whoever else waits is woken when its stream got something, or to read next."""

    def __init__(self) -> None:
        # A lock that knows who has it, which no step is without: Ctrl-C may come as soon as it is taken.
        self._reader: dict[str, int] = {}
        self._lock = threading.Lock()  # of the waiters; held for microseconds
        self._waiters: dict[Stream, threading.Lock] = {}

    def take(self) -> bool:
        """Whether it becomes this thread's turn now; it must `give_back` it then."""
        me = threading.get_ident()
        return self._reader.get(_TURN) != me and self._reader.setdefault(_TURN, me) == me

    @property
    def is_mine(self) -> bool:
        """Whether it is this thread's turn."""
        return self._reader.get(_TURN) == threading.get_ident()

    def give_back(self) -> None:
        """Lets another one read, and wakes one that waits, if any does; that it was not this thread's turn is no error."""
        if self.is_mine:
            del self._reader[_TURN]
            self.pass_on()

    def pass_on(self) -> None:
        """Wakes one that waits if nobody reads.

        For whoever stops waiting: that it was woken may have meant that it should read next, and if it has no need to,
        another one has.
        """
        if not self._waiters or self._reader:
            return
        with self._lock:
            waiter = self._waiters.pop(next(iter(self._waiters))) if self._waiters else None
        if waiter is not None:
            waiter.release()

    def wait(self, stream: Stream, done: Callable[[], bool], deadline: Deadline) -> None:
        """Waits until the reader has something for the stream, or somebody else has to read, or for nothing.

        Who does not read then must `pass_on`.

        Raises:
            TimeoutError: the time is up.
        """
        waiter = threading.Lock()
        waiter.acquire()
        with self._lock:
            self._waiters[stream] = waiter
        try:
            # What has changed before the reader could know of the waiter.
            if not done() and self._reader:
                left = deadline.left()
                if WAIT_SLICE_S is not None:
                    left = WAIT_SLICE_S if left is None else min(left, WAIT_SLICE_S)
                acquire(waiter, left)
        finally:
            with self._lock:
                self._waiters.pop(stream, None)

    def wake(self, stream: Stream | None) -> None:
        """Has the thread look again that waits for a stream; None for all that wait."""
        if not self._waiters:
            return
        with self._lock:
            chosen = tuple(self._waiters) if stream is None else (stream,)
            waiters = [waiter for each in chosen if (waiter := self._waiters.pop(each, None)) is not None]
        for waiter in waiters:
            waiter.release()
