"""What sorts of values fields hold, and what people may write for one of each sort."""

from __future__ import annotations

import datetime as dt
import functools
import ipaddress
import operator
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, Final, NamedTuple

import attrs

from talos_resources.model.duration import Duration
from talos_resources.model.enums import NumberedEnum, WireFlags
from talos_resources.model.freezing import free_form
from talos_resources.model.net import AddrPort, IPPrefix
from talos_resources.model.spec import NO_ENTRIES
from talos_resources.model.timestamp import Timestamp
from talos_resources.model.values import URL, Expression, HardwareAddr

Parse = Callable[[Any], Any]
"""Turns a value into one of a sort; None for what means nothing, a ValueError that tells why a text or number means none."""

_ADDRESSES: Final = (ipaddress.IPv4Address, ipaddress.IPv6Address)
_NETWORKS: Final = (ipaddress.IPv4Network, ipaddress.IPv6Network)
_LONGEST_NS: Final = 1 << 63


class Sort(NamedTuple):
    """A sort of value.

    Attributes:
        classes: whose instances are right as they are.
        parse: reads others.
    """

    classes: frozenset[type[Any]]
    parse: Parse


def sort_of(item: Any) -> Sort | None:
    """The sort of an annotation; None where nothing is said of it."""
    if item in _SORTS:
        return _SORTS[item]
    if isinstance(item, type) and issubclass(item, Enum):
        return Sort(frozenset({item}), functools.partial(_member, item))
    if isinstance(item, type) and attrs.has(item):
        return Sort(frozenset({item}), lambda value: value if isinstance(value, item) else None)
    return None


def whole(value: Any) -> int | None:
    """An integer of any library; no boolean is one."""
    if isinstance(value, (bool, Enum)):
        return None
    try:
        return operator.index(value)
    except TypeError:
        return None


def _member(cls: type[Enum], value: Any) -> Any:
    if not isinstance(value, str) or isinstance(value, Enum):
        return None
    if issubclass(cls, WireFlags):
        return cls.parse(value)
    for member in cls:
        if value in {member.value, member.name}:
            return member
    if issubclass(cls, NumberedEnum) and (unnamed := cls.parse_unnamed(value)) is not None:
        return unnamed
    raise ValueError(f"{value!r:.60} is none of {', '.join(repr(member.value) for member in cls)}")


def _text(value: Any) -> Any:
    return value if isinstance(value, str) else None


def _real(value: Any) -> Any:
    return float(value) if isinstance(value, int) and not isinstance(value, (bool, Enum)) else None


def _bytes(value: Any) -> Any:
    return bytes(value) if isinstance(value, (bytes, bytearray, memoryview)) else None


def _address(value: Any) -> Any:
    return ipaddress.ip_address(value) if isinstance(value, str) else None


def _prefix(value: Any) -> Any:
    if isinstance(value, (ipaddress.IPv4Interface, ipaddress.IPv6Interface)):
        return IPPrefix(value.ip, value.network.prefixlen)
    if isinstance(value, _NETWORKS):
        return IPPrefix(value.network_address, value.prefixlen)
    return IPPrefix.parse(value) if isinstance(value, str) else None


def _addrport(value: Any) -> Any:
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[1], int):
        return AddrPort(value[0] if isinstance(value[0], _ADDRESSES) else ipaddress.ip_address(value[0]), value[1])
    return AddrPort.parse(value) if isinstance(value, str) else None


def _moment(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return Timestamp.from_datetime(value)
    return Timestamp.parse(value) if isinstance(value, str) else None


def _duration(value: Any) -> Any:
    if isinstance(value, dt.timedelta):
        found = Duration.of(value)
        if not -_LONGEST_NS <= found.nanoseconds < _LONGEST_NS:
            raise ValueError(f"{value} is longer than the 292 years that a duration holds")
        return found
    return Duration.parse(value) if isinstance(value, str) else None


def _hardware(value: Any) -> Any:
    if isinstance(value, (bytes, bytearray)):
        return HardwareAddr(value)
    return HardwareAddr.parse(value) if isinstance(value, str) else None


def _free(value: Any) -> Any:
    if value is None or value is NO_ENTRIES:  # which is another thing than an empty one
        return NO_ENTRIES
    return free_form(value) if isinstance(value, Mapping) else None


NO_CLASS: Final = frozenset[type[Any]]()
_SORTS: Final[dict[Any, Sort]] = {
    str: Sort(frozenset({str}), _text),
    bool: Sort(frozenset({bool}), lambda _value: None),
    float: Sort(frozenset({float}), _real),
    bytes: Sort(frozenset({bytes}), _bytes),
    ipaddress.IPv4Address | ipaddress.IPv6Address: Sort(frozenset(_ADDRESSES), _address),
    IPPrefix: Sort(frozenset({IPPrefix}), _prefix),
    AddrPort: Sort(frozenset({AddrPort}), _addrport),
    Timestamp: Sort(frozenset({Timestamp}), _moment),
    Duration: Sort(frozenset({Duration}), _duration),
    URL: Sort(frozenset({URL}), lambda value: URL(value) if isinstance(value, str) else None),
    HardwareAddr: Sort(frozenset({HardwareAddr}), _hardware),
    Expression: Sort(frozenset({Expression}), lambda value: Expression(value) if isinstance(value, str) else None),
    # What is in it may be anything, so every one is looked at.
    Mapping[str, Any]: Sort(NO_CLASS, _free),
}
