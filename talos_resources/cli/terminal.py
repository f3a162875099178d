"""Terminals as the commands see them: what is printed cannot command them, whoever wrote it.

Everything that goes to a terminal through `sys.stdout` and `sys.stderr` has its control characters shown as escapes;
notes and errors, which are prose, are wrapped at words to its width.
What the program itself has to say to a terminal (colours, a cleared screen) goes through `unguarded`, and whoever
uses that makes the foreign parts of it `printable` first. Pipes and files get every byte as it is.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final, TextIO, cast

from talos_resources.model.printable import printable_lines
from talos_resources.model.wrapping import folded

_NARROW: Final = 20
"""A narrower terminal wraps by itself."""


class GuardedTerminal:
    """A stream to a terminal."""

    def __init__(self, stream: TextIO, *, prose: bool = False) -> None:
        """Takes the stream that it guards, and whether its long lines are to be wrapped."""
        self.unguarded = stream
        self._prose = prose

    def write(self, text: str) -> int:
        """Writes the text, control characters but for line feeds and tabs as escapes."""
        shown = printable_lines(text)
        self.unguarded.write(_prose(shown) if self._prose and len(shown) > _NARROW else shown)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Writes the lines likewise."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.unguarded, name)


def guard() -> None:
    """Puts a guard before standard output and error where they are terminals; twice is no error."""
    if _is_open_terminal(sys.stdout):
        sys.stdout = cast("TextIO", GuardedTerminal(sys.stdout))
    if _is_open_terminal(sys.stderr):
        sys.stderr = cast("TextIO", GuardedTerminal(sys.stderr, prose=True))


def width_of_terminal() -> int | None:
    """The columns of the terminal, found through whichever standard stream is one; $COLUMNS goes first."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns) > 0:
        return int(columns)
    for stream in (sys.__stdout__, sys.__stderr__, sys.__stdin__):
        if stream is not None:
            with suppress(OSError, ValueError):
                return os.get_terminal_size(stream.fileno()).columns or None
    return None


def _prose(text: str) -> str:
    """Long lines in lines that the terminal has room for; the further ones stand under the first word after `note: ` and its like."""
    width = width_of_terminal()
    if width is None or width < _NARROW:
        return text
    return "\n".join(_line(line, width) if len(line) > width else line for line in text.split("\n"))


def _line(line: str, width: int) -> str:
    lead = re.match(r"\s*(?:[a-z]+: )?", line)
    return "\n".join(folded(line, width, under=" " * (len(lead[0]) if lead is not None else 0)))


def unguarded(stream: TextIO) -> TextIO:
    """The stream behind the guard, for what is our own; the foreign parts of it must be `printable`."""
    return stream.unguarded if isinstance(stream, GuardedTerminal) else stream


def _is_open_terminal(stream: TextIO | None) -> bool:
    return stream is not None and not isinstance(stream, GuardedTerminal) and not stream.closed and stream.isatty()
