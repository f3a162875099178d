"""The words of an expression."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

_TOKEN: Final = re.compile(
    r"""(?P<blank>[\t\n\f\r ]+|//[^\n]*)
    |(?P<number>(?:\d+\.\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|\d+[eE][-+]?\d+)|0x[0-9a-fA-F]+[uU]?|\d+[uU]?)
    |(?P<string>[rR]?[bB]?(?:'''(?:[^\\]|\\.)*?'''|\"\"\"(?:[^\\]|\\.)*?\"\"\"|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"))
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<sign>&&|\|\||[=!<>]=|[-+*/%!<>?:.,()\[\]{}])""",
    re.VERBOSE | re.DOTALL | re.ASCII,
)


class CelError(Exception):
    """What is wrong with an expression; `column` counts from 1."""

    def __init__(self, text: str, column: int) -> None:
        super().__init__(f"{text} (column {column})")
        self.column = column


class Token(NamedTuple):
    """A word: its kind (number, string, name, sign, end), its text and where it begins."""

    kind: str
    text: str
    column: int


def tokens(text: str) -> Iterator[Token]:
    """The words of an expression, at last one of the kind `end`.

    Raises:
        CelError: a character that belongs to no word.
    """
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise CelError(f"unexpected {text[position]!r}", position + 1)
        assert match.lastgroup is not None
        if match.lastgroup != "blank":
            yield Token(match.lastgroup, match[0], position + 1)
        position = match.end()
    yield Token("end", "", position + 1)
