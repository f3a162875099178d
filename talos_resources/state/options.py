"""Options of watches that exclude each other; every backend asks here."""

from __future__ import annotations


def check_watch_options(tail_events: int, start_from_bookmark: bytes | None) -> None:
    """Refuses what no watch can do.

    Raises:
        ValueError: options that exclude each other, or a negative number of events.
    """
    if tail_events < 0:
        raise ValueError(f"tail_events is {tail_events}, it counts events")
    if tail_events > 0 and start_from_bookmark is not None:
        raise ValueError("tail_events and start_from_bookmark both say where to begin; give one of them")
