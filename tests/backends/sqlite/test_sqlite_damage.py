"""Files whose values are none that we write: each is one error that names the file, whatever is asked."""

from __future__ import annotations

import lzma
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from talos_resources.backends.sqlite import log
from talos_resources.backends.sqlite.state import SqliteState
from talos_resources.model.errors import ConfigError, NotFoundError, TalosResourcesError
from talos_resources.model.timestamp import Timestamp
from talos_resources.testing.conformance.parts import PATHS, path
from tests.backends.sqlite.changes import changed

BEGIN = Timestamp(0)
QUESTIONS: dict[str, Callable[[SqliteState], Any]] = {
    "list": lambda state: state.list(PATHS),
    "get": lambda state: state.get(PATHS, "a"),
    "at": lambda state: state.at(Timestamp(1 << 62)),
    "history": lambda state: state.history(PATHS, "a"),
    "changes": lambda state: list(state.changes(since=BEGIN)),
    "span": lambda state: state.span(),
    "periods": lambda state: state.periods(now=Timestamp(1 << 62)),
    "nodes": lambda state: state.nodes(),
    "kinds": lambda state: state.held_kinds(),
}
WRITES: dict[str, Callable[[SqliteState], Any]] = {
    "create": lambda state: state.create(path("b")),
    "update": lambda state: state.update(state.get(PATHS, "a")),
    "put": lambda state: state.put(path("a"), at=BEGIN),
    "drop": lambda state: state.drop(path("a").reference, at=BEGIN),
    "restore": lambda state: state.restore([path("a"), path("c")]),
    "destroy": lambda state: state.destroy(PATHS, "a"),
}
ODD = ["'\x1b[2J'", "-1", "9223372036854775807", "1.5", "9e999", "x''", "x'ffff'", "'" + "9" * 5000 + "'"]


@pytest.fixture
def recorded(file: Path) -> Path:
    """A file with packs and loose events, and a period."""
    with SqliteState(file) as state:
        state.create(path("a"))
        changed(state, 3 * log.PACKED)
    with closing(sqlite3.connect(file)) as connection, connection:
        assert connection.execute("SELECT count(*) FROM packs").fetchone()[0]
        connection.execute("INSERT INTO periods VALUES ('', 1, 2, 0)")
    return file


@pytest.mark.parametrize("value", ODD, ids=lambda value: value[:20])
def test_values_of_other_kinds(recorded: Path, value: str) -> None:
    whole = recorded.read_bytes()
    with closing(sqlite3.connect(recorded)) as connection:
        tables = {
            name: [row[1] for row in connection.execute(f"PRAGMA table_info({name})")]
            for name in ("store", "resources", "events", "packs", "periods")
        }
    refused = 0
    for table, columns in tables.items():
        for column in columns:
            recorded.write_bytes(whole)
            try:
                with closing(sqlite3.connect(recorded)) as connection, connection:
                    connection.execute(f"UPDATE {table} SET {column} = {value}")
            except sqlite3.Error:  # the schema does not have it there
                continue
            refused += _asked(recorded)
    assert refused


def test_a_pack_that_unpacks_to_more_than_any(recorded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "PACK_BYTES", 1 << 20)
    bomb = lzma.compress(bytes(4 << 20), lzma.FORMAT_RAW, filters=log._FILTERS)
    assert len(bomb) < 4096
    with closing(sqlite3.connect(recorded)) as connection, connection:
        connection.execute("UPDATE packs SET data = ?", (bomb,))
    with SqliteState(recorded) as state, pytest.raises(ConfigError, match="damaged"):
        state.history(PATHS, "a")


def test_a_schema_that_is_no_text(recorded: Path) -> None:
    """SQLite names what it cannot read in its error, which Python cannot read then."""
    recorded.write_bytes(recorded.read_bytes().replace(b"CREATE TABLE events", b"CREATE TABLE ev\x8ents"))
    with pytest.raises(ConfigError, match="damaged"), SqliteState(recorded) as state:
        state.history(PATHS, "a")


def test_a_resource_of_another_type_than_its_row(recorded: Path) -> None:
    with closing(sqlite3.connect(recorded)) as connection, connection:
        ((wire,),) = connection.execute("SELECT wire FROM resources").fetchall()
        other = wire.replace(PATHS.type.encode(), PATHS.type[:-1].encode() + b"x")
        assert other != wire
        connection.execute("UPDATE resources SET wire = ?", (other,))
    with SqliteState(recorded) as state:
        for question in ("list", "get"):
            with pytest.raises(ConfigError, match="damaged"):
                QUESTIONS[question](state)


def _asked(file: Path) -> int:
    """Asks and writes everything; returns how much was refused."""
    refused = 0
    with SqliteState(file) as state:
        for question in (QUESTIONS | WRITES).values():
            try:
                question(state)
            except NotFoundError:
                continue  # by the name that it has now it is not there
            except TalosResourcesError as error:
                assert "\n" not in error.message
                refused += 1
    return refused
