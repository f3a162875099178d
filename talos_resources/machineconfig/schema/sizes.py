"""Sizes as Go programs read and write them."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

_MAX_TEXT: Final = 64

_SIZE: Final = re.compile(r"([\d.,]+)\s*([a-zA-Z]*)\s*", re.ASCII)
_NUMBER: Final = r"(?:\d+\.?\d*|\.\d+)"
_SIZE_UNITS: Final = {
    **{prefix.lower() + suffix: 1000**power for power, prefix in enumerate(("", "k", "M", "G", "T", "P", "E")) for suffix in ("", "b")},
    **{
        prefix.lower() + suffix: 1024**power for power, prefix in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), 1) for suffix in ("", "b")
    },
}


def parse_size(text: str) -> int:
    """Bytes of a size such as 10GB (powers of 1000), 10GiB (of 1024) or a bare number.

    Go computes it as a float, so the last digits of a very big one are not what is written.

    Raises:
        ValueError: no size, or 2**64 bytes and more.
    """
    match = _SIZE.fullmatch(text) if len(text) <= _MAX_TEXT else None
    number, unit = match.groups() if match else ("", "")
    number = number.replace(",", "")
    if not re.fullmatch(_NUMBER, number, re.ASCII) or unit.lower() not in _SIZE_UNITS:
        raise ValueError(f"{text[:_MAX_TEXT]!r} is not a size such as 10GB")
    size = float(number) * _SIZE_UNITS[unit.lower()]
    if size >= 1 << 64:
        raise ValueError(f"{text!r} is too big")
    return int(size)


def is_more(least: str, most: str) -> bool:
    """Whether the least of a size is more than the most of it, which may be open: a share, or what is to be left over.

    A minus of the least does not count, as in Talos; both are sizes that were read.
    """
    return (
        bool(least and most)
        and not most.endswith("%")
        and not most.startswith("-")
        and parse_size(least.removeprefix("-")) > parse_size(most)
    )


def disk_size(text: str) -> int | str:
    """The size of a partition as Talos writes it back.

    In powers of 1000 ("100 MB") where no byte is lost by that, else as a number.

    Raises:
        ValueError: no size.
    """
    size = parse_size(text)
    if size % 1000:
        return size
    rounded = _rounded(size)
    return rounded if parse_size(rounded) == size else size


def _rounded(size: int) -> str:
    if size < 10:
        return f"{size} B"
    units = ("B", "kB", "MB", "GB", "TB", "PB", "EB")
    power = next(power for power in range(len(units)) if size < 1000 ** (power + 1) or power == len(units) - 1)
    value = int(Decimal(size) / 1000**power * 10 + Decimal("0.5")) / 10
    return f"{value:.1f} {units[power]}" if value < 10 else f"{value:.0f} {units[power]}"


def byte_size(text: str) -> str:
    """A size, perhaps negative, kept as it is written.

    Raises:
        ValueError: no size.
    """
    if text:
        parse_size(text.removeprefix("-"))
    return text


def size(text: str) -> str:
    """A size or a percentage, kept as it is written.

    Raises:
        ValueError: neither.
    """
    if "%" not in text:
        return byte_size(text)
    match = re.fullmatch(rf"-?([+-]?{_NUMBER})%", text, re.ASCII) if len(text) <= _MAX_TEXT else None
    if match is None or not 0 <= float(match[1]) <= 100:
        raise ValueError(f"{text[:_MAX_TEXT]!r} is no percentage of 0..100")
    return text


def size_matcher(text: str) -> str:
    """A condition on the size of a disk, such as `>= 100GB`, without blanks around it.

    Raises:
        ValueError: no condition.
    """
    condition = text.strip()
    match = re.fullmatch(r"(<=|>=|<|>|==)?\s*(.+)", condition)
    if match is None:
        raise ValueError("an empty disk size condition")
    parse_size(match[2])
    return condition
