r"""Text that comes from others, made safe for a terminal: control characters are shown as escapes (`\x1b`).

A node chooses its own name, a server the words of its errors, a file the names in it: any of them could clear the
screen, set the title, hide what follows, or turn the direction of letters so that a line reads as another one.
"""

from __future__ import annotations

import re
from typing import Final

# C0, DEL and C1; the separators of lines and paragraphs; what changes the direction of letters.
_CONTROL: Final = r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]"
_CONTROL_IN_LINES: Final = r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]"


def printable(text: str) -> str:
    r"""The text on one line: its control characters, line breaks too, are shown as escapes."""
    return text if text.isprintable() else re.sub(_CONTROL, _shown, text)


def printable_lines(text: str) -> str:
    """The same for a text of several lines, which keeps its line feeds and tabs."""
    return text if text.isprintable() else re.sub(_CONTROL_IN_LINES, _shown, text)


def _shown(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode()
