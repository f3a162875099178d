"""Conditions on labels, by COSI's rules.

The terms of a query are AND-ed, and a query without any matches everything.
Source: COSI runtime v1.16.2, label terms (checked against it case by case).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final, NamedTuple


class LabelOp(StrEnum):
    """How a term compares a label."""

    EXISTS = "exists"
    EQUAL = "="
    IN = "in"
    LT = "<"
    LTE = "<="
    LT_NUMERIC = "lt_numeric"
    LTE_NUMERIC = "lte_numeric"


class LabelTerm(NamedTuple):
    """One condition on one label; without the values that its operator needs it is false.

    A missing label is false for exists, equal and in (so that inverted they are true). The four
    comparisons never match a missing label, and the numeric ones never match what is no number,
    inverted or not.
    """

    key: str
    op: LabelOp = LabelOp.EXISTS
    values: tuple[str, ...] = ()
    invert: bool = False

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether the condition holds for these labels."""
        if self.key not in labels:
            return self.invert and self.op in _TRUE_WHEN_MISSING
        if self.op is LabelOp.EXISTS:
            return not self.invert
        if not self.values:
            return self.invert
        label = labels[self.key]
        if self.op is LabelOp.LT_NUMERIC or self.op is LabelOp.LTE_NUMERIC:
            number, limit = parse_number(label), parse_number(self.values[0])
            if number is None or limit is None:
                return False
            return (number < limit if self.op is LabelOp.LT_NUMERIC else number <= limit) is not self.invert
        return _COMPARE[self.op](label, self.values) is not self.invert


_TRUE_WHEN_MISSING: Final = frozenset({LabelOp.EXISTS, LabelOp.EQUAL, LabelOp.IN})
# Strings compare by code points, which is the byte order of UTF-8.
_COMPARE: Final[Mapping[LabelOp, Callable[[str, tuple[str, ...]], bool]]] = {
    LabelOp.EQUAL: lambda label, values: label == values[0],
    LabelOp.IN: lambda label, values: label in values,
    LabelOp.LT: lambda label, values: label < values[0],
    LabelOp.LTE: lambda label, values: label <= values[0],
}


class LabelQuery(NamedTuple):
    """Conditions that must all hold."""

    terms: tuple[LabelTerm, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether all conditions hold for these labels."""
        return all(term.matches(labels) for term in self.terms)


_NUMBER: Final = r"(-?)0*([0-9]+)\s*(?:([kKmMgGtTpP])([iI]?)|\Z)"


def parse_number(text: str) -> int | None:
    """The value of an integer with an optional unit, None if it is none.

    Units: ki mi gi ti pi = 1024^n, k m g t p = 1000^n, in any case; only the first one or two letters
    count, so that `3gb` and `3GiB` are legal. Blanks around and before the unit are skipped. The
    integer must fit into 64 bits.
    """
    match = re.match(_NUMBER, text.strip())
    if match is None:
        return None
    sign, digits, unit, binary = match.groups()
    # Longer ones do not fit, and int() would refuse thousands of digits with an error of its own.
    number = int(sign + digits) if len(digits) <= len(str(_TOO_BIG)) else _TOO_BIG
    if not -_TOO_BIG <= number < _TOO_BIG:
        return None
    if unit is None:
        return number
    return int(number * (1024 if binary else 1000) ** ("kmgtp".index(unit.lower()) + 1))


_TOO_BIG: Final = 2**63
