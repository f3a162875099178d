"""Errors of SQLite in words: what is the matter with the file, and what to do."""

from __future__ import annotations

import sqlite3
from typing import Final

BUSY_S: Final = 60.0
"""How long a writer waits for those of other processes."""

DAMAGED: Final = "it is damaged; restore a copy, or save what is left with `sqlite3 FILE .recover`"

NO_DATABASE: Final = "it is no SQLite database; nothing was changed"

DAMAGE: Final = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What values of kinds that we never write cause where they are read: SQLite takes any kind in any column."""

_REASONS: Final = {
    "SQLITE_FULL": "the disk is full; nothing of this write was kept",
    "SQLITE_IOERR": "the disk failed or is full; nothing of this write was kept",
    "SQLITE_READONLY": "it can only be read",
    "SQLITE_CANTOPEN": "it cannot be opened: check the permissions of the file and its folder",
    "SQLITE_NOTADB": NO_DATABASE,
    "SQLITE_CORRUPT": DAMAGED,
    "SQLITE_BUSY": f"another program has been writing for {BUSY_S:g} s",
}


def reason_of(error: sqlite3.Error) -> str:
    """Why SQLite refused; in its own words where it is none of what happens to files."""
    name = getattr(error, "sqlite_errorname", "")
    return next((text for start, text in _REASONS.items() if name.startswith(start)), str(error))
