"""`top`: the mesh live on the whole terminal."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from typing import TYPE_CHECKING, Final

from talos_resources.cli import options
from talos_resources.cli.parser import Parser
from talos_resources.model.errors import ConfigError, UnsupportedError

if TYPE_CHECKING:
    from talos_resources.model.timestamp import Timestamp

HELP: Final = "watch the mesh on the whole terminal"
DESCRIPTION: Final = """\
Show the mesh on the whole terminal: who sees whom, peers with their rates, what is wrong, what happens, and every
resource as YAML; of a recording at any moment. ? shows the keys, q ends it. Secrets are hidden until s is pressed.
Needs the extra `tui`."""
EXAMPLES: Final = """\
-n 10.0.0.1,10.0.0.2,10.0.0.3
--from sqlite:mesh.db --at 02:14
"""


def configure(parser: Parser) -> None:
    """Adds where the data comes from."""
    options.add_source(parser)
    options.add_at(parser)
    parser.set_defaults(watch=True)  # it goes on until it is stopped, so the note about the demo comes first


def run(args: Namespace) -> int:
    """Shows it until somebody ends it.

    Raises:
        UnsupportedError: textual is not installed.
        ConfigError: there is no terminal, or nothing was recorded at the moment or before.
    """
    try:
        from talos_resources.tui.app import Top
        from talos_resources.tui.travel import Travel
    except ModuleNotFoundError as error:
        raise UnsupportedError(f"top needs {error.name}; pip install 'talos-resources[tui]'") from None
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise ConfigError("top needs a terminal; for pipes there are `mesh`, `get -w` and `events -w`")
    if os.environ.get("TERM") == "dumb":
        raise ConfigError("top needs a terminal that can move its cursor, which TERM=dumb cannot; there are `mesh`, `get -w`, `events -w`")
    moment, args.at = args.at, None  # top goes through time by itself, and needs the whole recording
    with options.opened(args) as (cluster, selected):
        nodes = tuple(selected) if args.nodes else cluster.nodes
        travel = Travel(cluster, nodes, None if moment is None else _when(moment))
        live = travel.live()
        travel.check()
        top = Top(live, travel)
        top.run()
    return top.return_code or 0


def _when(moment: str) -> Timestamp:
    import time

    from talos_resources.model.timestamp import Timestamp
    from talos_resources.state.when import parse_when

    return parse_when(moment, now=Timestamp(time.time_ns()))
