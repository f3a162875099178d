"""What commands ask of a recording: what it has of a span of time, and what to say of the rest."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from talos_resources.backends.sqlite.periods import Coverage
    from talos_resources.backends.sqlite.state import SqliteState
    from talos_resources.model.timestamp import Timestamp
    from talos_resources.sources import Cluster


def look(
    cluster: Cluster, nodes: Sequence[str], begin: Timestamp | None, end: Timestamp, *, now: Timestamp
) -> dict[str, tuple[SqliteState, Coverage]]:
    """What the recordings of nodes have of a span, and a note on stderr of what they lack.

    Args:
        cluster: the source.
        nodes: which of its nodes.
        begin: None for as far back as there is data.
        end: not before `begin`.
        now: for messages.

    Returns:
        By node, without those that have nothing of the span.

    Raises:
        UnsupportedError: the source keeps no past.
        ConfigError: no node has anything of the span.
    """
    from talos_resources.sources.looking_back import covering

    found, notes = covering(cluster, nodes, begin, end, now=now)
    tell(notes)
    return found


def tell(notes: Sequence[str]) -> None:
    """Says on stderr what a recording lacks."""
    for note in notes:
        print(f"note: {note}", file=sys.stderr)


def tell_at(cluster: Cluster, nodes: Sequence[str], moment: Timestamp, *, now: Timestamp) -> None:
    """A note on stderr where nobody recorded at a moment: what is shown of it is what was known last.

    A source that keeps no past, or nothing of so long ago, has its own words for that.
    """
    from talos_resources.backends.sqlite.state import SqliteState
    from talos_resources.views.coverage import span_text

    stale: dict[str, list[str]] = {}
    for node in nodes:
        state = cluster.state(node)
        if not isinstance(state, SqliteState):
            return
        periods = state.periods(now=now)
        if periods and periods[0].began <= moment and not any(period.began <= moment <= period.ended for period in periods):
            stale.setdefault(span_text(periods, now=now), []).append(node)
    for text, of in stale.items():
        whose = "" if len(of) == len(nodes) else f" of {', '.join(of)}"
        print(f"note: nobody recorded{whose} at that time, this is what was known last: {text}", file=sys.stderr)


def since_of(args: Namespace) -> Any:
    """The moment of --since; None without it."""
    import time

    from talos_resources.model.timestamp import Timestamp
    from talos_resources.state.when import parse_when

    return None if args.since is None else parse_when(args.since, now=Timestamp(time.time_ns()))
