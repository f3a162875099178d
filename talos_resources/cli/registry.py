"""Which module holds which command.

A command is a module of this package with

- `HELP: str`: one line for the list of commands;
- `DESCRIPTION: str`: what `COMMAND --help` says before the options; optional;
- `EXAMPLES: str`: what may follow the command, one example a line; optional;
- `configure(parser)`: adds its arguments;
- `run(args) -> int`: does it and returns the exit code.

Modules are imported when their command is used, so they may not cost anything before.
"""

from __future__ import annotations

import importlib
from argparse import Namespace
from typing import Final, Protocol, cast

from talos_resources.cli.parser import Parser

COMMANDS: Final = {
    "get": "get",
    "g": "get",
    "rd": "rd",
    "api-resources": "rd",
    "explain": "explain",
    "mesh": "mesh",
    "doctor": "doctor",
    "export": "export",
    "dump": "dump",
    "record": "record",
    "history": "history",
    "diff": "diff",
    "events": "events",
    "agent": "agent",
    "top": "top",
    "serve": "serve",
    "discovery": "discovery",
    "config": "config",
    "gen": "gen",
    "cilium": "cilium",
    "kubespan": "kubespan",
    "simulate": "simulate",
    "runtime": "runtime",
    "apply-config": "apply_config",
    "apply": "apply_config",
    "patch": "patch",
    "edit": "edit",
    "machineconfig": "machineconfig",
    "mc": "machineconfig",
    "completion": "completion",
    "validate": "validate",
    "version": "version",
}
"""Command → module. Two names of one module are one command; the help shows the first."""


class Command(Protocol):
    """What a command's module holds."""

    HELP: str

    def configure(self, parser: Parser) -> None:
        """Adds the command's arguments."""
        ...

    def run(self, args: Namespace) -> int:
        """Does it; returns the exit code."""
        ...


def load(name: str) -> Command:
    """The module of a command.

    Raises:
        KeyError: there is no such command.
    """
    return cast("Command", importlib.import_module(f"talos_resources.cli.{COMMANDS[name]}"))


def listing() -> list[tuple[tuple[str, ...], str]]:
    """Every command as (its names, its line of help), in the order of the table."""
    names: dict[str, list[str]] = {}
    for name, module in COMMANDS.items():
        names.setdefault(module, []).append(name)
    return [(tuple(group), _sentence(load(group[0]).HELP)) for group in names.values()]


def parser_of(name: str, *, prog: str) -> Parser:
    """The parser of one command, with its help text.

    Raises:
        KeyError: there is no such command.
    """
    command = load(name)
    parser = Parser(
        prog=f"{prog} {name}",
        description=getattr(command, "DESCRIPTION", "") or f"{_sentence(command.HELP)}.",
    )
    command.configure(parser)
    parser.show_examples(getattr(command, "EXAMPLES", "").splitlines())
    return parser


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
