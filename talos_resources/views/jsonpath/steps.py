"""The steps of a JSONPath: each turns the values found so far into the next ones.

A value is what YAML or JSON decodes to: None, bool, int, float, str, list or dict.
Source: client-go's jsonpath package (v0.34) as kubectl and talosctl use it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

import attrs

from talos_resources.model.errors import QueryError
from talos_resources.views.jsonpath.compare import OPERATORS

Values = list[Any]

_BUDGET: Final = 1_000_000


class NotThereError(QueryError):
    """A value has not what a step asks for; a filter that asks whether it is there takes it as no."""


class Run:
    """One evaluation: its options, and how much it may still do.

    Unions and repeated descents multiply results, so a short hostile template could run for ever;
    every value that a step yields costs one unit.
    """

    __slots__ = ("_left", "missing_ok")

    def __init__(self, *, missing_ok: bool) -> None:
        self.missing_ok = missing_ok
        self._left = _BUDGET

    def spend(self, amount: int) -> None:
        """Pays for `amount` values.

        Raises:
            QueryError: the evaluation has cost too much.
        """
        self._left -= amount
        if self._left < 0:
            raise QueryError(f"the JSONPath yields more than {_BUDGET:,} values; make it more specific")


class Step(Protocol):
    """What a path is made of."""

    def apply(self, values: Values, run: Run) -> Values:
        """The values that this step finds in `values`, in order.

        Raises:
            QueryError: the values have not what the step asks for.
        """
        ...


def walk(steps: Sequence[Step], values: Values, run: Run) -> Values:
    """Applies one step after the other."""
    for step in steps:
        values = step.apply(values, run)
        run.spend(len(values) + 1)
    return values


def children(value: Any) -> Values:
    """What `*` and `..` see in a value; mappings in the order of their keys, strings as their UTF-8 bytes."""
    if isinstance(value, Mapping):
        return [value[key] for key in sorted(value, key=str)]
    if isinstance(value, list | tuple):
        return list(value)
    if isinstance(value, str):
        return list(value.encode("utf-8", "surrogatepass"))
    return []


def kind_name(value: Any) -> str:
    """What error messages call a value."""
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    return {type(None): "null", bool: "a boolean", int: "a number", float: "a number", str: "a string"}.get(type(value), "a value")


@attrs.frozen
class Field:
    """`.name` or `['name']`: an entry of a mapping."""

    name: str

    def apply(self, values: Values, run: Run) -> Values:
        """Fails if no value has the entry, unless missing keys are allowed."""
        name = self.name
        found = [value[name] for value in values if isinstance(value, Mapping) and name in value]
        if not found and values and not run.missing_ok:
            raise NotThereError(f"{name} is not found")
        return found


@attrs.frozen
class Slice:
    """`[start:stop:step]`, `[*]` (all None) or `[index]` (`stop` None, `single`)."""

    start: int | None = None
    stop: int | None = None
    step: int | None = None
    single: bool = False

    def apply(self, values: Values, run: Run) -> Values:
        """Fails on anything that is neither null nor a list, and on indexes beyond a list's ends."""
        found: Values = []
        for value in values:
            if value is None:
                continue
            if not isinstance(value, list | tuple):
                raise NotThereError(f"{kind_name(value)} is not an array or slice, it cannot be indexed")
            part = value[self._bounds(len(value))]
            run.spend(len(part))
            found += part
        return found

    def _bounds(self, length: int) -> slice:
        start = 0 if self.start is None else self.start
        start += length if start < 0 else 0
        if self.single:
            stop = start + 1
        else:
            stop = length if self.stop is None else self.stop
            stop += length if stop < 0 else 0
        if start == stop:
            return slice(0, 0)
        if not 0 <= start < length:
            raise NotThereError(f"array index out of bounds: index {start}, length {length}")
        if not 0 <= stop <= length:
            raise NotThereError(f"array index out of bounds: index {stop - 1}, length {length}")
        if start > stop:
            raise QueryError(f"starting index {start} is greater than ending index {stop}; write the smaller one first")
        if self.step is not None and self.step <= 0:
            raise QueryError("the step of a slice must be > 0; write [:] for all of it")
        return slice(start, stop, self.step)


@attrs.frozen
class Wildcard:
    """`.*`: all that is in a mapping or a list."""

    def apply(self, values: Values, run: Run) -> Values:
        """Scalars have nothing in them; that is no error."""
        found: Values = []
        for value in values:
            inside = children(value)
            run.spend(len(inside))
            found += inside
        return found


@attrs.frozen
class Descend:
    """`..`: each value that has something in it, itself first, then what is inside, to any depth."""

    def apply(self, values: Values, run: Run) -> Values:
        """Numbers, booleans, null and whatever is empty are not among the results."""
        found: Values = []
        stack = list(reversed(values))
        while stack:
            value = stack.pop()
            if isinstance(value, str):  # its bytes have nothing in them
                if value:
                    found.append(value)
                continue
            inside = children(value)
            if inside:
                run.spend(len(inside))
                found.append(value)
                stack.extend(reversed(inside))
        return found


@attrs.frozen
class Union:
    """`[a,b]`: what each of several paths finds, one path after the other."""

    paths: tuple[tuple[Step, ...], ...]

    def apply(self, values: Values, run: Run) -> Values:
        """Fails if one of the paths does."""
        return [value for path in self.paths for value in walk(path, values, run)]


@attrs.frozen
class Filter:
    """`[?(left op right)]`: the elements of a list for which it holds; without an operator, for which `left` is there."""

    left: tuple[Step, ...]
    operator: str = ""
    right: tuple[Step, ...] = ()

    def apply(self, values: Values, run: Run) -> Values:
        """Fails on anything but lists, and where the two sides cannot be compared."""
        found: Values = []
        for value in values:
            if not isinstance(value, list | tuple):
                raise QueryError(f"{kind_name(value)} is not an array or slice and cannot be filtered; leave the filter out")
            found += [element for element in value if self._holds(element, run)]
        return found

    def _holds(self, element: Any, run: Run) -> bool:
        run.spend(1)
        if not self.operator:
            try:
                return bool(walk(self.left, [element], run))
            except NotThereError:
                return False
        sides = [walk(side, [element], run) for side in (self.left, self.right)]
        if any(len(side) > 1 for side in sides):
            raise QueryError("a filter can only compare one element at a time; name one, as in @.addresses[0]")
        if not all(sides):
            return False
        return OPERATORS[self.operator](sides[0][0], sides[1][0])


@attrs.frozen
class Literal:
    """A number, a boolean or quoted text; text stands for itself, the others once for each value."""

    value: bool | int | float | str

    def apply(self, values: Values, run: Run) -> Values:
        """Never fails."""
        return [self.value] if isinstance(self.value, str) else [self.value] * len(values)
