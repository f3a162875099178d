"""`history`: every version of a resource that a recording has."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from talos_resources.cli import options, progress, recording
from talos_resources.cli.parser import Parser
from talos_resources.cli.screen import Screen
from talos_resources.model.errors import NotFoundError

if TYPE_CHECKING:
    from talos_resources.backends.sqlite.past import Version
    from talos_resources.backends.sqlite.state import SqliteState

HELP: Final = "tell what happened to a resource, from a recording"
DESCRIPTION: Final = """\
Tell when a resource changed and how, from what `record` has kept: one line a version, oldest first. Versions
in which nothing but counters changed are left out unless --all is given. A peer may be named
by its label, a member by its host name."""
EXAMPLES: Final = """\
kubespanpeerstatus talos-default-worker-2 --from sqlite:mesh.db --since 3h
members talos-default-worker-1 --from sqlite:mesh.db -o json
"""


def configure(parser: Parser) -> None:
    """Adds the resource and how to show it."""
    parser.add_argument("type", metavar="TYPE", help="any name of the type")
    parser.add_argument("id", metavar="ID", help="the resource, by its id, label or host name")
    parser.add_argument("--namespace", metavar="NAME", help="instead of the type's own")
    add_window(parser)
    parser.add_argument("-o", "--output", choices=("table", "json"), default="table", help="default: table; json: one object a line")
    options.add_source(parser)


def add_window(parser: Parser) -> None:
    """Adds what of the past to show."""
    parser.add_argument("--since", metavar="TIME", help="nothing older: 3h, 02:14, 2026-11-26 02:14:31 (UTC)")
    parser.add_argument("--all", action="store_true", help="also where nothing but counters changed")


def run(args: Namespace) -> int:
    """Prints the versions, of all nodes that have the resource."""
    import time
    from operator import itemgetter

    from talos_resources.model.timestamp import Timestamp
    from talos_resources.sources.looking_back import recorded
    from talos_resources.views import changes as view

    with options.opened(args) as (cluster, selected):
        nodes = tuple(selected) if args.nodes else cluster.nodes
        read = progress.past_of(cluster.source)(nodes)
        found = {node: versions for node in read if (versions := _versions(args, recorded(cluster, node)))}
        if not found:
            raise NotFoundError(_about(args, recorded(cluster, nodes[0])))
        now = Timestamp(time.time_ns())
        recording.look(cluster, tuple(found), recording.since_of(args), now, now=now)
        rows = sorted((row for node, versions in found.items() for row in _rows(args, node, versions)), key=itemgetter("at"))
    if args.output == "json":
        sys.stdout.writelines(view.json_line({key: value for key, value in row.items() if key != "at"}) for row in rows)
        return 0
    several = len(found) > 1
    heading = [*(["NODE"] if several else []), "TIME", "VERSION", "CHANGE"]
    cells = [[*([row["node"]] if several else []), row["time"], str(row["version"]), row["text"]] for row in rows]
    screen = Screen()
    screen.print_coloured("".join(view.table(heading, cells, width=screen.width, colour=screen.colour)))
    return 0


def _versions(args: Namespace, state: SqliteState) -> Sequence[Version]:
    from talos_resources.state.named import called, the_one

    kind = state.kind(args.type)
    since = recording.since_of(args)
    try:
        return state.history(kind, args.id, namespace=args.namespace, since=since)
    except NotFoundError:
        named = called(state.list(kind, namespace=args.namespace), args.id)
        if not named:
            return ()
        return state.history(kind, the_one(named, kind, args.id).id, namespace=args.namespace, since=since)


def _about(args: Namespace, state: SqliteState) -> Any:
    from talos_resources.model.metadata import Reference

    kind = state.kind(args.type)
    return Reference(kind.namespace if args.namespace is None else args.namespace, kind.type, args.id)


def _rows(args: Namespace, node: str, versions: Sequence[Version]) -> Iterator[dict[str, Any]]:
    from talos_resources.insight.changes import field_changes
    from talos_resources.views import changes as view

    since = recording.since_of(args)
    for version in versions:
        if since is not None and version.at < since:
            continue  # there to compare the next one with
        fields = () if version.old is None or version.change != "updated" else field_changes(version.old, version.resource)
        if fields and not args.all:
            fields = tuple(field for field in fields if not field.is_counter)
            if not fields:
                continue
        row = {"at": version.at, "node": node, "time": view.clock(version.at), "version": version.resource.version}
        if args.output == "json":
            yield {**row, "time": str(version.at), **view.change_plain(version.change, version.resource, fields)}
        else:
            yield {**row, "text": view.change_text(version.change, fields)}
