"""`rd`: the resource types that a node knows."""

from __future__ import annotations

from argparse import Namespace

from talos_resources.cli import get
from talos_resources.cli.parser import Parser

HELP = "List the resource types"
DESCRIPTION = "List the resource types that a node knows, with the shorter names that `get` understands."
EXAMPLES = """\

-o name
"""


def configure(parser: Parser) -> None:
    """Adds what `get` has, less the type."""
    get.add_arguments(parser)


def run(args: Namespace) -> int:
    """Lists the definitions."""
    args.type = "resourcedefinitions"
    return get.run(args)
