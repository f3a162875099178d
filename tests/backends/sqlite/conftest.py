"""A state in a file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from talos_resources.backends.sqlite.state import SqliteState


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


@pytest.fixture
def state(file: Path) -> Iterator[SqliteState]:
    with closing(SqliteState(file)) as state:
        yield state
