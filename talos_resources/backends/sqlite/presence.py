"""Whether the file that was opened is still the one of its name, and how to open one where nothing can be written.

SQLite itself goes on in a file that has been deleted or replaced, and in a write-ahead log that nobody else sees:
what is acknowledged then is lost with the last of its connections.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import time
from pathlib import Path
from typing import Final

from talos_resources.model.errors import ConfigError

LOOK_EVERY_S: Final = 0.1
"""How often those who read look; those who write always do."""

Identity = tuple[int, int] | None


class Presence:
    """What was opened under which names."""

    def __init__(self, path: Path) -> None:
        """Knows nothing yet.

        Args:
            path: of the database, as it is called in errors.
        """
        self._path = path
        self._file = os.fspath(path.absolute())
        self._log = f"{self._file}-wal"
        self._known: tuple[Identity, Identity] | None = None
        self._look_at = 0.0

    def remember(self) -> None:
        """From now on these are the files: SQLite has opened them, and keeps the log until its last user goes."""
        self._known = _identity(self._file), _identity(self._log)

    def look(self) -> None:
        """As `check`, if nobody has looked for a while."""
        if time.monotonic() >= self._look_at:
            self.check()
            self._look_at = time.monotonic() + LOOK_EVERY_S

    def check(self) -> None:
        """Raises ConfigError if the database or its log are not the ones that were opened."""
        if self._known is None:
            return
        file, log = _identity(self._file), _identity(self._log)
        if (file, log) == self._known:
            return
        if file is None:
            reason = "it was deleted while it was open; nothing is written any more: put it back, or start again with a new file"
        elif file != self._known[0]:
            reason = "it was replaced by another file while it was open; nothing is written any more: open it again"
        elif self._known[1] is None:
            reason = "it was opened as one that nobody writes to, and somebody does now: open it again"
        else:
            reason = f"its log {self._path.name}-wal was deleted or replaced while it was open; nothing is written any more: open it again"
        raise ConfigError(f"{self._path}: {reason}", path=str(self._path))

    def leave_nothing(self) -> None:
        """After closing: the log of a database that is gone must not be taken for that of the next one of its name."""
        if self._known is None or _identity(self._file) == self._known[0]:
            return
        if self._known[1] is not None and _identity(self._log) == self._known[1]:
            for ending in ("-wal", "-shm"):
                Path(f"{self._file}{ending}").unlink(missing_ok=True)

    def stamp(self) -> object:
        """What changes with every write of any process, as far as the file system's clock ticks; None if it cannot be told."""
        try:
            status = os.stat(self._log)  # noqa: PTH116 - asked often
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino


def _identity(path: str) -> Identity:
    try:
        status = os.stat(path)  # noqa: PTH116 - asked often
    except OSError:
        return None
    return status.st_dev, status.st_ino


class ReadingPlace:
    """Where and how a database is opened that is only read.

    A folder that cannot be written to has no room for the log and the index that SQLite makes: without a log the
    database is read as one that does not change, with one that SQLite cannot read there, from a copy.

    Attributes:
        path: to open.
        options: for SQLite's URL.
    """

    def __init__(self, path: Path) -> None:
        """Finds out.

        Args:
            path: of the database.

        Raises:
            ConfigError: there is no room for a copy.
        """
        self.path, self.options = path.absolute(), "mode=ro"
        self._copy: tempfile.TemporaryDirectory[str] | None = None
        log = Path(f"{self.path}-wal")
        if os.access(self.path.parent, os.W_OK):
            return
        if not log.exists() or not log.stat().st_size:
            self.options = "mode=ro&immutable=1"
        elif not self._opens():
            self._copy = tempfile.TemporaryDirectory(prefix="talos-resources-")
            try:
                for found in (self.path, log):
                    shutil.copyfile(found, Path(self._copy.name) / found.name)
            except OSError as error:
                self.close()
                raise ConfigError(f"cannot copy {path} to read it with its log: {error.strerror}") from None
            self.path = Path(self._copy.name) / self.path.name

    def _opens(self) -> bool:
        try:
            connection = sqlite3.connect(f"{self.path.as_uri()}?{self.options}", uri=True)
            try:
                connection.execute("PRAGMA user_version")
            finally:
                connection.close()
        except sqlite3.Error:
            return False
        return True

    def close(self) -> None:
        """Removes the copy, if there is one."""
        if self._copy is not None:
            self._copy.cleanup()


def is_writable(path: Path) -> bool:
    """Whether a database can be written, as far as permissions say; one that is not there can be made."""
    return os.access(path.absolute().parent, os.W_OK) and (not path.exists() or os.access(path, os.W_OK))
