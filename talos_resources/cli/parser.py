"""An argparse parser that reports a mistake in one line and shows examples."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from talos_resources.cli.pager import show
from talos_resources.cli.terminal import width_of_terminal
from talos_resources.model.near import did_you_mean
from talos_resources.model.printable import printable
from talos_resources.model.wrapping import folded

USAGE_ERROR = 2

_LOGIN = re.compile(r"\b([A-Za-z][A-Za-z0-9+.-]*:/{1,2})[^\s/@]*:[^\s/@]*@")
"""A name and a password in a URL, also in one that was taken for a path."""

# How argparse words its complaints; the quotes differ from release to release of Python.
_CHOICE = r"invalid choice: '?(?P<name>[^ ']+)'? \(choose from (?P<known>.*)\)"
_FLAG = r"unrecognized arguments: (?P<name>--[^ =]+)"


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

    def __init__(self, *, prog: str, description: str, **options: Any) -> None:
        super().__init__(
            prog=prog,
            description=description,
            formatter_class=_formatter,
            allow_abbrev=False,
            **options,
        )
        # argparse's own words for what may begin with a dash: a moment such as -10m is a value too.
        self._negative_number_matcher = re.compile(r"-\d")

    def show_examples(self, examples: Sequence[str]) -> None:
        """Ends the help with examples, and that of each command within the command with those that are its own.

        Args:
            examples: what may follow the command; an empty one stands for nothing.
        """
        self.epilog = "\n".join(["examples:", *(f"  {self.prog} {line}".rstrip() for line in examples)]) if examples else None
        if self._subparsers is None:
            return
        for action in self._subparsers._group_actions:  # noqa: SLF001 - argparse has no other way to them
            for name, parser in dict(action.choices or {}).items():
                own = [line.removeprefix(name).lstrip() for line in examples if line.split(" ")[0] == name]
                if own and isinstance(parser, Parser):
                    parser.show_examples(own)

    def print_help(self, file: Any = None) -> None:
        """Prints the help; on a terminal a long one goes through the pager."""
        if file is None:
            show(self.format_help())
        else:
            super().print_help(file)

    def error(self, message: str) -> NoReturn:
        """Raises instead of printing the whole usage, with what may have been meant.

        Raises:
            UsageError: always.
        """
        wrong = re.search(_CHOICE, message) or re.search(_FLAG, message)
        if wrong is not None:
            known = re.findall(r"[\w-]+", wrong["known"]) if "known" in wrong.groupdict() else self._flags()
            message += did_you_mean(wrong["name"], known)
        raise UsageError(message, prog=self.prog)

    def _flags(self) -> Iterator[str]:
        """Every flag, of the commands within this one too."""
        for action in self._actions:
            yield from action.option_strings
            if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - argparse has no other name for it
                for parser in action.choices.values():
                    yield from parser._flags()  # noqa: SLF001 - of this class

    def parse(self, arguments: list[str]) -> argparse.Namespace:
        """The arguments, flags and positionals in any order.

        Raises:
            UsageError: they make no sense.
            SystemExit: help was asked for and printed.
        """
        if self._subparsers is not None and self._wants_list(arguments):
            self.print_help()
            raise SystemExit(0)
        return self.parse_args(arguments)

    def _wants_list(self, arguments: list[str]) -> bool:
        """Whether a group stands alone, which lists its commands; talosctl lists them for a name that it does not know, too."""
        choices = {name for action in self._subparsers._group_actions for name in action.choices or ()}  # type: ignore[union-attr]  # noqa: SLF001 - as above
        words = [argument for argument in arguments if not argument.startswith("-")]
        imitates = any(argument.partition("=")[0] == "--compat" for argument in arguments)
        return not arguments or (imitates and choices.isdisjoint(words))  # a word may be the value of a flag

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]  # overloads
        """What argparse calls, also for the parser of a command within a command: flags and arguments in any order."""
        if self._intermixing:
            return super().parse_known_args(args, namespace)
        args = self._attached(args)
        if self._subparsers is not None:
            return super().parse_known_args(args, namespace)
        self._intermixing = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._intermixing = False

    def _attached(self, arguments: Sequence[str]) -> list[str]:
        """The arguments, with a value that begins with a dash attached to its flag, as in `--patch=---`: else argparse takes it for a flag.

        A flag of this command is none's value: `-o -w` lacks something. Behind the name of a command within this one
        everything is that one's.
        """
        flags = self._option_string_actions
        attached: list[str] = []
        rest = iter(arguments)
        for argument in rest:
            action = flags.get(argument)
            if argument == "--" or (self._subparsers is not None and not argument.startswith("-")):
                return [*attached, argument, *rest]
            if action is None or action.nargs is not None:
                attached.append(argument)
                continue
            value = next(rest, None)
            if value is not None and value.startswith("-") and value not in {"-", "--", *flags}:
                attached.append(f"{argument}={value}" if argument.startswith("--") else f"{argument}{value}")
            else:
                attached += [argument] if value is None else [argument, value]
        return attached


class _Help(argparse.RawDescriptionHelpFormatter):
    """Paragraphs wrapped at words, examples as they are."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if text.startswith("examples:"):
            return super()._fill_text(text, width, indent)
        parts: list[str] = []
        prose: list[str] = []
        for line in [*text.strip("\n").split("\n"), ""]:
            if line[:1] not in {"", " "}:
                prose.append(line)
                continue
            parts += folded(" ".join(prose), width)
            parts.append(line)
            prose = []
        return "\n".join(parts[:-1])


def _formatter(prog: str) -> argparse.HelpFormatter:
    """Help as wide as the terminal, up to 100 columns; given the width, argparse need not import shutil to find it."""
    return _Help(prog, width=min(width_of_terminal() or 100, 100) - 2)


def complain(message: str) -> None:
    """One line on stderr, whatever the message holds; parts of it come from servers and files, and logins are in none."""
    sys.stdout.flush()
    line = _LOGIN.sub(r"\1…@", printable(" ".join(message.split())))
    print(f"error: {line}", file=sys.stderr, flush=True)
