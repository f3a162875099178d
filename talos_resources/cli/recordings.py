"""`recordings`: what a file that `record` writes has in it."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from talos_resources.cli.parser import Parser

if TYPE_CHECKING:
    from talos_resources.backends.sqlite.summary import Kept, NodeKept
    from talos_resources.model.timestamp import Timestamp

HELP: Final = "say what recordings have: from when to when, gaps, nodes, types, size"
DESCRIPTION: Final = """\
Say what recordings have: from when to when each node was recorded and the gaps between, how many resources and
versions there are of each type, and how large it is. The file may be written meanwhile."""
EXAMPLES: Final = """\
info mesh.db
info mesh.db -o json
"""

_NODE_HEADINGS: Final = ("NODE", "FROM", "TO", "GAPS", "RESOURCES", "VERSIONS")
_KIND_HEADINGS: Final = ("TYPE", "NODES", "RESOURCES", "GONE", "VERSIONS")
_GAPS: Final = 20
"""As many gaps are listed; -o json has all."""


def configure(parser: Parser) -> None:
    """Adds what can be asked."""
    commands = parser.add_subparsers(dest="action", required=True, metavar="info")
    info = commands.add_parser("info", prog=f"{parser.prog} info", description=DESCRIPTION, help="say what a file has")
    info.add_argument("file", metavar="FILE", help="the file, also as sqlite:PATH")
    info.add_argument("-o", "--output", choices=("table", "json"), default="table", help="default: table")


def run(args: Namespace) -> int:
    """Prints it."""
    import time
    from pathlib import Path

    from talos_resources.backends.sqlite.presence import is_writable
    from talos_resources.backends.sqlite.state import SqliteState
    from talos_resources.backends.sqlite.summary import summary_of
    from talos_resources.model.timestamp import Timestamp

    path = Path(args.file.removeprefix("sqlite:"))
    now = Timestamp(time.time_ns())
    with SqliteState(path, create=False, read_only=not is_writable(path)) as state:
        found = summary_of(state, now=now)
    if args.output == "json":
        import json

        print(json.dumps(_plain(found), indent=4))
    else:
        _print(path, found, now=now)
    return 0


def _print(path: object, found: Kept, *, now: Timestamp) -> None:
    from talos_resources.model.printable import printable
    from talos_resources.views.age import size
    from talos_resources.views.tabwriter import align

    versions = sum(kind.versions for kind in found.kinds)
    types = len({kind.type for kind in found.kinds})
    print(f"{path}: {size(found.size)}, {_many(len(found.nodes), 'node')}, {_many(types, 'type')}, {_many(versions, 'version')}")
    print(f"{_span(found, now=now)}\n")
    for rows in (_node_rows(found), _kind_rows(found)):
        print(align("".join("\t".join(map(printable, row)) + "\n" for row in rows)))
    gaps = [(node.name, gap) for node in found.nodes for gap in node.gaps]
    if not gaps:
        print("no gaps")
    for name, gap in gaps[:_GAPS]:
        print(printable(f"gap: nobody recorded {name or 'it'} from {gap.began} to {gap.ended}"))
    if len(gaps) > _GAPS:
        print(f"and {len(gaps) - _GAPS} more gaps; -o json has them all")


def _span(found: Kept, *, now: Timestamp) -> str:
    from talos_resources.views.age import age

    periods = [period for node in found.nodes for period in node.periods]
    if not periods:
        return "nothing was recorded"
    begin, last = min(period.began for period in periods), max(period.ended for period in periods)
    if any(period.is_open for period in periods):
        return f"from {begin} to now: somebody records"
    return f"from {begin} to {last} ({age((now - last) / 1e9)} ago)"


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _node_rows(found: Kept) -> Iterator[tuple[str, ...]]:
    yield _NODE_HEADINGS
    for node in found.nodes:
        begin, end = (str(node.periods[0].began), _end(node)) if node.periods else ("-", "-")
        kinds = [kind for kind in found.kinds if kind.node == node.name]
        resources, versions = (sum(getattr(kind, what) for kind in kinds) for what in ("resources", "versions"))
        yield node.name or "-", begin, end, str(len(node.gaps)), str(resources), str(versions)


def _end(node: NodeKept) -> str:
    return "now" if node.periods[-1].is_open else str(node.periods[-1].ended)


def _kind_rows(found: Kept) -> Iterator[tuple[str, ...]]:
    yield _KIND_HEADINGS
    for name in sorted({kind.type for kind in found.kinds}):
        kinds = [kind for kind in found.kinds if kind.type == name]
        nodes = len({kind.node for kind in kinds})
        counts = (sum(getattr(kind, what) for kind in kinds) for what in ("resources", "gone", "versions"))
        yield name, str(nodes), *map(str, counts)


def _plain(found: Kept) -> dict[str, Any]:
    def spans(periods: Sequence[Any]) -> list[dict[str, Any]]:
        return [{"from": str(period.began), "to": str(period.ended)} for period in periods]

    return {
        "bytes": found.size,
        "nodes": [
            {
                "node": node.name,
                "recorded": spans(node.periods),
                "gaps": spans(node.gaps),
                "goes_on": bool(node.periods) and node.periods[-1].is_open,
            }
            for node in found.nodes
        ],
        "kinds": [
            {
                "node": kind.node,
                "namespace": kind.namespace,
                "type": kind.type,
                "resources": kind.resources,
                "gone": kind.gone,
                "versions": kind.versions,
            }
            for kind in found.kinds
        ],
    }
