"""`simulate`: a whole cluster in virtual time, or in real time for others to talk to."""

from __future__ import annotations

from argparse import ArgumentTypeError, Namespace
from typing import TYPE_CHECKING, Final

from talos_resources.cli import options, progress, serving
from talos_resources.cli.durations import duration
from talos_resources.cli.parser import Parser, UsageError
from talos_resources.model.errors import ConfigError

if TYPE_CHECKING:
    from talos_resources.simulate.cluster import Sample
    from talos_resources.simulate.run import Summary

HELP = "Run a KubeSpan cluster in virtual time and sum up how its links fare, or serve it while it runs"
DESCRIPTION = """\
Run many nodes in virtual time, each with the controllers of a real one, and sum up how their links fare:
NAT, cuts, moving endpoints, one-way filters, lost packets, restarts, new keys. The same seed gives the
same run. --to writes all nodes as they are at the end, --record everything that happened until then; every
command reads that with --from. With --serve time passes as it does here, and all nodes are behind one
endpoint, as with `serve`: talosctl, `top`, `record` and whatever else talks to Talos work against it, and
`simulate inject` breaks things meanwhile."""
EXAMPLES = """\
--list
--nodes 5 --scenario partition
--nodes 100 --scenario nat-harvest --to nat.zip
--nodes 5 --scenario partition --record sqlite:cut.db
--nodes 5 --serve 127.0.0.1:50000 --pki ./pki --speed 10x
inject partition worker-1 worker-2 --for 10m --talosconfig ./pki/talosconfig
heal --talosconfig ./pki/talosconfig
"""

DEFAULT_ADDRESS: Final = "127.0.0.1:50000"
_FASTEST: Final = 1000.0
_INJECT: Final = """\
Let a fault strike a simulation that runs with `simulate --serve`, found by its talosconfig. Without a fault,
list those that there are, and those that have struck and are not healed."""
_HEAL: Final = "Undo a fault of a simulation that runs with `simulate --serve`, or all that are there."


def configure(parser: Parser) -> None:
    """Adds what to simulate, where to put it, and what others may do to it."""
    parser.add_argument("--nodes", dest="count", type=int, default=5, metavar="N", help="how many nodes (default: 5)")
    parser.add_argument("--scenario", default="mesh", metavar="NAME", help="what happens (default: mesh); --list names all")
    parser.add_argument("--list", action="store_true", help="list the scenarios, with when their faults come and heal, and stop")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of all chance (default: 0)")
    parser.add_argument(
        "--duration", type=duration, metavar="TIME", help="how long to watch, such as 90s or 15m (default: the scenario's own)"
    )
    parser.add_argument("--every", type=duration, default=30.0, metavar="TIME", help="how often to look at the links (default: 30s)")
    parser.add_argument("--traffic", type=int, metavar="BYTES", help="a second from each node to each other (default: the scenario's own)")
    parser.add_argument("--to", metavar="TARGET", help="write all nodes there at the end, as `dump` does")
    parser.add_argument("--record", metavar="sqlite:PATH", help="record every version of every resource there, at its virtual time")
    parser.add_argument("--show-secrets", action="store_true", help="write private keys and other secrets too")
    parser.add_argument("-o", "--output", choices=("table", "json"), default="table", help="default: table")
    group = parser.add_argument_group("for others to talk to")
    group.add_argument(
        "--serve", nargs="?", const=DEFAULT_ADDRESS, metavar="ADDRESS", help=f"serve all nodes while they run (default: {DEFAULT_ADDRESS})"
    )
    group.add_argument(
        "--speed", type=_speed, default=1.0, metavar="N", help="with --serve: how fast time passes, such as 10x (default: 1x)"
    )
    serving.add_protection(group)
    commands = parser.add_subparsers(dest="action", required=False, metavar="inject|heal")
    inject = commands.add_parser("inject", prog=f"{parser.prog} inject", description=_INJECT, help="let a fault strike one that runs")
    inject.add_argument("fault", nargs="?", help="which; without, list all")
    inject.add_argument("targets", nargs="*", metavar="NODE", help="the nodes that it hits")
    inject.add_argument("--site", metavar="NAME", help="hit all nodes of a site, such as a or b, the two halves of most scenarios")
    inject.add_argument("--for", dest="for_s", type=duration, metavar="TIME", help="it heals by itself after so long (default: never)")
    inject.add_argument("--value", default="", metavar="TEXT", help="what else the fault takes: a share, an address, an MTU")
    heal = commands.add_parser("heal", prog=f"{parser.prog} heal", description=_HEAL, help="undo faults of one that runs")
    heal.add_argument("id", nargs="?", help="of the fault, as inject said; without, all")
    for command in (inject, heal):
        options.add_source(command)


def _speed(text: str) -> float:
    try:
        speed = float(text.removesuffix("x"))
    except ValueError:
        speed = 0.0
    if not 0 < speed <= _FASTEST:
        msg = f"{text!r} is no speed such as 1x, 10x or 0.5x, up to {_FASTEST:g}x"
        raise ArgumentTypeError(msg)
    return speed


def run(args: Namespace) -> int:
    """Simulates and prints how it went, or does what is asked of a simulation that runs."""
    if args.action is not None:
        from talos_resources.cli import simulate_control

        return simulate_control.run(args)
    if args.list:
        from talos_resources.simulate.summary import scenario_rows
        from talos_resources.views.tabwriter import align

        print(align("".join("\t".join(row) + "\n" for row in scenario_rows())), end="")
        return 0
    if args.to is not None:
        from talos_resources.sources import writing

        writing.check_target(args.to)
    try:
        if args.serve is not None:
            from talos_resources.cli import simulate_live

            return simulate_live.run(args)
        return _run(args)
    except ConfigError as error:  # the arguments do not fit each other
        raise UsageError(error.message) from None


def _run(args: Namespace) -> int:
    from talos_resources.simulate.run import run as simulate
    from talos_resources.simulate.scenarios import scenario

    served = {
        "--speed": args.speed != 1.0,
        "--pki": args.pki,
        "--insecure": args.insecure,
        serving.PER_NODE: args.per_node,
        "--talos-version": args.talos_version,
    }
    for flag, is_given in served.items():
        if is_given:
            raise UsageError(f"{flag} is for a simulation that others talk to; add --serve", prog="talos-resources simulate")
    from talos_resources.cli.simulate_output import recording, write

    played = scenario(args.scenario)
    watched = _Watched(args.count, played.duration_s if args.duration is None else args.duration)
    with recording(args) as recorder, progress.busy(watched.words):
        cluster, summary = simulate(
            played,
            nodes=args.count,
            seed=args.seed,
            duration_s=args.duration,
            every_s=args.every,
            progress=watched.look,
            witness=recorder,
            traffic=args.traffic,
        )
    if args.to is not None:
        write(cluster, args.to, show_secrets=args.show_secrets)
    _print(summary, args.output)
    return 0


class _Watched:
    """How far a simulation is, for people who wait."""

    def __init__(self, nodes: int, until_s: float) -> None:
        """Takes how many nodes there are, and how long they are watched."""
        self._nodes = nodes
        self._until_s = until_s
        self._last: Sample | None = None

    def look(self, sample: Sample) -> None:
        """Remembers the newest look at the links."""
        self._last = sample

    def words(self) -> str:
        """How far it is."""
        from talos_resources.simulate.summary import clock

        if self._last is None:
            return f"simulating {self._nodes} nodes: starting"
        links = f"{self._last.up} of {self._last.links} links up"
        return f"simulating {self._nodes} nodes: {clock(self._last.at_s)} of {clock(self._until_s)}, {links}"


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
