"""The file: who it belongs to, its schema and migrations, connections and transactions, errors in words.

The write-ahead log with full synchronisation makes a commit durable before it is acknowledged; a process
that dies, or a machine, leaves the file as it was after the last commit.
"""

from __future__ import annotations

import atexit
import os
import sqlite3
import stat
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from talos_resources.backends.sqlite.failures import BUSY_S, DAMAGE, DAMAGED, NO_DATABASE, reason_of
from talos_resources.backends.sqlite.presence import Presence, ReadingPlace
from talos_resources.backends.sqlite.readers import ReaderPool
from talos_resources.backends.sqlite.schema import APPLICATION_ID, MIGRATIONS
from talos_resources.model.errors import ConfigError, TalosResourcesError

CLOSE_S: Final = 5.0
"""How long closing waits for other threads."""

CACHE_KIB: Final = 64 << 10
"""What a connection may keep of the file: a list goes through it in the order of ids, from page to page."""

_open: weakref.WeakSet[SqliteFile] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    """Threads that still read when the process ends must not find their connections freed."""
    for file in tuple(_open):
        file.close()


class SqliteFile:
    """Connections to one file: one that writes, and as many as there are readers at a time.

    Attributes:
        path: as it was given.
        read_only: nothing can be written.
        presence: whether it is still there.
        before_undo: called, by the thread that writes, before it undoes what it has written.
    """

    def __init__(self, path: str | os.PathLike[str], *, create: bool = True, read_only: bool = False) -> None:
        """Opens the file, makes it if there is none, and brings an older schema up to date.

        Args:
            path: of the database; two files beside it (`-wal`, `-shm`) belong to it.
            create: whether a missing file is made; with mode 0600.
            read_only: open it for reading.

        Raises:
            ConfigError: it is missing, not ours, damaged, newer than this version, or cannot be written.
        """
        self.path = Path(path)
        self.read_only = read_only
        self._lock = threading.RLock()
        self._owner: int | None = None
        self._depth = 0
        self._readers = ReaderPool(self._connect, self._check_open)
        self.before_undo: Callable[[], None] = lambda: None
        self._look(create=create and not read_only)
        self._place = ReadingPlace(self.path) if read_only else None
        self.presence = Presence(self.path)
        with self._told(DAMAGE):
            self._writer = self._connect()
        _open.add(self)
        try:
            with self._told(DAMAGE):
                self._check()
            self.presence.remember()
        except BaseException:
            self.close()
            raise

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Everything that is written inside is written together, durably, or not at all.

        A transaction of the same thread inside is a part of it: one that fails is undone alone, whoever catches
        its error. When SQLite itself has undone the whole (the disk is full), nothing more is let in.

        Raises:
            ConfigError: it cannot be written.
        """
        with self._lock, self._told():
            self._check_open()
            if self._owner is not None:  # this very thread: the lock let it in
                with self._part():
                    yield self._writer
                return
            self._check_there(self.presence.check)
            try:
                # Ctrl-C while it waits for another process is raised when it has begun.
                self._writer.execute("BEGIN IMMEDIATE")
                self._owner = threading.get_ident()
                self._depth = 0
                yield self._writer
                self._check_whole()
                self._check_there(self.presence.check)
                self._writer.execute("COMMIT")
            except BaseException:
                self._undo("ROLLBACK")
                raise
            finally:
                self._owner = None
                if self._readers.closed:
                    self._writer.close()

    @contextmanager
    def _part(self) -> Iterator[None]:
        """A transaction inside of another one."""
        self._check_whole()
        depth, name = self._depth, f"part{self._depth}"
        self._writer.execute(f"SAVEPOINT {name}")
        try:
            self._depth = depth + 1
            yield
            self._check_whole()
            self._writer.execute(f"RELEASE {name}")
        except BaseException:
            self._undo(f"ROLLBACK TO {name}", f"RELEASE {name}")
            raise
        finally:
            self._depth = depth

    @contextmanager
    def without_log(self) -> Iterator[None]:
        """Writes inside go straight into the file, which is half of the bytes and waits for no disk.

        If the process or the machine dies meanwhile, the file is worth nothing; nobody else may have it open.
        """
        with self._lock, self._told():
            self._writer.execute("PRAGMA journal_mode = MEMORY")
            self._writer.execute("PRAGMA synchronous = OFF")
            self.presence.remember()
            try:
                yield
            finally:  # whoever goes on after an error is safe again
                self._writer.execute("PRAGMA synchronous = FULL")
                self._writer.execute("PRAGMA journal_mode = WAL")  # a write to the file, after which all of it is safe
                self._versions()  # which opens the log
                self.presence.remember()

    def _check_whole(self) -> None:
        """Raises ConfigError if the transaction of this thread is not there any more."""
        if self._readers.closed:
            raise ConfigError(f"{self.path} is closed; nothing of this batch was kept")
        if not self._writer.in_transaction:  # without this, what follows would be committed write by write
            raise ConfigError(f"{self.path}: an earlier write of this batch failed; nothing of it was kept", path=str(self.path))

    def _undo(self, *statements: str) -> None:
        """Undoes a transaction or a part of one; what is known of it is forgotten first, for its numbers are given out again."""
        self.before_undo()
        if self._writer.in_transaction:
            for statement in statements:
                self._writer.execute(statement)

    @contextmanager
    def reading(self, *, committed: bool = False) -> Iterator[sqlite3.Connection]:
        """One moment of the file, for several queries.

        Args:
            committed: inside of a transaction of this thread, what others see; without, what it has written.
        """
        with self._told(DAMAGE):
            if self._owner == threading.get_ident() and not committed:
                yield self._writer
                return
            self._check_there(self.presence.look)
            reader = self._readers.take()
            try:
                reader.execute("BEGIN")
                yield reader
            finally:
                self._readers.give_back(reader)

    def close(self) -> None:
        """Closes all connections; twice is no error.

        Threads that read are interrupted. A batch of another thread is waited for; one that has not ended then is
        refused its end.
        """
        is_free = self._lock.acquire(timeout=CLOSE_S)
        try:
            self._readers.close(CLOSE_S)
            if is_free and self._owner is None:
                self._writer.close()
                self.presence.leave_nothing()
        finally:
            if is_free:
                self._lock.release()
        if self._place is not None:
            self._place.close()
        _open.discard(self)

    def _check_open(self) -> None:
        if self._readers.closed:
            raise ConfigError(f"{self.path} is closed")

    def _check_there(self, check: Callable[[], None]) -> None:
        try:
            check()
        except ConfigError:
            self._check_open()  # the log goes with the last connection
            raise

    def _connect(self) -> sqlite3.Connection:
        place = self._place
        uri = f"{self.path.absolute().as_uri()}?mode=rw" if place is None else f"{place.path.as_uri()}?{place.options}"
        connection = sqlite3.connect(uri, uri=True, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        except BaseException:  # it is no database
            connection.close()
            raise
        return connection

    def _look(self, *, create: bool) -> None:
        """What can be seen of the file from outside.

        Raises:
            ConfigError: it is missing or no database.
        """
        # Not opened: closing it would take away, as POSIX has it, the locks of all connections that this process has to it,
        # and whoever is the last elsewhere would remove the log.
        try:
            mode = self.path.stat().st_mode
        except FileNotFoundError:
            if not create:
                raise ConfigError(f"cannot read {self.path}: there is no such file") from None
            self._create()
            return
        except OSError as error:
            raise ConfigError(f"cannot read {self.path}: {error.strerror}") from None
        if not stat.S_ISREG(mode):
            raise ConfigError(f"cannot read {self.path}: {NO_DATABASE}")

    def _create(self) -> None:
        try:
            os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        except FileExistsError:  # somebody was faster
            return
        except OSError as error:
            raise ConfigError(f"cannot make {self.path}: {error.strerror}") from None

    def _check(self) -> None:
        """Whose the database is, and of which version; migrates an older one.

        Raises:
            ConfigError: it is not ours, or newer.
        """
        application, version = self._versions()
        if application not in {0, APPLICATION_ID} or (application == 0 and self._has_tables()):
            raise ConfigError(f"{self.path} is another program's database; nothing was changed")
        if version > len(MIGRATIONS):
            text = f"{self.path} was made by a newer version of talos_resources (schema {version}, this one knows {len(MIGRATIONS)})"
            raise ConfigError(f"{text}; update, nothing was changed")
        if version == len(MIGRATIONS):
            return
        if self.read_only:
            raise ConfigError(f"{self.path} has an older schema ({version}); open it for writing once")
        self._writer.execute("PRAGMA journal_mode = WAL")
        with self.transaction() as connection:
            _, version = self._versions()  # somebody else may have been faster
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            for step in MIGRATIONS[version:]:
                for statement in step.split(";"):
                    connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")

    def _versions(self) -> tuple[int, int]:
        application, version = (self._writer.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version"))
        return application, version

    def _has_tables(self) -> bool:
        return bool(self._writer.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])

    @contextmanager
    def _told(self, damage: tuple[type[Exception], ...] = ()) -> Iterator[None]:
        """Turns SQLite's errors into ours, with the file and what to do; and those that values of wrong kinds cause."""
        try:
            yield
        except TalosResourcesError:
            raise
        except damage as error:
            raise ConfigError(f"{self.path}: {DAMAGED}", path=str(self.path)) from error
        except sqlite3.Error as error:
            reason = "it is closed" if self._readers.closed else reason_of(error)
            raise ConfigError(f"{self.path}: {reason}", path=str(self.path)) from error
