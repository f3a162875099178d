"""The file: who it belongs to, its schema and migrations, connections and transactions, errors in words.

The write-ahead log with full synchronisation makes a commit durable before it is acknowledged; a process
that dies, or a machine, leaves the file as it was after the last commit.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from talos_resources.model.errors import ConfigError

APPLICATION_ID: Final = 0x54524553
"""What the header of our files says, `TRES`: SQLite's mark of whose a file is."""

BUSY_S: Final = 60.0
"""How long a writer waits for those of other processes."""

IDLE_READERS: Final = 8
"""How many connections are kept open for the next readers."""

CACHE_KIB: Final = 64 << 10
"""What a connection may keep of the file: a list goes through it in the order of ids, from page to page."""

_MAGIC: Final = b"SQLite format 3\0"

MIGRATIONS: Final = (
    # 1: what is there, and every event
    """
    CREATE TABLE store (cookie BLOB NOT NULL, horizon INTEGER NOT NULL, horizon_at INTEGER NOT NULL);
    INSERT INTO store VALUES (randomblob(8), 0, 0);
    CREATE TABLE resources (
        key INTEGER PRIMARY KEY,
        node TEXT NOT NULL, namespace TEXT NOT NULL, type TEXT NOT NULL, id TEXT NOT NULL,
        seq INTEGER NOT NULL,
        wire BLOB,
        UNIQUE (node, namespace, type, id)
    );
    CREATE TABLE events (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        key INTEGER NOT NULL, at INTEGER NOT NULL, op INTEGER NOT NULL, wire BLOB NOT NULL
    );
    CREATE INDEX events_of_key ON events (key, seq);
    """,
    # 2: old events of a resource packed together
    """
    ALTER TABLE resources ADD COLUMN loose INTEGER NOT NULL DEFAULT 0;
    UPDATE resources SET loose = (SELECT count(*) FROM events WHERE events.key = resources.key);
    CREATE TABLE packs (
        key INTEGER NOT NULL, first_seq INTEGER NOT NULL, last_seq INTEGER NOT NULL,
        first_at INTEGER NOT NULL, last_at INTEGER NOT NULL, count INTEGER NOT NULL, data BLOB NOT NULL,
        PRIMARY KEY (key, first_seq)
    );
    CREATE INDEX packs_by_end ON packs (last_seq);
    """,
    # 3: when a node was recorded
    """
    CREATE TABLE periods (
        node TEXT NOT NULL, began INTEGER NOT NULL, ended INTEGER NOT NULL, is_open INTEGER NOT NULL,
        PRIMARY KEY (node, began)
    );
    """,
)
"""The steps that made the schema what it is; the file's `user_version` says how many it has been through."""


class SqliteFile:
    """Connections to one file: one that writes, and as many as there are readers at a time.

    Attributes:
        path: as it was given.
        read_only: nothing can be written.
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
        self._log = f"{self.path}-wal"
        self._lock = threading.RLock()
        self._owner: int | None = None
        self._idle: deque[sqlite3.Connection] = deque()
        self._open: set[sqlite3.Connection] = set()
        self._closed = False
        self._look(create=create and not read_only)
        try:
            with self._told():
                self._writer = self._connect()
                self._check()
        except BaseException:
            self.close()
            raise

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Everything that is written inside is written together, durably, or not at all; may be nested.

        Raises:
            ConfigError: it cannot be written.
        """
        with self._lock, self._told():
            if self._owner is not None:  # this very thread: the lock let it in
                yield self._writer
                return
            self._writer.execute("BEGIN IMMEDIATE")
            self._owner = threading.get_ident()
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise
            finally:
                self._owner = None

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One moment of the file, for several queries; inside of a transaction of this thread, that one's."""
        with self._told():
            if self._owner == threading.get_ident():
                yield self._writer
                return
            try:
                reader = self._idle.pop()
            except IndexError:
                reader = self._connect()
            try:
                reader.execute("BEGIN")
                yield reader
            finally:
                self._give_back(reader)

    def stamp(self) -> object:
        """What changes with every write of any process, as far as the file system's clock ticks; None if it cannot be told."""
        try:
            status = os.stat(self._log)  # noqa: PTH116 - asked often
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino

    def close(self) -> None:
        """Closes all connections; twice is no error."""
        with self._lock:
            self._closed = True
            self._idle.clear()
        for connection in tuple(self._open):
            connection.close()

    def _give_back(self, reader: sqlite3.Connection) -> None:
        """Ends what a reader has read in; threads come and go, so its connection is kept for others, or closed."""
        try:
            if reader.in_transaction:
                reader.execute("COMMIT")
        except sqlite3.Error:  # it could not be read, or was closed meanwhile: the reader is told of that
            self._drop(reader)
            return
        if self._closed or len(self._idle) >= IDLE_READERS:
            self._drop(reader)
        else:
            self._idle.append(reader)

    def _drop(self, connection: sqlite3.Connection) -> None:
        self._open.discard(connection)
        connection.close()

    def _connect(self) -> sqlite3.Connection:
        if self._closed:
            raise ConfigError(f"{self.path} is closed")
        mode = "ro" if self.read_only else "rw"
        uri = f"{self.path.absolute().as_uri()}?mode={mode}"
        connection = sqlite3.connect(uri, uri=True, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
        self._open.add(connection)
        if self._closed:  # just now, by another thread
            self._drop(connection)
            raise ConfigError(f"{self.path} is closed")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        return connection

    def _look(self, *, create: bool) -> None:
        """What can be seen of the file from outside.

        Raises:
            ConfigError: it is missing or no database.
        """
        try:
            with self.path.open("rb") as file:
                head = file.read(len(_MAGIC))
        except FileNotFoundError:
            if not create:
                raise ConfigError(f"cannot read {self.path}: there is no such file") from None
            self._create()
            return
        except OSError as error:
            raise ConfigError(f"cannot read {self.path}: {error.strerror}") from None
        if head and head != _MAGIC:
            raise ConfigError(f"{self.path} is no SQLite database; nothing was changed")

    def _create(self) -> None:
        try:
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
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
    def _told(self) -> Iterator[None]:
        """Turns SQLite's errors into ours, with the file and what to do."""
        try:
            yield
        except sqlite3.Error as error:
            name = getattr(error, "sqlite_errorname", "")
            known = next((text for start, text in _REASONS.items() if name.startswith(start)), str(error))
            if self._closed:
                known = "it is closed"
            raise ConfigError(f"{self.path}: {known}", path=str(self.path)) from error


_REASONS: Final = {
    "SQLITE_FULL": "the disk is full; nothing of this write was kept",
    "SQLITE_IOERR": "the disk failed or is full; nothing of this write was kept",
    "SQLITE_READONLY": "it can only be read",
    "SQLITE_CANTOPEN": "it cannot be opened: check the permissions of the file and its folder",
    "SQLITE_NOTADB": "it is no SQLite database",
    "SQLITE_CORRUPT": "it is damaged; restore a copy, or save what is left with `sqlite3 FILE .recover`",
    "SQLITE_BUSY": f"another program has been writing for {BUSY_S:g} s",
}
