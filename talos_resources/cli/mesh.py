"""`mesh`: who sees whom."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from talos_resources.cli import nodes, options, progress
from talos_resources.cli.durations import some_time
from talos_resources.cli.parser import Parser, UsageError, complain
from talos_resources.cli.screen import Screen
from talos_resources.model.errors import QueryError, TalosResourcesError

if TYPE_CHECKING:
    from talos_resources.insight.mesh import Mesh
    from talos_resources.insight.snapshot import Snapshot
    from talos_resources.sources import Cluster
    from talos_resources.views.mesh_text import Piece

HELP: Final = "show who sees whom in the KubeSpan mesh"
DESCRIPTION: Final = """\
Join the peers of all nodes into one picture: rows observe columns. up, DOWN, ? (unknown), none (the node
does not know the other), - (the node was not asked), ! (up in one direction only). A mesh that is too
wide for a matrix gets a line for each node, the worst first; --by gives totals per group."""
EXAMPLES: Final = """\
-n 10.0.0.1,10.0.0.2,10.0.0.3
--from support.zip -o wide
--by site
-o html > mesh.html
-w
"""

FORMATS: Final = ("table", "wide", "json", "yaml", "html", "svg", "png", "dot", "prometheus")
TICK_S: Final = 30.0
_QUICK: Final = 40
"""So many nodes are drawn before one wonders."""


def configure(parser: Parser) -> None:
    """Adds how to show it."""
    parser.add_argument("-o", "--output", choices=FORMATS, default="table", metavar="FORMAT", help=f"{', '.join(FORMATS)} (default: table)")
    parser.add_argument("--by", metavar="KEY", help="totals per group: site (network of the address), type, name, label:KEY")
    parser.add_argument("--all", action="store_true", help="list every node of a large mesh, also those without a fault")
    parser.add_argument("--faults", action="store_true", help="only what is not up: the nodes to blame, with -o wide the links")
    parser.add_argument("-w", "--watch", action="store_true", help="look again and again, with rates, until Ctrl-C")
    parser.add_argument(
        "--every", type=some_time, default=TICK_S, metavar="TIME", help="how often with --watch, such as 10s (default: 30s, KubeSpan's own)"
    )
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto", help="auto: on a terminal, unless NO_COLOR is set")
    options.add_at(parser)
    options.add_source(parser)


def run(args: Namespace) -> int:
    """Shows the mesh once, or again and again."""
    if args.by is not None:
        _check_grouping(args)
    if args.at is not None and args.watch:
        raise UsageError("--at looks at the past, --watch at what comes; leave one out")
    if args.watch and args.output in {"html", "svg", "png"}:
        raise UsageError(f"-o {args.output} is one picture; leave out --watch")
    with options.opened(args) as (cluster, selected):
        wanted = tuple(selected) if args.nodes else cluster.nodes
        return (_follow if args.watch else _once)(args, cluster, wanted)


def look(cluster: Cluster, wanted: Sequence[str], *, full: bool = False) -> tuple[Snapshot, nodes.Answers[object]]:
    """What the nodes hold now, asked in parallel.

    Returns:
        The snapshot of those that answered, and the answers, for their errors.

    Raises:
        TalosResourcesError: not one answered.
    """
    from talos_resources.sources.snapshots import snapshot_of, views

    raw = views(cluster, wanted, full=full, track=progress.nodes_of(cluster.source, len(wanted)))
    return snapshot_of(raw), nodes.Answers(raw.items())


def _check_grouping(args: Namespace) -> None:
    from talos_resources.insight.groups import group_key

    if args.output != "table":
        raise UsageError(f"--by groups the table; leave out --output {args.output}")
    try:
        group_key(args.by)
    except QueryError as error:
        raise UsageError(error.message) from None


def _once(args: Namespace, cluster: Cluster, wanted: Sequence[str]) -> int:
    from talos_resources.insight.mesh import build

    snapshot, answers = look(cluster, wanted, full=args.output == "wide")
    with progress.busy(f"putting {len(snapshot.views)} nodes together"):
        mesh = build(snapshot)
    screen = Screen(args.color)
    if args.output in {"html", "svg", "png"}:
        # The library that makes a PNG lets no thread run that could tell of it.
        with progress.busy(f"drawing {len(mesh.nodes)} nodes", at_once=args.output == "png" and len(mesh.nodes) > _QUICK):
            _draw(args.output, mesh, cluster.source)
    else:
        _show(args, screen, mesh, _mtus(snapshot))
    return answers.report(wanted)


def _mtus(snapshot: Snapshot) -> dict[str, int]:
    """Node → MTU of its tunnel, where known."""
    return {view.node: view.tunnel_mtu or (view.config.mtu if view.config else 0) for view in snapshot.views}


def _draw(form: str, mesh: Mesh, source: str) -> None:
    from talos_resources.views.mesh_html import mesh_html
    from talos_resources.views.mesh_svg import mesh_png, mesh_svg

    if form == "png":
        if sys.stdout.isatty():
            raise UsageError("a picture is no text; redirect it: mesh -o png > mesh.png")
        sys.stdout.buffer.write(mesh_png(mesh))
        return
    sys.stdout.write(mesh_html(mesh, source=source) if form == "html" else mesh_svg(mesh))


def _follow(args: Namespace, cluster: Cluster, wanted: Sequence[str]) -> int:
    """A picture, and after it one for each look; on a terminal each takes the place of the last.

    When nobody answers any more that is told once, and the last picture stays until somebody does.
    """
    import threading

    from talos_resources.insight.mesh import build

    screen = Screen(args.color)
    pause = threading.Event()
    before: Mesh | None = None
    away = False
    while True:
        try:
            snapshot, _ = look(cluster, wanted, full=args.output == "wide")
        except TalosResourcesError as error:
            if before is None:
                raise
            if not away:
                complain(f"nobody answers; looking again: {error.message}")
            away = True
            pause.wait(args.every)
            continue
        away = False
        mesh = build(snapshot).since(before)
        if screen.width is not None:
            screen.clear()
        elif before is not None and args.output in {"table", "wide"}:
            screen.print(["\n"])
        _show(args, screen, mesh, _mtus(snapshot))
        before = mesh
        pause.wait(args.every)


def _show(args: Namespace, screen: Screen, mesh: Mesh, mtus: dict[str, int]) -> None:
    from talos_resources.insight.metrics import mesh_metrics
    from talos_resources.views import mesh_data, mesh_text
    from talos_resources.views.prometheus import metrics_text

    documents: dict[str, Callable[[Mesh], str]] = {
        "json": mesh_data.mesh_json,
        "yaml": mesh_data.mesh_yaml,
        "dot": mesh_data.mesh_dot,
        "prometheus": lambda mesh: metrics_text(mesh_metrics(mesh)),
    }
    if args.output in documents:
        screen.print([documents[args.output](mesh)])
        return
    lines = _lines(args, mesh, mtus, screen.width)
    screen.print(map(mesh_text.plain if screen.width is None else mesh_text.coloured, lines))


def _lines(args: Namespace, mesh: Mesh, mtus: dict[str, int], width: int | None) -> Iterator[list[Piece]]:
    from talos_resources.insight.groups import grouped
    from talos_resources.views import mesh_tables, mesh_text

    if args.by is not None:
        return mesh_tables.group_lines(mesh, grouped(mesh, args.by), width=width)
    if args.output == "wide":
        by_name = {node.name: mtus[node.node] for node in mesh.observed if node.node is not None and mtus.get(node.node)}
        return mesh_tables.detail_lines(mesh, by_name, width=width, only_faults=args.faults)
    return mesh_text.lines(mesh, width=width, every=args.all, only_faults=args.faults)
