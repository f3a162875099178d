"""What happens when a shell asks, through argcomplete, what may come next."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from typing import Any, Final

import argcomplete
from argcomplete.lexers import split_line

from talos_resources.cli import options, registry
from talos_resources.cli.completers import completer_of
from talos_resources.cli.parser import Parser

_START = "_ARGCOMPLETE"  # says at which word of the line the program's own begin


def complete() -> None:
    """Answers the shell and ends the process."""
    start = int(os.environ[_START]) - 1
    *_, words, _ = split_line(os.environ["COMP_LINE"], int(os.environ["COMP_POINT"]))
    leading, command, _ = options.split(words[start + 1 :])
    if command is None:
        parser = _overview()
    elif command in registry.COMMANDS:
        os.environ[_START] = str(start + len(leading) + 2)  # argcomplete takes the command for the program
        parser = _parser()
        parser.leading = leading
        registry.load(command).configure(parser)
        _give(parser, command)
    elif command == "help":
        os.environ[_START] = str(start + len(leading) + 2)
        parser = _parser()
        parser.add_argument("command", choices=list(registry.COMMANDS))
    else:
        parser = _parser()
    argcomplete.autocomplete(parser, always_complete_options=False, exit_method=lambda code: os._exit(code or max(_left, default=0)))


_left: Final[list[int]] = []
"""What is left to the shell to offer."""


def _parser() -> _Completed:
    return _Completed(prog="talos-resources", description="")


def _overview() -> Parser:
    """The commands, none of which is built, and the flags that may stand before them."""
    parser = _parser()
    parser.add_argument("--version", action="store_true", help="print the version")
    options.add_source(parser)
    commands = parser.add_subparsers()
    for names, text in registry.listing():
        for name in names:
            commands.add_parser(name, prog="", description="", help=text)
    commands.add_parser("help", prog="", description="", help="Tell what there is, or what a command does")
    _give(parser, "")
    return parser


def _give(parser: argparse.ArgumentParser, command: str) -> None:
    """Tells every argument, of the commands within this one too, where its values come from."""
    for action in parser._actions:  # noqa: SLF001 - argcomplete itself works on them, there is no public list
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - as above
            for name, inner in action.choices.items():
                _give(inner, f"{command} {name}")
        elif action.choices is None and action.nargs != 0:
            action.completer = completer_of(command, action, _left.append)  # type: ignore[attr-defined]  # where argcomplete looks


class _Completed(Parser):
    """A parser of what has been typed so far, in which flags may stand between the arguments.

    argcomplete follows one pass of argparse, which takes arguments together only: so flags go first, and one that waits
    for its value goes last.
    """

    leading: Sequence[str] = ()  # the flags before the command

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """What argparse calls, also for the parser of a command within a command."""
        args = [*self.leading, *args]
        ordered = args if self._subparsers is not None else self._flags_first(args)
        return argparse.ArgumentParser.parse_known_args(self, ordered, namespace)

    def _flags_first(self, arguments: Sequence[str]) -> list[str]:
        flags: list[str] = []
        others: list[str] = []
        rest = iter(arguments)
        for argument in rest:
            action = self._option_string_actions.get(argument)
            if action is None:
                (flags if argument.startswith("-") and argument != "-" else others).append(argument)
                continue
            value = next(rest, None) if action.nargs is None else ""
            if value is None:
                return [*flags, *others, argument]
            flags += [argument, value] if action.nargs is None else [argument]
        return [*flags, *others]
