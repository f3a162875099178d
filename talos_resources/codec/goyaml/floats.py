"""Floats as Go writes them."""

from __future__ import annotations


def float_text(value: float) -> str:
    """A float as Go's shortest %g has it: `1e+06`, `1.5e-07`, `1` for 1.0."""
    if value != value:  # noqa: PLR0124 - only NaN differs from itself
        return ".nan"
    if value in (float("inf"), float("-inf")):
        return ".inf" if value > 0 else "-.inf"
    from decimal import Decimal

    number = Decimal(repr(value)).normalize()
    exponent = number.adjusted()
    if -4 <= exponent < 6:
        return f"{number:f}"
    sign, digits, _ = number.as_tuple()
    fraction = "".join(map(str, digits[1:]))
    return f"{'-' if sign else ''}{digits[0]}{'.' if fraction else ''}{fraction}e{exponent:+03d}"
