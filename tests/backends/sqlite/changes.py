"""A state in a file, and changes to it."""

from __future__ import annotations

from talos_resources.backends.sqlite.state import SqliteState
from talos_resources.testing.conformance.parts import PATHS


def changed(state: SqliteState, count: int, id: str = "a") -> None:
    """Updates a resource so many times."""
    now = state.get(PATHS, id)
    for n in range(count):
        now = state.update(now.with_labels(n=str(n)))
