"""Moments as people write them: a time, or how long ago."""

from __future__ import annotations

import datetime as dt
import re
from typing import Final

from talos_resources.model.duration import Duration
from talos_resources.model.errors import QueryError
from talos_resources.model.timestamp import Timestamp

_AGO: Final = re.compile(r"-?(?=\d)(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d{1,9})?)s)?\Z", re.ASCII)
_CLOCK: Final = re.compile(r"(\d\d):(\d\d)(?::(\d\d))?\Z", re.ASCII)
_DAY_CLOCK: Final = re.compile(r"(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d)(?::(\d\d))?)?\Z", re.ASCII)
_UNITS: Final = (86400, 3600, 60, 1)


def parse_when(text: str, *, now: Timestamp) -> Timestamp:
    """The moment that a text means; without a zone, times are in UTC as everything that is printed.

    Args:
        text: `-10m`, `2h30m`, `1d` (so long before now); `02:14` or `02:14:31` (the last time the clock showed
            that); `2026-11-26`, `2026-11-26 02:14[:31]`; RFC 3339; `now`.
        now: what the first two count from.

    Raises:
        QueryError: it means none.
    """
    text = text.strip()
    if text == "now":
        return now
    try:
        if (ago := _AGO.match(text)) is not None and text not in {"", "-"}:
            return Timestamp(now - sum(int(float(part) * unit * 1e9) for part, unit in zip(ago.groups(), _UNITS, strict=True) if part))
        if (clock := _CLOCK.match(text)) is not None:
            day = dt.datetime.fromtimestamp(now.seconds, dt.UTC).date()
            moment = Timestamp.parse(f"{day}T{clock[1]}:{clock[2]}:{clock[3] or '00'}Z")
            return moment if moment <= now else Timestamp(moment - 86400 * 10**9)
        if (written := _DAY_CLOCK.match(text)) is not None:
            return Timestamp.parse(f"{written[1]}T{written[2] or '00:00'}:{written[3] or '00'}Z")
        return Timestamp.parse(text)
    except (ValueError, OverflowError):
        raise QueryError(f"{text!r} is no moment; write -10m, 2h30m, 02:14, 2026-11-26 02:14:31 or RFC 3339 (UTC)") from None


def moment_of(when: str | Timestamp | dt.datetime, *, now: Timestamp) -> Timestamp:
    """A moment that may be a text, see `parse_when`, or a datetime that knows its zone.

    Raises:
        QueryError: it means none.
    """
    if isinstance(when, Timestamp):
        return when
    if isinstance(when, str):
        return parse_when(when, now=now)
    try:
        return Timestamp.from_datetime(when)
    except ValueError:
        raise QueryError(f"{when} has no time zone; write datetime.now(UTC), or give the datetime one") from None


def length_of(length: str | dt.timedelta) -> Duration:
    """A length of time that may be a text: `90s`, `1m`, `1h30m`, `1d`.

    Raises:
        QueryError: it is none, or not above zero.
    """
    found = Duration.of(length) if isinstance(length, dt.timedelta) else _length(length)
    if found is None or found.nanoseconds <= 0:
        raise QueryError(f"{str(length)!r} is no length of time; write 90s, 1m, 1h30m or 1d")
    return found


def _length(text: object) -> Duration | None:
    parts = _AGO.match(text) if isinstance(text, str) else None  # a number says no unit
    if parts is None or parts[0].startswith("-"):
        return None
    return Duration(sum(int(float(part) * unit * 1e9) for part, unit in zip(parts.groups(), _UNITS, strict=True) if part))
