"""Durations and sizes as Go programs read and write them."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

_UNIT_NS: Final = {"ns": 1, "us": 1_000, "µs": 1_000, "μs": 1_000, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_PART: Final = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_MAX_TEXT: Final = 64

_SIZE: Final = re.compile(r"([\d.,]+)\s*([a-zA-Z]*)", re.ASCII)
_SIZE_UNITS: Final = {
    **{prefix.lower() + suffix: 1000**power for power, prefix in enumerate(("", "k", "M", "G", "T", "P", "E")) for suffix in ("", "b")},
    **{
        prefix.lower() + suffix: 1024**power for power, prefix in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), 1) for suffix in ("", "b")
    },
}


def duration(text: str) -> str:
    """A duration such as 1h30m in the form in which Go writes it: 1h30m0s.

    Raises:
        ValueError: no duration, or beyond 64 bits of nanoseconds.
    """
    nanoseconds = parse_duration(text)
    if nanoseconds == 0:
        return "0s"
    sign, rest = ("-", -nanoseconds) if nanoseconds < 0 else ("", nanoseconds)
    if rest < 10**9:
        for unit, size in (("ms", 10**6), ("µs", 1_000), ("ns", 1)):
            if rest >= size:
                return f"{sign}{_decimal(rest, size)}{unit}"
    minutes, below = divmod(rest, 60 * 10**9)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{_decimal(below, 10**9)}s"
    if hours:
        return f"{sign}{hours}h{minutes}m{seconds}"
    return f"{sign}{minutes}m{seconds}" if minutes else sign + seconds


def parse_duration(text: str) -> int:
    """Nanoseconds of a duration such as 1h30m.

    Raises:
        ValueError: no duration, or beyond 64 bits.
    """
    bare = text[1:] if text[:1] in {"+", "-"} else text
    if bare == "0":
        return 0
    parts = _PART.findall(bare) if len(bare) <= _MAX_TEXT else []
    if not parts or "".join(number + unit for number, unit in parts) != bare:
        raise ValueError(f"{text[:_MAX_TEXT]!r} is not a duration such as 1h30m")
    total = sum(int(Decimal(number) * _UNIT_NS[unit]) for number, unit in parts)
    if total >= 1 << 63:
        raise ValueError(f"{text!r} is too long for a duration")
    return -total if text.startswith("-") else total


def _decimal(value: int, unit: int) -> str:
    whole, rest = divmod(value, unit)
    digits = f"{rest:0{len(str(unit)) - 1}d}".rstrip("0") if unit > 1 else ""
    return f"{whole}.{digits}" if digits else str(whole)


def parse_size(text: str) -> int:
    """Bytes of a size such as 10GB (powers of 1000), 10GiB (of 1024) or a bare number.

    Raises:
        ValueError: no size, or 2**64 bytes and more.
    """
    match = _SIZE.fullmatch(text.strip()) if len(text) <= _MAX_TEXT else None
    number, unit = match.groups() if match else ("", "")
    number = number.replace(",", "")
    if not re.fullmatch(r"\d+\.?\d*|\.\d+", number, re.ASCII) or unit.lower() not in _SIZE_UNITS:
        raise ValueError(f"{text[:_MAX_TEXT]!r} is not a size such as 10GB")
    size = int(Decimal(number) * _SIZE_UNITS[unit.lower()])
    if size >= 1 << 64:
        raise ValueError(f"{text!r} is too big")
    return size


def disk_size(text: str) -> str:
    """The size of a partition as Talos writes it back: rounded, in powers of 1000 ("100 MB").

    Raises:
        ValueError: no size.
    """
    size = parse_size(text)
    if size < 10:
        return f"{size} B"
    units = ("B", "kB", "MB", "GB", "TB", "PB", "EB")
    power = next(power for power in range(len(units)) if size < 1000 ** (power + 1) or power == len(units) - 1)
    value = int(Decimal(size) / 1000**power * 10 + Decimal("0.5")) / 10
    return f"{value:.1f} {units[power]}" if value < 10 else f"{value:.0f} {units[power]}"


def byte_size(text: str) -> str:
    """A size, kept as it is written.

    Raises:
        ValueError: no size.
    """
    if text:
        parse_size(text)
    return text


def size(text: str) -> str:
    """A size or a percentage, kept as it is written.

    Raises:
        ValueError: neither.
    """
    if not text.endswith("%"):
        byte_size(text.removeprefix("-"))
        return text
    if re.fullmatch(r"100|\d{1,2}", text[:-1], re.ASCII) is None:
        raise ValueError(f"{text!r} is no percentage of 0..100")
    return text


def size_matcher(text: str) -> str:
    """A condition on the size of a disk, such as `>= 100GB`, kept as it is written.

    Raises:
        ValueError: no condition.
    """
    match = re.fullmatch(r"(<=|>=|<|>|==)?\s*(.+)", text.strip())
    if match is None:
        raise ValueError("an empty disk size condition")
    parse_size(match[2])
    return text
