"""A file to record into."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from talos_resources.backends.sqlite.state import SqliteState


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "mesh.db"


@pytest.fixture
def target(file: Path) -> Iterator[SqliteState]:
    with SqliteState(file) as state:
        yield state
