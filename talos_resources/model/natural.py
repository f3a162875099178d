"""Values as people write them, turned into those that fields hold, when a spec is made or changed.

`KubeSpanPeerStatus(state="up", endpoint="10.0.0.1:51820")` means an enum and an address; what means nothing is refused
there and then, and not when it is sent. Codecs make values that are right by construction and do not come through here.

A class's `__init__` is written anew when its first value is made: the one that attrs writes, with one look at the
class of each value, which takes 0.05 µs a field; a converter of attrs would be a call for each.
"""

from __future__ import annotations

import functools
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar, cast

import attrs
from immutabledict import immutabledict

from talos_resources.model.build import Rules, written
from talos_resources.model.sorts import NO_CLASS, Parse, sort_of, whole
from talos_resources.model.spec import BOUNDS, NO_ENTRIES, WireField, wire_field

T = TypeVar("T")

Fix = Callable[[Any], Any]
"""Turns a value into one that the field holds; raises TypeError or ValueError if it means none."""

_NOTHING: Final = type(None)
_OFF_THE_WIRE: Final = WireField(number=0, doc="", width="uint64")
"""What holds of fields that are not declared: the one of unknown fields, and metadata with its version."""


def _cached(function: Callable[[type[Any]], Rules]) -> Callable[[type[Any]], Rules]:
    """`functools.cache`; mypy does not take a class for hashable."""
    return cast("Callable[[type[Any]], Rules]", functools.cache(function))


def checked(cls: type[T]) -> type[T]:
    """Has the class check and convert what its values are made of, from the first one on."""
    plain = cast("Any", cls).__init__

    @functools.wraps(plain)
    def first(self: Any, *arguments: Any, **given: Any) -> None:
        if not arguments and not given:  # the defaults of others are made when a module is imported
            plain(self)
            return
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
    if any(isinstance(field.default, attrs.Factory) for field in fields):  # type: ignore[arg-type]
        return None
    rules = rules_of(cls)
    names: dict[str, Any] = {"setter": object.__setattr__}
    parameters, lines = [], ["    put = setter.__get__(self)"]
    for field in fields:
        names[f"default_{field.name}"] = field.default
        parameters.append(field.name if field.default is attrs.NOTHING else f"{field.name}=default_{field.name}")
        if (rule := rules.get(field.name)) is not None:
            names[f"fits_{field.name}"], names[f"fix_{field.name}"] = rule
            lines += [f"    if {field.name}.__class__ not in fits_{field.name}:", f"        {field.name} = fix_{field.name}({field.name})"]
        lines.append(f"    put({field.name!r}, {field.name})")
    made = cast("Callable[..., None]", written([f"def function(self, *, {', '.join(parameters)}):", *lines], **names))
    return functools.update_wrapper(made, attrs_init) if (attrs_init := getattr(cls.__init__, "__wrapped__", None)) else made


@_cached
def rules_of(cls: type[Any]) -> Rules:
    """Field → the classes of which a value is right as it is, and what is done with others. Fields of other sorts are left alone.

    The items of lists and mappings are looked at, and whether a number is within its bounds: they are right for no class alone.
    """
    if not attrs.has(cls):
        return {}
    hints = typing.get_type_hints(cls)
    found = {field.name: _rule(cls, field, hints[field.name]) for field in attrs.fields(cls)}
    return {name: rule for name, rule in found.items() if rule is not None}


def _rule(cls: type[Any], field: attrs.Attribute[Any], hint: Any) -> tuple[frozenset[type[Any]], Fix] | None:
    declared = wire_field(field) or _OFF_THE_WIRE
    where = f"{cls.__name__}.{field.name}"
    item, container, is_optional, is_nullable = _unwrapped(hint)
    if item is int:
        fits, one = NO_CLASS, _number(where, BOUNDS[declared.width], is_nullable, secret=declared.secret)
    else:
        sort = sort_of(item)
        if sort is None:
            return None
        fits = sort.classes | {_NOTHING} if is_nullable else sort.classes
        one = _one(where, fits, _expected(item, is_nullable), sort.parse, secret=declared.secret)
    if container is None:
        return fits, one
    several = _many if container is tuple else _entries
    return NO_CLASS, functools.partial(several, where, one, is_optional)


def _number(where: str, bounds: range, is_nullable: bool, *, secret: bool) -> Fix:
    low, high = bounds.start, bounds.stop - 1

    def parse(value: Any) -> int | None:
        found = whole(value)
        if found is not None and not low <= found <= high:
            raise ValueError(f"{found} is not from {low} to {high}")
        return found

    fits = frozenset({_NOTHING}) if is_nullable else NO_CLASS
    other = _one(where, fits, _expected(int, is_nullable), parse, secret=secret)
    return lambda value: value if value.__class__ is int and low <= value <= high else other(value)


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


def _entries(where: str, one: Fix, is_optional: bool, value: Any) -> Any:
    if value is None:
        return None if is_optional else NO_ENTRIES
    if value.__class__ is immutabledict and not value:  # as nearly all labels and annotations are
        return value
    if not isinstance(value, Mapping):
        raise TypeError(f"{where} holds a mapping, got {_named(value)}")
    for key in value:
        if not isinstance(key, str):
            raise TypeError(f"{where} has texts for keys, got {_named(key)}")
    found = {key: one(item) for key, item in value.items()}
    if value.__class__ is immutabledict and all(found[key] is value[key] for key in found):
        return value
    return immutabledict(found)


def _one(where: str, fits: frozenset[type[Any]], expected: str, parse: Parse, *, secret: bool) -> Fix:
    """What is done with a single value."""

    def fix(value: Any) -> Any:
        if value.__class__ in fits:
            return value
        try:
            found = parse(value)
        except (TypeError, ValueError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(f"{where}: {'this is no such secret' if secret else error}") from None
        if found is None:
            shown = "" if secret else f" ({value!r:.60})"
            raise TypeError(f"{where} holds {expected}, got {_named(value)}{shown}")
        return found

    return fix


def _named(value: Any) -> str:
    return type(value).__name__


def _expected(item: Any, is_nullable: bool) -> str:
    """What a field holds, as people say it."""
    if typing.get_origin(item) is Mapping:
        return "a mapping"
    members = typing.get_args(item) or (item,)
    return " or ".join(sorted([member.__name__ for member in members]) + ["None"] * is_nullable)


def _unwrapped(hint: Any) -> tuple[Any, type[Any] | None, bool, bool]:
    """The sort of a value or item, what holds several, whether the field may be None, whether an item may."""
    hint, optional = _without_none(hint)
    container = typing.get_origin(hint)
    if container is tuple:
        item, nullable = _without_none(typing.get_args(hint)[0])
        return item, tuple, optional, nullable
    if isinstance(container, type) and issubclass(container, Mapping) and typing.get_args(hint)[1] is not Any:
        item, nullable = _without_none(typing.get_args(hint)[1])
        return item, container, optional, nullable
    return hint, None, optional, optional


def _without_none(hint: Any) -> tuple[Any, bool]:
    if typing.get_origin(hint) not in {typing.Union, types.UnionType}:
        return hint, False
    members = [member for member in typing.get_args(hint) if member is not _NOTHING]
    return functools.reduce(lambda left, right: left | right, members), len(members) < len(typing.get_args(hint))
