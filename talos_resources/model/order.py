"""Orders that people expect: numbers within texts as numbers, `worker-9` before `worker-10`."""

from __future__ import annotations

import re
from typing import Final

Natural = list[tuple[bool, int, str]]

_PARTS: Final = re.compile(r"([0-9]+)")


def natural(text: str) -> Natural:
    """A sort key for names: `worker-9` before `worker-10`."""
    # Python refuses to read numbers of thousands of digits; one that long is a text.
    return [(is_number := part.isdecimal() and len(part) < 1000, int(part) if is_number else 0, part) for part in _PARTS.split(text)]
