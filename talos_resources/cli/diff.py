"""`diff`: what changed between two moments."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from talos_resources.cli import options, recording
from talos_resources.cli.parser import Parser, UsageError

if TYPE_CHECKING:
    from talos_resources.insight.changes import ResourceChange

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

    from talos_resources.insight.changes import resource_changes
    from talos_resources.insight.mesh_changes import summarise
    from talos_resources.model.timestamp import Timestamp
    from talos_resources.state.when import parse_when

    now = Timestamp(time.time_ns())
    begin, end = parse_when(args.begin, now=now), parse_when(args.end, now=now)
    if begin > end:
        raise UsageError(f"{args.begin} comes after {args.end}; write the earlier moment first", prog="talos-resources diff")
    found: list[ResourceChange] = []
    with options.opened(args) as (cluster, selected):
        wanted = tuple(selected) if args.nodes else cluster.nodes
        known = recording.look(cluster, wanted, begin, end, now=now)
        for node, (state, part) in known.items():
            kinds = [state.kind(name) for name in args.types] or [state.kind(name) for _, name in state.held_kinds(ever=True)]
            before, after = (
                [resource for kind in kinds for resource in past.list(kind)] for past in (state.at(part.begin), state.at(part.end))
            )
            found += resource_changes(node, before, after)
    summary = summarise(found)
    shown = [change for change in found if args.all or not change.is_noise]
    begin, end = min(part.begin for _, part in known.values()), max(part.end for _, part in known.values())
    if args.output == "json":
        _print_json(begin, end, summary, shown)
    else:
        span = f"{Timestamp.from_seconds(begin.seconds)} to {Timestamp.from_seconds(end.seconds)}"
        _print_table(span, summary.text(nodes=len(known)), shown, hidden=len(found) - len(shown), several=len(wanted) > 1)
    return 0


def _print_json(begin: Any, end: Any, summary: Any, shown: Sequence[ResourceChange]) -> None:
    import attrs

    from talos_resources.views import changes as view

    changes = [{"node": change.node, **view.change_plain(change.change, change.resource, change.fields)} for change in shown]
    sys.stdout.write(view.json_line({"from": str(begin), "to": str(end), "summary": attrs.asdict(summary), "changes": changes}))


def _print_table(span: str, summary: str, shown: Sequence[ResourceChange], *, hidden: int, several: bool) -> None:
    from talos_resources.views import changes as view

    sys.stdout.write(f"{span}: {summary}\n")
    if shown:
        heading = [*(["NODE"] if several else []), "TYPE", "ID", "CHANGE"]
        rows = []
        for change in shown:
            fields = [field for field in change.fields if not field.is_counter] or change.fields
            cells = [view.type_name(change.resource), view.subject(change.resource), view.change_text(change.change, fields)]
            rows.append([*([change.node] if several else []), *cells])
        sys.stdout.write("\n")
        sys.stdout.writelines(view.table(heading, rows))
    if hidden:
        sys.stdout.write(f"{hidden} more changed nothing but counters; --all shows them\n")
