"""The order in which Go's YAML emitters write the keys of a map.

Names are compared piece by piece: letters by code point, numbers by value (a2 before a10), and where a
letter meets something else, the something else first. yaml.v3 and v4 make an exception after a digit
(a1b before a10); yaml.v2 does not. The comparison is not transitive for every set of names: then Go's
own order is random.

Source: go.yaml.in/yaml v3 and v4, sigs.k8s.io/yaml's yaml.v2.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cmp_to_key
from typing import Any, Final

_KIND: Final = {type(None): 0, bool: 1, int: 2, float: 14, str: 24}  # in the order of Go's reflection


def compare(left: Any, right: Any, *, v2: bool = False) -> int:
    """Below 0 when `left` comes first, above 0 when `right` does, 0 for equal keys."""
    if isinstance(left, str) and isinstance(right, str):
        return _texts(left, right, v2=v2)
    if isinstance(left, int | float) and isinstance(right, int | float) and left != right:
        return -1 if left < right else 1
    return _KIND.get(type(left), 24) - _KIND.get(type(right), 24)


natural_key: Final[Callable[[Any], Any]] = cmp_to_key(compare)
"""Key function for `sorted`: the order of yaml.v3 and v4."""

natural_key_v2: Final[Callable[[Any], Any]] = cmp_to_key(lambda left, right: compare(left, right, v2=True))
"""Key function for `sorted`: the order of yaml.v2."""


def _texts(left: str, right: str, *, v2: bool) -> int:
    shared = next((i for i, (one, other) in enumerate(zip(left, right, strict=False)) if one != other), None)
    if shared is None:
        return len(left) - len(right)
    one, other = left[shared], right[shared]
    letters = one.isalpha(), other.isalpha()
    if all(letters):
        return ord(one) - ord(other)
    if any(letters):
        after_digit = not v2 and shared > 0 and left[shared - 1].isdecimal()
        return -1 if letters[0] == after_digit else 1
    start = 0
    if "0" in {one, other} and left[_run_start(left, shared) : shared].strip("0"):
        start = 1  # a zero inside of a number counts, in front of it it does not
    (number, end), (other_number, other_end) = _number(left, shared, start), _number(right, shared, start)
    return number - other_number or end - other_end or ord(one) - ord(other)


def _run_start(text: str, end: int) -> int:
    """Where the digits begin that end before `end`."""
    while end > 0 and text[end - 1].isdecimal():
        end -= 1
    return end


def _number(text: str, position: int, value: int) -> tuple[int, int]:
    """The number that the digits from here on make after `value`, in Go's 64 bits, and where it ends."""
    while position < len(text) and text[position].isdecimal():
        value = (value * 10 + ord(text[position]) - 48) & 0xFFFF_FFFF_FFFF_FFFF
        position += 1
    return (value - (1 << 64) if value >> 63 else value), position
