"""Label and id queries, by COSI's rules.

Several queries are OR-ed, the terms of one are AND-ed, and no query matches everything.
Source: COSI runtime v1.16.2, label terms.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import attrs


class LabelOp(StrEnum):
    """How a term compares a label."""

    EXISTS = "exists"
    EQUAL = "="
    IN = "in"
    LT = "<"
    LTE = "<="
    LT_NUMERIC = "lt_numeric"
    LTE_NUMERIC = "lte_numeric"


@attrs.frozen
class LabelTerm:
    """One condition on one label; without the values that its operator needs it matches nothing."""

    key: str
    op: LabelOp = LabelOp.EXISTS
    values: tuple[str, ...] = ()
    invert: bool = False


@attrs.frozen
class LabelQuery:
    """Conditions that must all hold."""

    terms: tuple[LabelTerm, ...] = ()


Labels = str | LabelQuery | Iterable[LabelQuery]
"""What operations take: a text such as `zone=a,!edge`, one query, or several of which one must match."""
