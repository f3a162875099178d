"""Durations on the command line."""

from __future__ import annotations

import argparse
import re
from typing import Final

_DURATION: Final = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?\Z")


def duration(text: str) -> float:
    """Seconds of a duration such as `90`, `90s`, `15m` or `1h30m`.

    Raises:
        ArgumentTypeError: the text is none.
    """
    match = _DURATION.match(text)
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
