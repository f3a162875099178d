"""What happens to a simulated cluster on schedule."""

from __future__ import annotations

from collections.abc import Callable

import attrs


@attrs.frozen
class Event:
    """Something that happens to the cluster.

    Attributes:
        at_s: seconds after the start.
        what: for people, in one line.
        act: does it.
        until_s: when another event undoes it, in seconds after the start; None if nothing does.
        heals: it undoes an earlier one.
    """

    at_s: float
    what: str
    act: Callable[[], None]
    until_s: float | None = None
    heals: bool = False


def passing(begin: Event, end: Event) -> list[Event]:
    """Something that happens, and what undoes it."""
    return [attrs.evolve(begin, until_s=end.at_s), attrs.evolve(end, heals=True)]
