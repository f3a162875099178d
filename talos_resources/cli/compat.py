"""`--compat talosctl[=VERSION]`: behave as a talosctl does, also where that is worse."""

from __future__ import annotations

from argparse import ArgumentTypeError
from typing import TYPE_CHECKING

from talos_resources.cli.parser import Parser

if TYPE_CHECKING:
    from talos_resources.releases import Release


def add_compat(parser: Parser, text: str) -> None:
    """Adds the option; `args.compat` is a `Release`, or None where we may do better.

    Args:
        parser: of a command.
        text: what the command does differently then.
    """
    parser.add_argument("--compat", type=_release, metavar="talosctl[=VERSION]", help=f"{text} (default: the newest talosctl that we know)")


def _release(text: str) -> Release:
    from talos_resources.model.errors import ConfigError
    from talos_resources.releases import NEWEST, known_release

    program, given, version = text.partition("=")
    if program != "talosctl":
        raise ArgumentTypeError(f'"{text}" is not talosctl or talosctl=VERSION, such as talosctl=v1.12')
    try:
        return known_release(version) if given else NEWEST
    except ConfigError as error:
        raise ArgumentTypeError(error.message) from None
