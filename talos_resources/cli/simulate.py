"""`simulate`: a whole cluster in virtual time."""

from __future__ import annotations

import sys
from argparse import Namespace
from typing import TYPE_CHECKING, Any

from talos_resources.cli import progress
from talos_resources.cli.durations import duration
from talos_resources.cli.parser import Parser, UsageError
from talos_resources.model.errors import ConfigError

if TYPE_CHECKING:
    from talos_resources.model.resource import Resource
    from talos_resources.simulate.cluster import Sample, SimulatedCluster
    from talos_resources.simulate.run import Summary

HELP = "Run a KubeSpan cluster in virtual time and sum up how its links fare"
DESCRIPTION = """\
Run many nodes in virtual time, each with the controllers of a real one, and sum up how their links fare:
NAT, cuts, moving endpoints, one-way filters, lost packets, restarts, new keys. The same seed gives the
same run. --to writes all nodes as they are at the end; every command reads that with --from."""
EXAMPLES = """\
--list
--nodes 5 --scenario partition
--nodes 100 --scenario nat-harvest --to nat.zip
"""


def configure(parser: Parser) -> None:
    """Adds what to simulate and where to put it."""
    parser.add_argument("--nodes", type=int, default=5, metavar="N", help="how many nodes (default: 5)")
    parser.add_argument("--scenario", default="mesh", metavar="NAME", help="what happens (default: mesh); --list names all")
    parser.add_argument("--list", action="store_true", help="list the scenarios and stop")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of all chance (default: 0)")
    parser.add_argument(
        "--duration", type=duration, metavar="TIME", help="how long to watch, such as 90s or 15m (default: the scenario's own)"
    )
    parser.add_argument("--every", type=duration, default=30.0, metavar="TIME", help="how often to look at the links (default: 30s)")
    parser.add_argument("--to", metavar="TARGET", help="write all nodes there at the end, as `dump` does")
    parser.add_argument("--show-secrets", action="store_true", help="write private keys and other secrets too")
    parser.add_argument("-o", "--output", choices=("table", "json"), default="table", help="default: table")


def run(args: Namespace) -> int:
    """Simulates and prints how it went."""
    from talos_resources.simulate.run import run as simulate
    from talos_resources.simulate.scenarios import SCENARIOS, scenario

    if args.list:
        width = max(map(len, SCENARIOS))
        for name, known in SCENARIOS.items():
            print(f"{name:{width}}   {known.about}")
        return 0
    if args.to is not None:
        from talos_resources.sources import writing

        writing.check_target(args.to)
    try:
        cluster, summary = simulate(
            scenario(args.scenario),
            nodes=args.nodes,
            seed=args.seed,
            duration_s=args.duration,
            every_s=args.every,
            progress=_progress if sys.stderr.isatty() else None,
        )
    except ConfigError as error:  # the arguments do not fit each other
        raise UsageError(error.message) from None
    if sys.stderr.isatty():
        progress.clear()
    if args.to is not None:
        _write(cluster, args.to, show_secrets=args.show_secrets)
    _print(summary, args.output)
    return 0


def _progress(sample: Sample) -> None:
    from talos_resources.simulate.summary import clock

    progress.show(f"{clock(sample.at_s)} {sample.up} of {sample.links} links up")


def _write(cluster: SimulatedCluster, target: str, *, show_secrets: bool) -> None:
    from talos_resources.sources import writing

    def held(name: str) -> list[Resource[Any]]:
        return writing.held_by(cluster.nodes[name].state, show_secrets=show_secrets)

    contents = writing.LazyContents(tuple(cluster.nodes), held, lambda names: progress.tracked(names, "writing nodes"))
    writing.write(contents, target)


def _print(summary: Summary, output: str) -> None:
    from talos_resources.simulate.summary import as_plain, conclusion, event_lines, headline, summary_rows
    from talos_resources.views.tabwriter import align

    if output == "json":
        import json

        print(json.dumps(as_plain(summary), indent=4))
        return
    print(headline(summary))
    for line in event_lines(summary):
        print(f"  {line}")
    print()
    print(align("".join("\t".join(row) + "\n" for row in summary_rows(summary))), end="")
    print(f"\n{conclusion(summary)}")
