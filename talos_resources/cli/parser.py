"""An argparse parser that reports a mistake in one line and shows examples."""

from __future__ import annotations

import argparse
import os
import re
import sys
from contextlib import suppress
from typing import Any, NoReturn

USAGE_ERROR = 2


class UsageError(Exception):
    """The command line cannot be understood; `prog` is the command to ask for help."""

    def __init__(self, message: str, *, prog: str = "") -> None:
        super().__init__(message)
        self.prog = prog


class Parser(argparse.ArgumentParser):
    """A parser of one command.

    Flags may stand anywhere between the arguments, as with talosctl, and may not be abbreviated:
    what works today would break with the next flag.
    """

    _intermixing = False

    def __init__(self, *, prog: str, description: str, examples: str = "", **options: Any) -> None:
        lines = [f"  {prog} {line}" for line in examples.strip().splitlines()]
        super().__init__(
            prog=prog,
            description=description,
            epilog="\n".join(["examples:", *lines]) if lines else None,
            formatter_class=_formatter,
            allow_abbrev=False,
            **options,
        )
        # argparse's own words for what may begin with a dash: a moment such as -10m is a value too.
        self._negative_number_matcher = re.compile(r"-\d")

    def error(self, message: str) -> NoReturn:
        """Raises instead of printing the whole usage.

        Raises:
            UsageError: always.
        """
        raise UsageError(message, prog=self.prog)

    def parse(self, arguments: list[str]) -> argparse.Namespace:
        """The arguments, flags and positionals in any order.

        Raises:
            UsageError: they make no sense.
            SystemExit: help was asked for and printed.
        """
        return self.parse_args(arguments)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """What argparse calls, also for the parser of a command within a command: flags and arguments in any order."""
        if self._subparsers is not None or self._intermixing:
            return super().parse_known_args(args, namespace)
        self._intermixing = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._intermixing = False


def _formatter(prog: str) -> argparse.HelpFormatter:
    """Help as wide as the terminal, up to 100 columns; given the width, argparse need not import shutil to find it."""
    return argparse.RawDescriptionHelpFormatter(prog, width=min(terminal_width() or 100, 100) - 2)


def terminal_width() -> int | None:
    """The columns of the terminal, found through whichever standard stream is one; $COLUMNS goes first."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns) > 0:
        return int(columns)
    for stream in (sys.__stdout__, sys.__stderr__, sys.__stdin__):
        if stream is not None:
            with suppress(OSError, ValueError):
                return os.get_terminal_size(stream.fileno()).columns or None
    return None


def complain(message: str) -> None:
    """One line on stderr, whatever the message holds."""
    sys.stdout.flush()
    print(f"error: {' '.join(message.split())}", file=sys.stderr, flush=True)
