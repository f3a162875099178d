"""How findings say numbers: ages, moments, bytes, one and many."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Final

from talos_resources.model.timestamp import Timestamp

SHOWN: Final = 8
"""So many lines of evidence are shown."""


def duration(seconds: float) -> str:
    """`38 s`, `12 m`, `3 h 5 m`, `9 d`."""
    whole = int(abs(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} m"
    if whole < 86400:
        hours, minutes = whole // 3600, whole // 60 % 60
        return f"{hours} h {minutes} m" if minutes else f"{hours} h"
    return f"{whole // 86400} d"


def clock(moment: Timestamp, by: Timestamp) -> str:
    """A moment as the time of day, `02:14:31`, with its date if that is another than that of `by`, the moment of the diagnosis."""
    at = moment.to_datetime()
    return f"{at:%H:%M:%S}" if at.date() == by.to_datetime().date() else f"{at:%Y-%m-%d %H:%M:%S}"


def size(count: int) -> str:
    """Bytes as people say them: `0 bytes`, `148 bytes`, `88.8 kB`, `23 MB`."""
    if count < 1000:
        return some(count, "byte")
    number = float(count)
    for unit in ("kB", "MB", "GB", "TB"):
        number /= 1000
        if number < 999.5:
            return f"{number:.1f} {unit}" if number < 100 else f"{number:.0f} {unit}"
    return f"{number:.0f} TB"


def some(count: int, one: str, many: str = "") -> str:
    """`1 link`, `2 links`."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def verb(count: int, one: str, many: str) -> str:
    """The form of a verb for so many subjects."""
    return one if count == 1 else many


def middle(values: Iterable[float]) -> float:
    """The median."""
    from statistics import median  # brings all other kinds of numbers with it, and few diagnoses need it

    return median(values)


def limited(lines: Iterable[str]) -> tuple[str, ...]:
    """The first few lines of evidence; the rest, which may be a million, is not even made."""
    shown = tuple(islice(dict.fromkeys(islice(lines, 4 * SHOWN)), SHOWN + 1))
    return shown if len(shown) <= SHOWN else (*shown[:SHOWN], "…")
