"""Enumerations and bit sets of Talos: names for numbers, of which a later release may have more.

Source: Talos v1.14, stringers of nethelpers and of the resources' own enumerations.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from enum import KEEP, IntFlag, StrEnum
from types import MappingProxyType
from typing import Final, Self

_NUMBER: Final = r"(-?[0-9]{1,20})\)?\Z"


class NumberedEnum(StrEnum):
    """Texts that stand for numbers on the wire.

    A number without a name is no error: `Scope.of(7)` is a value of the class, `Scope(7)` in YAML as Go
    prints it, and goes back to the wire as it came. It equals itself and no member.

    Attributes:
        number: what is sent.
    """

    number: int

    def __new__(cls, text: str, number: int = 0) -> Self:
        """A member: its text in YAML and its number. The default is for type checkers, who see `Scope("link")` as a call of this."""
        member = str.__new__(cls, text)
        member._value_ = text
        member.number = number
        return member

    @classmethod
    def of(cls, number: int) -> Self:
        """The value that has this number, named or not."""
        named = cls.numbers().get(number)
        if named is not None:
            return named
        text = cls.unnamed(number)
        made = str.__new__(cls, text)
        made._name_ = made._value_ = text
        made.number = number
        return made

    @classmethod
    @functools.cache
    def numbers(cls) -> Mapping[int, Self]:
        """The members by their numbers."""
        return MappingProxyType({member.number: member for member in cls})

    @classmethod
    def unnamed(cls, number: int) -> str:
        """The text of a number that has no name."""
        return f"{cls.__name__}({number})"

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        return cls.parse_unnamed(value) if isinstance(value, str) else None

    @classmethod
    def parse_unnamed(cls, text: str) -> Self | None:
        """The value that prints this text for want of a name; None for any other text."""
        found = re.search(_NUMBER, text)
        if found is None or cls.unnamed(int(found[1])) != text:
            return None
        return cls.of(int(found[1]))


class BareNumberedEnum(NumberedEnum):
    """A `NumberedEnum` that prints a number without a name as the number alone."""

    @classmethod
    def unnamed(cls, number: int) -> str:
        """The number."""
        return str(number)


class WireFlags(IntFlag, boundary=KEEP):
    """A set of bits; those without a name are kept, and not shown, as in Talos."""

    @classmethod
    def texts(cls) -> Mapping[str, Self]:
        """The members by their texts in YAML, in the order of their bits."""
        raise TypeError(f"{cls.__name__} does not say how its bits are called")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads texts joined by commas, as `UP,BROADCAST`.

        Raises:
            ValueError: no bit has such a name.
        """
        named, found = cls.texts(), cls(0)
        for part in text.split(",") if text else ():
            if part not in named:
                raise ValueError(f"{part!r} is none of {', '.join(named)}")
            found |= named[part]
        return found

    @property
    def text(self) -> str:
        """What YAML shows: the names of the bits, joined by commas."""
        return ",".join([text for text, member in self.texts().items() if member in self])

    def __str__(self) -> str:
        return self.text
