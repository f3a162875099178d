"""Terminals as the commands see them: what is printed cannot command them, whoever wrote it.

Everything that goes to a terminal through `sys.stdout` and `sys.stderr` has its control characters shown as escapes.
What the program itself has to say to a terminal (colours, a cleared screen) goes through `unguarded`, and whoever
uses that makes the foreign parts of it `printable` first. Pipes and files get every byte as it is.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any, TextIO, cast

from talos_resources.model.printable import printable_lines


class GuardedTerminal:
    """A stream to a terminal."""

    def __init__(self, stream: TextIO) -> None:
        """Takes the stream that it guards."""
        self.unguarded = stream

    def write(self, text: str) -> int:
        """Writes the text, control characters but for line feeds and tabs as escapes."""
        self.unguarded.write(printable_lines(text))
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
        sys.stderr = cast("TextIO", GuardedTerminal(sys.stderr))


def unguarded(stream: TextIO) -> TextIO:
    """The stream behind the guard, for what is our own; the foreign parts of it must be `printable`."""
    return stream.unguarded if isinstance(stream, GuardedTerminal) else stream


def _is_open_terminal(stream: TextIO | None) -> bool:
    return stream is not None and not isinstance(stream, GuardedTerminal) and not stream.closed and stream.isatty()
