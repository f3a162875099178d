"""Spans of time and numbers of bytes, short enough for a table."""

from __future__ import annotations

from typing import Final

_UNITS: Final = ((86400, "d"), (3600, "h"), (60, "m"))


def age(seconds: float | None) -> str:
    """`38 s`, `12 m`, `3 h`, `9 d`; a dash for None."""
    if seconds is None:
        return "-"
    for size, unit in _UNITS:
        if abs(seconds) >= size:
            return f"{int(seconds / size)} {unit}"
    return f"{int(seconds)} s"


def size(count: float) -> str:
    """Bytes with a decimal prefix, `1.2 MB`."""
    for unit, word in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= unit:
            return f"{count / unit:.1f} {word}"
    return f"{count:.0f} B"


def rate(per_second: float | None) -> str:
    """Bytes per second with a decimal prefix, `1.2 MB/s`; a dash for None."""
    return "-" if per_second is None else f"{size(per_second)}/s"
