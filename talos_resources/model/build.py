"""Building frozen values at the speed of mutable ones.

A frozen attrs class sets each field through `object.__setattr__`, which costs three times a plain
attribute store; a state makes three such objects per write. Here a value is filled as an instance of
a mutable twin (same fields, same memory layout) and then becomes an instance of the frozen class,
before anybody else has seen it.
"""

from __future__ import annotations

import gc
import threading
import types
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, TypeVar, cast

import attrs

T = TypeVar("T")


def twin(cls: type[T]) -> type[Any]:
    """A mutable class of the same fields and layout as the frozen `cls`.

    Fill an instance, then assign `cls` to its `__class__`. Fields are positional, in order, and keep
    their defaults. A class has one twin, which is made when it is first asked for.

    Args:
        cls: a frozen, slotted attrs class without a weak reference slot, validators, converters or inherited fields.

    Raises:
        TypeError: the class is not of that sort.
    """
    known = _TWINS.get(cls)
    if known is None:
        known = _TWINS[cls] = _twin(cls)
    return known


_TWINS: Final[dict[type[Any], type[Any]]] = {}


def _twin(cls: type[Any]) -> type[Any]:
    fields = attrs.fields(cls)
    required = [field.default is attrs.NOTHING for field in fields]
    simple = all(not (f.validator or f.converter or f.inherited) and f.init and f.alias == f.name for f in fields)
    simple = simple and not any(isinstance(field.default, attrs.Factory) for field in fields)  # type: ignore[arg-type]
    if not simple or required != sorted(required, reverse=True) or hasattr(cls, "__attrs_post_init__"):
        raise TypeError(f"the construction of {cls.__name__} does more than to set fields in order")
    names = [field.name for field in fields]
    parameters = [name if field.default is attrs.NOTHING else f"{name}=default_{name}" for name, field in zip(names, fields, strict=True)]
    lines = [f"def function(self, {', '.join(parameters)}):", *(f"    self.{name} = {name}" for name in names), "    pass"]
    init = written(lines, **{f"default_{field.name}": field.default for field in fields})
    bases = getattr(cls, "__orig_bases__", cls.__bases__)
    made = types.new_class(f"Open{cls.__name__}", bases, exec_body=lambda body: body.update(__slots__=tuple(names), __init__=init))
    trial: Any = object.__new__(made)
    trial.__class__ = cls  # raises if the layouts differ
    return made


@contextmanager
def no_collector(*, freeze: bool = False) -> Iterator[None]:
    """Without the cycle collector, while very many values are made: they hold no cycles, and it would walk them all, again and again.

    Args:
        freeze: the collector is not to look at them afterwards either, nor at anything else that is there at the end.
    """
    with _no_collector:
        _were_on.append(gc.isenabled())
        gc.disable()
    try:
        yield
    finally:
        with _no_collector:
            if _were_on.pop():  # the last to leave finds what the first has found
                if freeze:
                    gc.freeze()
                gc.enable()


_no_collector: Final = threading.Lock()
_were_on: Final[list[bool]] = []


Rules = Mapping[str, tuple[Container[type[Any]], Callable[[Any], Any]]]
"""Field → the classes of which a value is right as it is, and what turns others into one."""

_NO_RULES: Final[Rules] = {}


def evolve(value: T, changes: Mapping[str, Any], rules_of: Callable[[type[Any]], Rules] | None = None) -> T:
    """The same value with some fields changed, as `attrs.evolve`.

    Args:
        value: of an attrs class.
        changes: field → value.
        rules_of: the rules of a class for what its fields hold; asked once, and the same for every value of the class.

    Raises:
        TypeError: there is no such field.
    """
    cls = type(value)
    known = _EVOLVERS if rules_of is None else _RULED
    try:
        change = known[cls]
    except KeyError:
        change = known[cls] = _evolver(cls, _NO_RULES if rules_of is None else rules_of(cls))
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
        equal = _COMPARERS[cls]
    except KeyError:
        equal = _COMPARERS[cls] = _comparer(cls)
    return equal(one, other)


_Evolver = Callable[[Any, Mapping[str, Any]], Any]
_Comparer = Callable[[Any, Any], bool]

_EVOLVERS: Final[dict[type[Any], _Evolver]] = {}
_RULED: Final[dict[type[Any], _Evolver]] = {}
_COMPARERS: Final[dict[type[Any], _Comparer]] = {}


def _evolver(cls: type[Any], rules: Rules) -> _Evolver:
    """How to change values of a class: the fast way if it has the form for it, else attrs' own."""
    try:
        opened = twin(cls)
    except TypeError:
        return lambda value, changes: attrs.evolve(value, **changes)
    names = [field.name for field in attrs.fields(cls)]

    def unknown(name: str) -> TypeError:
        return TypeError(f"{cls.__name__} has no field {name!r}; it has {', '.join(names)}")

    lines = [
        "def function(value, changes):",
        "    made = new(opened)",
        *(f"    made.{name} = value.{name}" for name in names),
        "    for name, value in changes.items():",
        "        try:",
        "            rule = rules[name]",
        "        except KeyError:",
        "            raise unknown(name) from None",
        "        if rule is not None and value.__class__ not in rule[0]:",
        "            value = rule[1](value)",
        "        setattr(made, name, value)",
        "    made.__class__ = cls",
        "    return made",
    ]
    of_each = {name: rules.get(name) for name in names}
    return cast("_Evolver", written(lines, new=object.__new__, opened=opened, cls=cls, unknown=unknown, rules=of_each))


def _comparer(cls: type[Any]) -> _Comparer:
    """How to compare values of a class: by identity first, field by field, which attrs' own does not."""
    fields = attrs.fields(cls) if attrs.has(cls) else ()
    if not fields or cast("object", cls.__eq__) is object.__eq__ or any(not field.eq or field.eq_key is not None for field in fields):
        return lambda one, other: bool(one == other)
    terms = [f"(one.{field.name} is other.{field.name} or one.{field.name} == other.{field.name})" for field in fields]
    return cast("_Comparer", written(["def function(one, other):", f"    return bool({' and '.join(terms)})"]))


def written(lines: list[str], **names: Any) -> Any:
    """The function that these lines define; written for a class, as attrs writes its methods."""
    exec("\n".join(lines), names)  # noqa: S102 - made of the names of fields, which are identifiers
    return names["function"]
