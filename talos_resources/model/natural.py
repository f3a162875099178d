"""Values as people write them, turned into those that fields hold, when a spec is made or changed.

`KubeSpanPeerStatus(state="up", endpoint="10.0.0.1:51820")` means an enum and an address; what means nothing is refused
there and then, and not when it is sent. Codecs make values that are right by construction and do not come through here.

A class's `__init__` is written anew when its first value is made: the one that attrs writes, with one look at the
class of each value, which takes 0.05 µs a field; a converter of attrs would be a call for each.
"""

from __future__ import annotations

import datetime as dt
import functools
import ipaddress
import types
import typing
from collections.abc import Callable
from enum import Enum
from typing import Any, Final, TypeVar, cast

import attrs

from talos_resources.model.build import Rules, written
from talos_resources.model.enums import NumberedEnum
from talos_resources.model.net import AddrPort, IPPrefix
from talos_resources.model.spec import wire_field
from talos_resources.model.timestamp import Timestamp

T = TypeVar("T")

Fix = Callable[[Any], Any]
"""Turns a value into one that the field holds; raises TypeError or ValueError if it means none."""

_ADDRESSES: Final = (ipaddress.IPv4Address, ipaddress.IPv6Address)
_NETWORKS: Final = (ipaddress.IPv4Network, ipaddress.IPv6Network)
_NOTHING: Final = type(None)


def _cached(function: Callable[[type[Any]], Rules]) -> Callable[[type[Any]], Rules]:
    """`functools.cache`; mypy does not take a class for hashable."""
    return cast("Callable[[type[Any]], Rules]", functools.cache(function))


def checked(cls: type[T]) -> type[T]:
    """Has the class check and convert what its values are made of, from the first one on."""
    plain = cast("Any", cls).__init__

    @functools.wraps(plain)
    def first(self: Any, *arguments: Any, **given: Any) -> None:
        made = _init(cls) or plain
        cast("Any", cls).__init__ = made
        made(self, *arguments, **given)

    cast("Any", cls).__init__ = first
    return cls


def _init(cls: type[Any]) -> Callable[..., None] | None:
    """The constructor of a class; None where attrs' own does more than to set fields."""
    fields = attrs.fields(cls)
    if any(not field.init or field.converter or field.validator or not field.kw_only for field in fields):
        return None
    if any(isinstance(field.default, attrs.Factory) or field.default is attrs.NOTHING for field in fields):  # type: ignore[arg-type]
        return None
    rules = rules_of(cls)
    names: dict[str, Any] = {"setter": object.__setattr__}
    parameters, lines = [], ["    put = setter.__get__(self)"]
    for field in fields:
        names[f"default_{field.name}"] = field.default
        parameters.append(f"{field.name}=default_{field.name}")
        if (rule := rules.get(field.name)) is not None:
            names[f"fits_{field.name}"], names[f"fix_{field.name}"] = rule
            lines += [f"    if {field.name}.__class__ not in fits_{field.name}:", f"        {field.name} = fix_{field.name}({field.name})"]
        lines.append(f"    put({field.name!r}, {field.name})")
    made = cast("Callable[..., None]", written([f"def function(self, *, {', '.join(parameters)}):", *lines], **names))
    return functools.update_wrapper(made, attrs_init) if (attrs_init := getattr(cls.__init__, "__wrapped__", None)) else made


@_cached
def rules_of(cls: type[Any]) -> Rules:
    """Field → the classes of which a value is right as it is, and what is done with others. Fields of other sorts are left alone.

    The empty tuple is right in any list; the items of others are looked at, so `tuple` is never among the classes.
    """
    if not attrs.has(cls):
        return {}
    hints = typing.get_type_hints(cls)
    rules: dict[str, tuple[frozenset[type[Any]], Fix]] = {}
    for field in attrs.fields(cls):
        declared = wire_field(field)
        if declared is None or declared.form is not None:
            continue
        where = f"{cls.__name__}.{field.name}"
        item, is_list, is_optional, is_nullable = _unwrapped(hints[field.name])
        sort = _sort(item)
        if sort is None:
            continue
        fits, parse = sort
        fit = frozenset({*fits, _NOTHING} if is_nullable else fits)
        one = functools.partial(_one, where, fit, parse, declared.secret)
        rules[field.name] = (frozenset[type[Any]](), functools.partial(_many, where, one, is_optional)) if is_list else (fit, one)
    return rules


def _many(where: str, one: Fix, is_optional: bool, value: Any) -> Any:
    if value is None:  # Go's list of nothing; to some fields another thing than an empty one
        return None if is_optional else ()
    if value.__class__ is tuple:
        if not value:
            return value
    elif isinstance(value, (list, set, frozenset)) or hasattr(value, "__next__"):
        value = tuple(value)
    elif not isinstance(value, tuple):
        raise TypeError(f"{where} holds a tuple, got {_named(value)}")
    found = tuple([one(item) for item in value])
    return value if found == value and all(a is b for a, b in zip(found, value, strict=True)) else found


def _one(where: str, fits: frozenset[type[Any]], parse: Fix, secret: bool, value: Any) -> Any:
    if value.__class__ in fits:
        return value
    try:
        found = parse(value)
    except ValueError as error:
        raise ValueError(f"{where}: {'this is no such secret' if secret else error}") from None
    if found is None:
        expected = " or ".join(sorted("None" if fit is _NOTHING else fit.__name__ for fit in fits))
        shown = "" if secret else f" ({value!r:.60})"
        raise TypeError(f"{where} holds {expected}, got {_named(value)}{shown}")
    return found


def _named(value: Any) -> str:
    return type(value).__name__


def _sort(item: Any) -> tuple[set[type[Any]] | frozenset[type[Any]], Fix] | None:
    """The classes of a sort of value, and what reads others, which gives None for what means nothing."""
    if item in _SORTS:
        return _SORTS[item]
    if isinstance(item, type) and issubclass(item, Enum):
        return {item}, functools.partial(_member, item)
    if isinstance(item, type) and attrs.has(item):
        return {item}, lambda value: value if isinstance(value, item) else None
    return None


def _member(cls: type[Enum], value: Any) -> Any:
    if not isinstance(value, str) or isinstance(value, Enum):
        return None
    for member in cls:
        if value in {member.value, member.name}:
            return member
    if issubclass(cls, NumberedEnum) and (unnamed := cls.parse_unnamed(value)) is not None:
        return unnamed
    raise ValueError(f"{value!r:.60} is none of {', '.join(repr(member.value) for member in cls)}")


def _text(value: Any) -> Any:
    return value if isinstance(value, str) else None


def _whole(value: Any) -> Any:
    return value if isinstance(value, int) and not isinstance(value, (bool, Enum)) else None


def _address(value: Any) -> Any:
    return ipaddress.ip_address(value) if isinstance(value, str) else None


def _prefix(value: Any) -> Any:
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


_SORTS: Final[dict[Any, tuple[set[type[Any]], Fix]]] = {
    str: ({str}, _text),
    bool: ({bool}, lambda _value: None),
    int: ({int}, _whole),
    bytes: ({bytes}, lambda value: bytes(value) if isinstance(value, (bytearray, memoryview)) else None),
    ipaddress.IPv4Address | ipaddress.IPv6Address: (set(_ADDRESSES), _address),
    IPPrefix: ({IPPrefix}, _prefix),
    AddrPort: ({AddrPort}, _addrport),
    Timestamp: ({Timestamp}, _moment),
}


def _unwrapped(hint: Any) -> tuple[Any, bool, bool, bool]:
    """The sort of a value or item, whether there are many, whether the field may be None, whether an item may."""
    hint, optional = _without_none(hint)
    if typing.get_origin(hint) is tuple:
        item, nullable = _without_none(typing.get_args(hint)[0])
        return item, True, optional, nullable
    return hint, False, optional, optional


def _without_none(hint: Any) -> tuple[Any, bool]:
    if typing.get_origin(hint) not in {typing.Union, types.UnionType}:
        return hint, False
    members = [member for member in typing.get_args(hint) if member is not _NOTHING]
    return functools.reduce(lambda left, right: left | right, members), len(members) < len(typing.get_args(hint))
