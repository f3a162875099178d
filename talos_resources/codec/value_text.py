"""Network addresses and times as text, fast: what Go's netip and time packages print."""

from __future__ import annotations

import functools
from typing import Final

from talos_resources.codec.timetext import TimeText
from talos_resources.model.net import AddrPort, IPAddress, IPPrefix, format_address
from talos_resources.model.timestamp import Timestamp

_DAY_NS: Final = 86_400_000_000_000


def address_text(address: IPAddress | None) -> str:
    """The address, empty for none."""
    if address is None:
        return ""
    if address.version == 4:
        number = int(address)
        return f"{number >> 24}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    return format_address(address)


def prefix_text(prefix: IPPrefix | None) -> str:
    """`ADDRESS/LENGTH`, empty for none."""
    return "" if prefix is None else str(prefix)


def addrport_text(endpoint: AddrPort | None) -> str:
    """`ADDRESS:PORT`, IPv6 in brackets; empty for none."""
    if endpoint is None:
        return ""
    host = address_text(endpoint.address)
    return f"[{host}]:{endpoint.port}" if ":" in host else f"{host}:{endpoint.port}"


def time_text(moment: Timestamp, *, whole_seconds: bool = False) -> TimeText:
    """RFC 3339 in UTC with as many fraction digits as needed."""
    return TimeText(clock_text(moment, whole_seconds=whole_seconds))


def clock_text(moment: Timestamp, *, whole_seconds: bool = False) -> str:
    """As `time_text`, as a common text."""
    seconds, nanos = divmod(moment, 1_000_000_000)
    if not nanos or whole_seconds:
        return f"{_second(seconds)}Z"
    return f"{_second(seconds)}.{nanos:09d}".rstrip("0") + "Z"


@functools.lru_cache(maxsize=4096)
def _second(seconds: int) -> str:
    """A second since the epoch; many resources share theirs."""
    days, rest = divmod(seconds, 86_400)
    return f"{_date(days)}{rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}"


@functools.lru_cache(maxsize=1024)
def _date(days: int) -> str:
    """The date of a day since the epoch, with the T that follows it."""
    return Timestamp(days * _DAY_NS).rfc3339()[:11]
