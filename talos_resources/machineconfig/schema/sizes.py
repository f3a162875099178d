"""Sizes as Go programs read and write them."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

_MAX_TEXT: Final = 64

_SIZE: Final = re.compile(r"([\d.,]+)\s*([a-zA-Z]*)", re.ASCII)
_SIZE_UNITS: Final = {
    **{prefix.lower() + suffix: 1000**power for power, prefix in enumerate(("", "k", "M", "G", "T", "P", "E")) for suffix in ("", "b")},
    **{
        prefix.lower() + suffix: 1024**power for power, prefix in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), 1) for suffix in ("", "b")
    },
}


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
