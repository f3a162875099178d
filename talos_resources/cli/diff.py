"""`diff`: what changed between two moments."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from talos_resources.cli import options, progress, recording
from talos_resources.cli.parser import Parser, UsageError
from talos_resources.cli.screen import Screen

if TYPE_CHECKING:
    from talos_resources.insight.changes import ResourceChange
    from talos_resources.sources.difference import Difference

HELP: Final = "tell what changed between two moments, from a recording"
DESCRIPTION: Final = """\
Tell what changed on all nodes between two moments, from what `record` has kept: first what it means for the
mesh (links that went down or came back, endpoints that moved, bytes that flowed), then every resource that
came, went or changed. Changes of counters alone are counted; --all shows them. What the recording lacks of that
time is told, and the answer is for the part that it has."""
EXAMPLES: Final = """\
-1h --from sqlite:mesh.db
02:10 02:20 --from sqlite:mesh.db
-1d now kubespanpeerstatuses -o json --from sqlite:mesh.db
"""


def configure(parser: Parser) -> None:
    """Adds the moments and what to compare."""
    parser.add_argument("begin", metavar="TIME", help="-10m, 02:14, 2026-11-26 02:14:31 (UTC)")
    parser.add_argument("end", metavar="TIME", nargs="?", default="now", help="default: now")
    parser.add_argument("types", nargs="*", metavar="TYPE", help="only resources of these types (default: all that is recorded)")
    parser.add_argument("--all", action="store_true", help="also where nothing but counters changed")
    parser.add_argument("-o", "--output", choices=("table", "json"), default="table", help="default: table")
    options.add_source(parser)


def run(args: Namespace) -> int:
    """Compares the two moments node by node."""
    import time

    from talos_resources.model.timestamp import Timestamp
    from talos_resources.sources.looking_back import difference
    from talos_resources.state.when import parse_when

    now = Timestamp(time.time_ns())
    begin, end = parse_when(args.begin, now=now), parse_when(args.end, now=now)
    if begin > end:
        raise UsageError(f"{args.begin} comes after {args.end}; write the earlier moment first", prog="talos-resources diff")
    with options.opened(args) as (cluster, selected):
        wanted = tuple(selected) if args.nodes else cluster.nodes
        with progress.busy(f"comparing {len(wanted)} nodes of {cluster.source}"):
            found = difference(cluster, wanted, begin, end, now=now, types=args.types)
    recording.tell(found.notes)
    if args.output == "json":
        _print_json(found, found.shown(counters=args.all))
    else:
        screen = Screen()
        screen.print_coloured(found.text(counters=args.all, width=screen.width, colour=screen.colour))
    return 0


def _print_json(found: Difference, shown: Sequence[ResourceChange]) -> None:
    import attrs

    from talos_resources.views import changes as view

    changes = [{"node": change.node, **view.change_plain(change.change, change.resource, change.fields)} for change in shown]
    head = {"from": str(found.begin), "to": str(found.end), "summary": attrs.asdict(found.summary)}
    sys.stdout.write(view.json_line({**head, "changes": changes}))
