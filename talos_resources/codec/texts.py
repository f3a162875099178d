"""Network addresses and times as text, fast: what Go's netip and time packages print."""

from __future__ import annotations

import functools
from typing import Final

from talos_resources.codec.goyaml.resolve import TimeText
from talos_resources.model.net import AddrPort, IPAddress, IPPrefix, format_address
from talos_resources.model.timestamp import Timestamp

_DAY_NS: Final = 86_400_000_000_000
_ZERO_TEXT: Final = TimeText("0001-01-01T00:00:00Z")


def address_text(address: IPAddress | None) -> str:
    """The address, empty for none."""
    return "" if address is None else format_address(address)


def prefix_text(prefix: IPPrefix | None) -> str:
    """`ADDRESS/LENGTH`, empty for none."""
    return "" if prefix is None else str(prefix)


def addrport_text(endpoint: AddrPort | None) -> str:
    """`ADDRESS:PORT`, IPv6 in brackets; empty for none."""
    if endpoint is None:
        return ""
    host = format_address(endpoint.address)
    return f"[{host}]:{endpoint.port}" if ":" in host else f"{host}:{endpoint.port}"


def time_text(moment: Timestamp, *, whole_seconds: bool = False) -> TimeText:
    """RFC 3339 in UTC with as many fraction digits as needed."""
    if moment == Timestamp.ZERO:
        return _ZERO_TEXT
    days, rest = divmod(moment, _DAY_NS)
    seconds, nanos = divmod(rest, 1_000_000_000)
    clock = f"{_date(days)}{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    if not nanos or whole_seconds:
        return TimeText(f"{clock}Z")
    return TimeText(f"{clock}.{nanos:09d}".rstrip("0") + "Z")


@functools.lru_cache(maxsize=1024)
def _date(days: int) -> str:
    """The date of a day since the epoch, with the T that follows it."""
    return Timestamp(days * _DAY_NS).rfc3339()[:11]
