"""Durations and sizes on the command line."""

from __future__ import annotations

import argparse
import re
from typing import Final

_DURATION: Final = r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?\Z"
_SIZE: Final = r"(?i:(\d{1,9})(Ki|Mi|Gi|Ti|K|M|G|T)?B?)\Z"
_UNITS: Final = {"": 1, "k": 1000, "m": 1000**2, "g": 1000**3, "t": 1000**4, "ki": 1 << 10, "mi": 1 << 20, "gi": 1 << 30, "ti": 1 << 40}


def duration(text: str) -> float:
    """Seconds of a duration such as `90`, `90s`, `15m` or `1h30m`.

    Raises:
        ArgumentTypeError: the text is none.
    """
    match = re.match(_DURATION, text)
    if match is None or not any(match.groups()):
        msg = f"{text!r} is no duration such as 90s, 15m or 1h30m"
        raise argparse.ArgumentTypeError(msg)
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return float(3600 * hours + 60 * minutes + seconds)


def some_time(text: str) -> float:
    """Seconds of a duration that is not zero.

    Raises:
        ArgumentTypeError: the text is none.
    """
    seconds = duration(text)
    if not seconds:
        msg = "it takes more than 0 seconds"
        raise argparse.ArgumentTypeError(msg)
    return seconds


def some_size(text: str) -> int:
    """Bytes of a size that is not zero, such as `500MB` or `4GiB`.

    Raises:
        ArgumentTypeError: the text is none.
    """
    match = re.match(_SIZE, text)
    if match is None or not int(match[1]):
        msg = f"{text!r} is no size such as 500MB or 4GiB"
        raise argparse.ArgumentTypeError(msg)
    return int(match[1]) * _UNITS[(match[2] or "").lower()]
