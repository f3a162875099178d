"""Lengths of time with the nanoseconds that Go keeps and `timedelta` loses."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any, ClassVar, Final, Self

_UNITS: Final = {"h": 3600 * 10**9, "m": 60 * 10**9, "s": 10**9, "ms": 10**6, "us": 1000, "µs": 1000, "μs": 1000, "ns": 1}
_PART: Final = r"([0-9]{0,19})(?:\.([0-9]{0,19}))?(h|ms|m|s|us|µs|μs|ns)"


class Duration(dt.timedelta):
    """A `timedelta` that remembers its nanoseconds; arithmetic gives plain timedeltas, in microseconds.

    Source: Go's time.Duration, a count of nanoseconds.

    Attributes:
        nanoseconds: all of it, as Go counts it.
    """

    __slots__ = ("nanoseconds",)

    nanoseconds: int
    ZERO: ClassVar[Duration]

    def __new__(cls, nanoseconds: int = 0) -> Self:
        """A length in nanoseconds."""
        self = super().__new__(cls, microseconds=nanoseconds // 1000)
        self.nanoseconds = nanoseconds
        return self

    @classmethod
    def of(cls, value: dt.timedelta) -> Self:
        """The same length as a timedelta's."""
        if isinstance(value, cls):
            return value
        return cls(((value.days * 86_400 + value.seconds) * 1_000_000 + value.microseconds) * 1000)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads Go's form: `1h0m0.5s`, `25s`, `1.5µs`, `-7ns`, `0`.

        Raises:
            ValueError: the text has not this form, or it is 292 years and more.
        """
        digits = text.removeprefix("-") if text.startswith("-") else text.removeprefix("+")
        total, position = 0, 0
        part = re.compile(_PART)  # here: few commands read any
        while match := part.match(digits, position):
            whole, fraction, unit = match.groups()
            if not (whole or fraction):
                break
            total += int(whole or 0) * _UNITS[unit]
            if fraction:
                total += int(fraction) * _UNITS[unit] // 10 ** len(fraction)
            position = match.end()
        if digits != "0" and (not digits or position != len(digits)):
            raise ValueError(f"{text[:64]!r} is not a duration such as 1h30m, 25s or 1.5ms")
        if total >= 1 << 63:
            raise ValueError(f"{text[:64]!r} is too long for a duration")
        return cls(-total if text.startswith("-") else total)

    def __str__(self) -> str:
        number = abs(self.nanoseconds)
        sign = "-" if self.nanoseconds < 0 else ""
        if number < 1_000_000_000:
            unit = "ns" if number < 1000 else "µs" if number < 1_000_000 else "ms"
            return f"{sign}{_decimal(number, _UNITS[unit])}{unit}" if number else "0s"
        minutes, rest = divmod(number, 60_000_000_000)
        text = f"{_decimal(rest, 1_000_000_000)}s"
        if minutes:
            hours, minutes = divmod(minutes, 60)
            text = f"{hours}h{minutes}m{text}" if hours else f"{minutes}m{text}"
        return sign + text

    def __repr__(self) -> str:
        return f"Duration.parse({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Duration):
            return self.nanoseconds == other.nanoseconds
        return super().__eq__(other)

    def __hash__(self) -> int:
        return super().__hash__()

    def __bool__(self) -> bool:
        return bool(self.nanoseconds)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.nanoseconds,)


def _decimal(number: int, unit: int) -> str:
    """A number of units with as many digits of a fraction as needed."""
    whole, rest = divmod(number, unit)
    digits = f"{rest:0{len(str(unit)) - 1}d}".rstrip("0") if rest else ""
    return f"{whole}.{digits}" if digits else str(whole)


Duration.ZERO = Duration(0)
