"""`version`: of this program."""

from __future__ import annotations

import sys
from argparse import Namespace

from talos_resources.cli.parser import Parser
from talos_resources.model.version import __version__

HELP = "Print the version of this program"


def configure(parser: Parser) -> None:
    """The command has no arguments."""


def run(_args: Namespace) -> int:
    """Prints one line."""
    print(f"talos-resources {__version__} (Python {sys.version.split()[0]})")
    return 0
