"""Building frozen values at the speed of mutable ones.

A frozen attrs class sets each field through `object.__setattr__`, which costs three times a plain
attribute store; a state makes three such objects per write. Here a value is filled as an instance of
a mutable twin (same fields, same memory layout) and then becomes an instance of the frozen class,
before anybody else has seen it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any, Final, TypeVar, cast

import attrs

T = TypeVar("T")


def twin(cls: type[T]) -> type[Any]:
    """A mutable class of the same fields and layout as the frozen `cls`.

    Fill an instance, then assign `cls` to its `__class__`. Fields are positional, in order, and keep
    their defaults.

    Args:
        cls: a frozen, slotted attrs class without a weak reference slot, validators or converters.

    Raises:
        TypeError: the class is not of that sort.
    """
    fields = attrs.fields(cast("Any", cls))
    required = [field.default is attrs.NOTHING for field in fields]
    simple = all(not (f.validator or f.converter) and f.init and f.alias == f.name for f in fields)
    if not simple or required != sorted(required, reverse=True) or hasattr(cls, "__attrs_post_init__"):
        raise TypeError(f"the construction of {cls.__name__} does more than to set fields in order")
    made = attrs.make_class(
        f"Open{cls.__name__}",
        {field.name: attrs.field(default=field.default) for field in fields},
        bases=getattr(cls, "__orig_bases__", cls.__bases__),
        slots=True,
        weakref_slot=False,
        eq=False,
        repr=False,
    )
    trial: Any = object.__new__(made)
    trial.__class__ = cls  # raises if the layouts differ
    return made


def evolve(value: T, changes: Mapping[str, Any]) -> T:
    """The same value with some fields changed, as `attrs.evolve`.

    Raises:
        TypeError: there is no such field.
    """
    cls = type(value)
    try:
        change = _EVOLVERS[cls]
    except KeyError:
        change = _EVOLVERS[cls] = _evolver(cls)
    changed: T = change(value, changes)
    return changed


def same(one: object, other: object) -> bool:
    """`one == other`, told at once of what both share: most values are changed from one another."""
    if one is other:
        return True
    cls = type(one)
    if cls is not type(other):
        return one == other
    try:
        values_of = _VALUES[cls]
    except KeyError:
        values_of = _VALUES[cls] = _comparable(cls)
    # Tuples compare by identity first, attrs' own comparison does not.
    return bool(values_of(one) == values_of(other))


_VALUES: Final[dict[type[Any], Callable[[Any], Any]]] = {}


def _comparable(cls: type[Any]) -> Callable[[Any], Any]:
    """What two values of the class are equal by."""
    fields = attrs.fields(cls) if attrs.has(cls) else ()
    plain = len(fields) > 1 and all(field.eq and field.eq_key is None for field in fields)
    return attrgetter(*(field.name for field in fields)) if plain else lambda value: value


_Evolver = Callable[[Any, Mapping[str, Any]], Any]

_EVOLVERS: Final[dict[type[Any], _Evolver]] = {}


def _evolver(cls: type[Any]) -> _Evolver:
    """How to change values of a class: the fast way if it has the form for it, else attrs' own."""
    try:
        opened = twin(cls)
    except TypeError:
        return lambda value, changes: attrs.evolve(value, **changes)
    names = [field.name for field in attrs.fields(cls)]
    index = {name: position for position, name in enumerate(names)}
    values_of = attrgetter(*names) if len(names) > 1 else lambda value: (getattr(value, names[0]),)

    def change(value: Any, changes: Mapping[str, Any]) -> Any:
        values = [*values_of(value)]
        try:
            for name in changes:
                values[index[name]] = changes[name]
        except KeyError as error:
            raise TypeError(f"{cls.__name__} has no field {error}; it has {', '.join(names)}") from None
        made = opened(*values)
        made.__class__ = cls
        return made

    return change
