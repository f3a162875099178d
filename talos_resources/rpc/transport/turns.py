"""Whose turn it is to read a connection, and those who wait for what it reads."""

from __future__ import annotations

import threading
from collections.abc import Callable

from talos_resources.rpc.transport.link import WAIT_SLICE_S
from talos_resources.rpc.transport.stream import Stream
from talos_resources.state.timeout import Deadline, acquire


class Turns:
    """One thread reads; whoever else waits is woken when its stream got something, or to read next."""

    def __init__(self) -> None:
        self._reading = threading.Lock()
        self._lock = threading.Lock()  # of the waiters; held for microseconds
        self._waiters: dict[Stream, threading.Lock] = {}

    def take(self) -> bool:
        """Whether it is this thread's turn now; it must `give_back` it then."""
        return self._reading.acquire(blocking=False)

    def give_back(self) -> None:
        """Lets another one read, and wakes one that waits, if any does."""
        self._reading.release()
        if self._waiters:
            self._pass_on()

    def wait(self, stream: Stream, done: Callable[[], bool], deadline: Deadline) -> None:
        """Waits until the reader has something for the stream, or somebody else has to read, or for nothing.

        Raises:
            TimeoutError: the time is up.
        """
        waiter = threading.Lock()
        waiter.acquire()
        with self._lock:
            self._waiters[stream] = waiter
        try:
            # What has changed before the reader could know of the waiter.
            if not done() and self._reading.locked():
                left = deadline.left()
                if WAIT_SLICE_S is not None:
                    left = WAIT_SLICE_S if left is None else min(left, WAIT_SLICE_S)
                acquire(waiter, left)
        except BaseException:
            self._pass_on(but=stream)  # the turn may have been ours
            raise
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

    def _pass_on(self, but: Stream | None = None) -> None:
        with self._lock:
            chosen = next((each for each in self._waiters if each is not but), None)
            waiter = None if chosen is None else self._waiters.pop(chosen)
        if waiter is not None:
            waiter.release()
