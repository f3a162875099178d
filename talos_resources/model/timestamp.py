"""Moments in time with the nanoseconds that Go keeps and `datetime` loses."""

from __future__ import annotations

import datetime as dt
import re
from typing import ClassVar, Final, Self

_NANOSECONDS: Final = 1_000_000_000
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_RFC3339: Final = re.compile(r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?([Zz]|[+-]\d\d:\d\d)\Z", re.ASCII)


class Timestamp(int):
    """A moment in UTC, as nanoseconds since the Unix epoch.

    It is an int, so that a million of them compare and subtract at full speed; `later - earlier` is a
    plain int of nanoseconds. `Timestamp.ZERO` is Go's zero time (the first second of year 1), which
    Talos prints where there has been no such moment yet.

    Source: protobuf's well-known Timestamp (seconds since the epoch, year 1 to 9999).
    """

    __slots__ = ()

    ZERO: ClassVar[Timestamp]

    @classmethod
    def from_seconds(cls, seconds: int, nanos: int = 0) -> Self:
        """The moment `seconds` and `nanos` after the Unix epoch, as protobuf's Timestamp has it."""
        return cls(seconds * _NANOSECONDS + nanos)

    @classmethod
    def from_datetime(cls, value: dt.datetime) -> Self:
        """The moment of an aware `datetime` (microseconds).

        Raises:
            ValueError: the datetime is naive.
        """
        if value.tzinfo is None:
            msg = f"{value!r} has no time zone"
            raise ValueError(msg)
        delta = value - _EPOCH
        return cls((delta.days * 86400 + delta.seconds) * _NANOSECONDS + delta.microseconds * 1000)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads RFC 3339 with up to nine digits of a second, as `2022-03-23T17:45:12.123456789Z`.

        Raises:
            ValueError: the text is no RFC 3339 time.
        """
        match = _RFC3339.match(text)
        if match is None:
            msg = f"{text!r} is not an RFC 3339 time such as 2026-01-02T03:04:05Z"
            raise ValueError(msg)
        day, clock, fraction, zone = match.groups()
        moment = dt.datetime.fromisoformat(f"{day}T{clock}+00:00")
        ahead = 0
        if zone not in "Zz":
            hours, minutes = int(zone[1:3]), int(zone[4:6])
            ahead = (hours * 3600 + minutes * 60) * (-1 if zone[0] == "-" else 1)
        delta = moment - _EPOCH
        return cls.from_seconds(delta.days * 86400 + delta.seconds - ahead, int((fraction or "").ljust(9, "0")))

    @property
    def seconds(self) -> int:
        """Whole seconds since the epoch, rounded down."""
        return self // _NANOSECONDS

    @property
    def nanos(self) -> int:
        """Nanoseconds within the second, 0 to 999,999,999."""
        return self % _NANOSECONDS

    @property
    def is_zero(self) -> bool:
        """Whether this is Go's zero time, that is, no moment at all."""
        return self == _ZERO_NS

    def to_datetime(self) -> dt.datetime:
        """The moment as an aware UTC `datetime`, cut to microseconds."""
        return _EPOCH + dt.timedelta(seconds=self.seconds, microseconds=self.nanos // 1000)

    def rfc3339(self, *, whole_seconds: bool = False) -> str:
        """The text as Go prints it: UTC, as many fraction digits as needed."""
        text = (_EPOCH + dt.timedelta(seconds=self.seconds)).replace(tzinfo=None).isoformat()
        nanos = 0 if whole_seconds else self.nanos
        return f"{text}.{nanos:09d}".rstrip("0") + "Z" if nanos else f"{text}Z"

    def __str__(self) -> str:
        return self.rfc3339()

    def __repr__(self) -> str:
        return f"Timestamp.parse({self.rfc3339()!r})"


_ZERO_NS: Final = -62_135_596_800 * _NANOSECONDS
Timestamp.ZERO = Timestamp(_ZERO_NS)
