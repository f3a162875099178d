"""The comparison operators of JSONPath filters.

Numbers compare with numbers, text with text, booleans with booleans and only for equality; anything
else is an error. Source: client-go's template comparisons, which also refuse 1 == 1.0; ours do not.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from types import MappingProxyType
from typing import Any, Final

from talos_resources.model.errors import QueryError


def _sort(value: Any) -> str:
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "text"
    raise QueryError("a filter compares only text, numbers and booleans; name a field that is one, as in @.state=='up'")


def _comparison(compare: Callable[[Any, Any], bool], *, ordered: bool) -> Callable[[Any, Any], bool]:
    def check(left: Any, right: Any) -> bool:
        sort, other = _sort(left), _sort(right)
        if sort != other:
            raise QueryError(f"incompatible types for comparison: {sort} and {other}; a text stands in quotes, a number does not")
        if ordered and sort == "a boolean":
            raise QueryError("booleans have no order; compare them with == or !=")
        return compare(left, right)

    return check


OPERATORS: Final = MappingProxyType(
    {
        "==": _comparison(operator.eq, ordered=False),
        "!=": _comparison(operator.ne, ordered=False),
        "<": _comparison(operator.lt, ordered=True),
        "<=": _comparison(operator.le, ordered=True),
        ">": _comparison(operator.gt, ordered=True),
        ">=": _comparison(operator.ge, ordered=True),
    }
)
"""Each comparison raises QueryError for values that it cannot compare."""
