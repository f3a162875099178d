"""What a recording has of a span of time, in words."""

from __future__ import annotations

from collections.abc import Sequence

from talos_resources.backends.sqlite.periods import Coverage, Period
from talos_resources.model.timestamp import Timestamp
from talos_resources.views.age import age


def missing_text(found: Coverage, begin: Timestamp, end: Timestamp, *, now: Timestamp) -> str:
    """What of the span has no data, in words; empty if all of it has."""
    parts = []
    if found.begin > begin:
        parts.append(f"it begins at {_clock(found.begin, up=True)}")
    parts += [f"nobody recorded from {_clock(gap.began)} to {_clock(gap.ended, up=True)}" for gap in found.gaps]
    if found.end < end:
        parts.append(f"it ends at {_clock(found.end)} ({age((now - found.end) / 1e9)} ago)")
    return ", ".join(parts)


def span_text(periods: Sequence[Period], *, now: Timestamp) -> str:
    """From when to when there is data at all."""
    if not periods:
        return "it is empty"
    end = "now" if periods[-1].is_open else f"{_clock(periods[-1].ended)} ({age((now - periods[-1].ended) / 1e9)} ago)"
    gaps = f" with {len(periods) - 1} gap{'s' if len(periods) > 2 else ''}" if len(periods) > 1 else ""
    return f"it has data from {_clock(periods[0].began, up=True)} to {end}{gaps}"


def _clock(at: Timestamp, *, up: bool = False) -> str:
    """In whole seconds; rounded up, so that there is data of the moment when it is typed in again."""
    return str(Timestamp.from_seconds(at.seconds + (1 if up and at.nanos else 0)))
