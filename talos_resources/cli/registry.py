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
from collections.abc import Mapping
from typing import Final, Protocol, cast

from talos_resources.cli.parser import Parser

GROUPS: Final[Mapping[str, Mapping[str, str]]] = {
    "look": {
        "get": "get",
        "g": "get",
        "rd": "rd",
        "api-resources": "rd",
        "explain": "explain",
        "mesh": "mesh",
        "top": "top",
    },
    "diagnose": {
        "doctor": "doctor",
        "report": "report",
        "validate": "validate",
    },
    "record": {
        "record": "record",
        "recordings": "recordings",
        "history": "history",
        "diff": "diff",
        "events": "events",
        "dump": "dump",
    },
    "configure": {
        "config": "config",
        "gen": "gen",
        "machineconfig": "machineconfig",
        "mc": "machineconfig",
        "apply-config": "apply_config",
        "apply": "apply_config",
        "patch": "patch",
        "edit": "edit",
        "kubespan": "kubespan",
        "cilium": "cilium",
    },
    "serve": {
        "serve": "serve",
        "export": "export",
        "discovery": "discovery",
        "agent": "agent",
    },
    "simulate": {
        "simulate": "simulate",
    },
    "this program": {
        "completion": "completion",
        "runtime": "runtime",
        "version": "version",
    },
}
"""What users want to do → command → module, as the help shows them."""

COMMANDS: Final = {name: module for commands in GROUPS.values() for name, module in commands.items()}
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


def grouped() -> dict[str, list[tuple[tuple[str, ...], str]]]:
    """Every command as (its names, its line of help) in its group, in the order of the table."""
    found: dict[str, list[tuple[tuple[str, ...], str]]] = {}
    for group, commands in GROUPS.items():
        names: dict[str, list[str]] = {}
        for name, module in commands.items():
            names.setdefault(module, []).append(name)
        found[group] = [(tuple(same), _sentence(load(same[0]).HELP)) for same in names.values()]
    return found


def listing() -> list[tuple[tuple[str, ...], str]]:
    """Every command as (its names, its line of help), whatever its group."""
    return [command for commands in grouped().values() for command in commands]


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
