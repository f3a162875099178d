"""Whose the file is, and the steps that made its tables what they are."""

from __future__ import annotations

from typing import Final

APPLICATION_ID: Final = 0x54524553
"""What the header of our files says, `TRES`: SQLite's mark of whose a file is."""

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
