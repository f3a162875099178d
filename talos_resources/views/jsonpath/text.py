"""Results of a JSONPath as text."""

from __future__ import annotations

import math
from typing import Any

from talos_resources.codec import gojson
from talos_resources.codec.timetext import TimeText
from talos_resources.model.errors import QueryError


def value_text(value: Any, *, indent: int | None, null: str) -> str:
    """A result as kubectl and talosctl print it: mappings, lists and times as JSON, all else plainly.

    Args:
        value: as YAML or JSON decodes it.
        indent: blanks per level of JSON, None for one compact line.
        null: what null prints as.

    Raises:
        QueryError: JSON cannot hold the value (a NaN, for example, or nesting without end).
    """
    if isinstance(value, str) and not isinstance(value, TimeText):
        return value
    if value is None:
        return null
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return float_text(value)
    if isinstance(value, int):
        return str(int(value))
    try:
        return gojson.dumps(value, indent=indent)
    except (TypeError, RecursionError) as error:
        raise QueryError(f"a result cannot be shown: {error}") from error


def float_text(value: float) -> str:
    """A number as Go's `%v` prints it: the shortest digits; an exponent below 1e-4 and from 1e21 on."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
    from decimal import Decimal

    number = Decimal(repr(value)).normalize()
    if -4 <= number.adjusted() < 21:
        return f"{number:f}"
    mantissa, _, exponent = f"{number:e}".partition("e")
    return f"{mantissa}e{int(exponent):+03d}"
