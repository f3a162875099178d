"""Connections for reading, shared by threads: each is one thread's at a time, and closed by nobody else meanwhile."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from typing import Final

IDLE_READERS: Final = 8
"""How many connections are kept open for the next readers."""

INTERRUPT_S: Final = 0.05
"""How often closing interrupts those that read: one that is between two queries does not notice."""


class ReaderPool:
    """As many connections as there are readers at a time.

    A connection that is closed under a thread that is in it ends the process, not the call.

    Attributes:
        closed: none is handed out any more.
    """

    def __init__(self, connect: Callable[[], sqlite3.Connection], check: Callable[[], None]) -> None:
        """Begins with none.

        Args:
            connect: makes one.
            check: raises if none may be had any more, because of `closed`.
        """
        self.closed = False
        self._connect = connect
        self._check = check
        self._users = threading.Condition()
        self._idle: list[sqlite3.Connection] = []
        self._in_use: dict[sqlite3.Connection, int] = {}

    def take(self) -> sqlite3.Connection:
        """A connection that is this thread's until it gives it back."""
        with self._users:
            reader = self._idle.pop() if self._idle else None
        if reader is None:
            self._check()
            reader = self._connect()
        with self._users:
            if self.closed:
                reader.close()
            self._check()
            self._in_use[reader] = threading.get_ident()
        return reader

    def give_back(self, reader: sqlite3.Connection) -> None:
        """Ends what a thread has read in; threads come and go, so the connection is kept for others, or closed."""
        try:
            if reader.in_transaction:
                reader.execute("COMMIT")
            usable = True
        except sqlite3.Error:  # it could not be read, or was interrupted: the reader is told of that
            usable = False
        with self._users:
            del self._in_use[reader]
            if usable and not self.closed and len(self._idle) < IDLE_READERS:
                self._idle.append(reader)
            else:
                reader.close()
            self._users.notify_all()

    def close(self, patience_s: float) -> None:
        """Closes those that nobody uses, and interrupts other threads that read until they are out.

        Args:
            patience_s: how long; what is in use after that is closed by who uses it.
        """
        with self._users:
            self.closed = True
            while self._idle:
                self._idle.pop().close()
            for _ in range(round(patience_s / INTERRUPT_S)):
                others = [reader for reader, user in self._in_use.items() if user != threading.get_ident()]
                if not others:
                    return
                for reader in others:
                    reader.interrupt()
                self._users.wait(INTERRUPT_S)
