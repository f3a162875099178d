"""What recordings tell that `top` did not see itself: changes, without those of nothing but counters."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from heapq import merge
from operator import itemgetter
from typing import Any, Final

from talos_resources.backends.sqlite.state import SqliteState
from talos_resources.insight.changes import field_changes
from talos_resources.model.timestamp import Timestamp
from talos_resources.tui.live import HAPPENINGS, Happening
from talos_resources.views.changes import change_text

_FIRST_LOOK_S: Final = 600
_FURTHER: Final = 6
"""So many times as far back each time that there was too little: an hour of a large mesh takes seconds to read."""


def words_of(version: Any) -> str | None:
    """A version of a resource in words; None if nothing but counters changed."""
    fields = () if version.old is None or version.change != "updated" else field_changes(version.old, version.resource)
    rest = [field for field in fields if not field.is_counter]
    return change_text(version.change, rest) if rest or not fields else None


def happenings(recordings: dict[str, SqliteState], first: Timestamp, until: Timestamp, most: int = HAPPENINGS) -> list[Happening]:
    """The last things that were recorded until a moment, the oldest first.

    Args:
        recordings: by node.
        first: nothing is older.
        until: nothing is later.
        most: so many at most.

    Returns:
        They are numbered up to -1, so that what happens from then on comes after them.
    """
    length = _FIRST_LOOK_S
    while True:
        since = Timestamp.from_seconds(max(first.seconds, until.seconds - length))
        found = _between(recordings, since, until, most)
        if len(found) >= most or since <= first:
            return [
                Happening(place - len(found), version.at, node, version.change, version.resource, text)
                for place, (_, node, version, text) in enumerate(found)
            ]
        length *= _FURTHER


def _between(
    recordings: dict[str, SqliteState], since: Timestamp, until: Timestamp, most: int
) -> Sequence[tuple[Timestamp, str, Any, str]]:
    def of_node(node: str, state: SqliteState) -> Iterator[tuple[Timestamp, str, Any, str]]:
        for version in state.changes(since=since):
            if version.at > until:
                return
            if (text := words_of(version)) is not None:
                yield version.at, node, version, text

    return deque(merge(*(of_node(node, state) for node, state in recordings.items()), key=itemgetter(0, 1)), maxlen=most)
