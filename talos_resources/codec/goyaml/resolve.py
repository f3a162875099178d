"""What a plain YAML scalar means to Go.

Source: go.yaml.in/yaml v3 and v4 (YAML 1.2 with the integers and dates of 1.1; a lone `=` is a text).
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Any, Final

from talos_resources.codec.timetext import TimeText

_WORDS: Final[dict[str, Any]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
    **dict.fromkeys((sign + word for sign in ("", "+") for word in (".inf", ".Inf", ".INF")), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
}
_OLD_BOOLS: Final = frozenset(["y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "n", "N", "no", "No", "NO", "off", "Off", "OFF"])
OLD_WORDS: Final = _OLD_BOOLS | {"<<"}
"""What is a text today and was a boolean or a merge key in YAML 1.1."""

WORDS: Final = frozenset(word for word in (*_WORDS, *_OLD_BOOLS) if word.isalpha())
"""The texts of letters alone that Go puts in quotes."""

_INTEGER: Final = r"[-+]?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)\Z"
_FLOAT: Final = r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z"
# Go is stricter with underscores where the point comes first.
_DOT_FIRST: Final = r"\.[0-9]+(?:_[0-9]+)*(?:[eE][-+]?[0-9]+(?:_[0-9]+)*)?\Z"
_BASE_60: Final = r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?\Z"
_TIME: Final = (
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"
    r"(?:(?:([Tt])| )([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:[.,]([0-9]+))?(Z|[-+][0-9]{2}:[0-9]{2})?)?\Z"
)
_MAX_INT: Final = 2**64 - 1
_MIN_INT: Final = -(2**63)
# Text that starts like this never is anything but a text.
_TEXT_START: Final = re.compile(r"[^-+.0-9yYnNtTfFoO~<]")


class Merge:
    """What `<<` stands for as a key."""


MERGE: Final = Merge()


def resolve(text: str) -> Any:
    """The value of a plain scalar: None, bool, int, float, `TimeText`, `MERGE` or the text itself.

    Integers beyond 64 bits become floats when written in decimal and texts otherwise, as in Go.
    """
    if text and _TEXT_START.match(text):
        return text
    if text in _WORDS:
        return _WORDS[text]
    if text == "<<":
        return MERGE
    first = text[0]
    if first not in "+-.0123456789":
        return text
    if "-" in text[1:] and (moment := _time(text)) is not None:
        return moment
    return _number(text)


def _number(text: str) -> Any:
    if text[0] == "." and not re.match(_DOT_FIRST, text):
        return text
    digits = text.replace("_", "")
    if re.match(_INTEGER, digits):
        integer = _integer(digits)
        if integer is not None:
            return integer
    # A number of a thousand digits is beyond any float, and int() refuses to look at it.
    if re.match(_FLOAT, digits):
        value = float(digits)
        if value not in (float("inf"), float("-inf")):
            return value
    return text


def _integer(digits: str) -> int | None:
    """The integer if it has at most 64 bits; a sign in front leaves 63."""
    if len(digits) > 80:
        return None
    body = digits.lstrip("+-")
    sign = -1 if digits.startswith("-") else 1
    old_octal = len(body) > 1 and body[0] == "0" and body[1] in "01234567"
    value = sign * int(body, 8 if old_octal else 0)
    largest = _MAX_INT if digits == body else -_MIN_INT - 1
    return value if _MIN_INT <= value <= largest else None


def _time(text: str) -> TimeText | None:
    match = re.match(_TIME, text)
    if match is None:
        return None
    year, month, day, letter, hour, minute, second, fraction, zone = match.groups()
    # With T a zone must follow, with a blank there must be none.
    if hour is not None and (letter is None) != (zone is None):
        return None
    try:
        # Python has no year 0, which has the calendar of the year 2000.
        moment = dt.datetime(int(year) or 2000, int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0))  # noqa: DTZ001
    except ValueError:
        return None
    digits = (fraction or "")[:9].rstrip("0")
    offset = zone or "Z"
    if offset[1:] == "00:00":
        offset = "Z"
    elif offset != "Z" and (int(offset[1:3]) > 24 or int(offset[4:6]) > 59):
        return None
    return TimeText(f"{year}{moment.isoformat()[4:]}{'.' if digits else ''}{digits}{offset}")


def is_old_number(text: str) -> bool:
    """Whether YAML 1.1 took it for a base-60 number: 12:30."""
    return ":" in text and re.match(_BASE_60, text) is not None


def reads_as_text(text: str) -> bool:
    """Whether Go writes this text without quotes as far as its meaning goes.

    False also for what older YAML would take for a boolean or a base-60 number.
    """
    if text and _TEXT_START.match(text):
        return True
    if text in _OLD_BOOLS or is_old_number(text):
        return False
    return isinstance(value := resolve(text), str) and not isinstance(value, TimeText)
