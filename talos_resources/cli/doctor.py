"""`doctor`: what is wrong with the mesh, why, and what to do."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import attrs

from talos_resources.cli import options, progress
from talos_resources.cli.durations import some_time
from talos_resources.cli.parser import Parser, UsageError
from talos_resources.cli.screen import Screen
from talos_resources.model.near import did_you_mean

if TYPE_CHECKING:
    from talos_resources.insight.doctor import Diagnosis
    from talos_resources.sources import Cluster

HELP: Final = "say what is wrong with the mesh, why, and what to do"
DESCRIPTION: Final = """\
Look at peers, discovery, addresses and settings of all nodes together and name what is wrong: the fewest
causes that explain it, the worst first. Exit code 3 when something is found; notes do not count."""
EXAMPLES: Final = """\
-n 10.0.0.1,10.0.0.2,10.0.0.3
--from support.zip
--config controlplane.yaml --config worker.yaml
-o json
-w
--list
--explain clock-skew
"""

FOUND: Final = 3
TICK_S: Final = 30.0


def configure(parser: Parser) -> None:
    """Adds what to look at and how to say it."""
    parser.add_argument("--config", action="append", default=[], metavar="FILE", help="a machine configuration to check with the rest")
    parser.add_argument("--list", action="store_true", help="list the rules and stop")
    parser.add_argument("--explain", metavar="RULE", help="say what a rule looks at and rests on, and stop")
    parser.add_argument("-o", "--output", choices=("text", "json", "md"), default="text", help="md is for a ticket (default: text)")
    parser.add_argument("-w", "--watch", action="store_true", help="look again and again, and tell what begins and what ends, until Ctrl-C")
    parser.add_argument(
        "--every", type=some_time, default=TICK_S, metavar="TIME", help="how often with --watch, such as 10s (default: 30s, KubeSpan's own)"
    )
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto", help="auto: on a terminal, unless NO_COLOR is set")
    options.add_at(parser)
    options.add_source(parser)


def run(args: Namespace) -> int:
    """Examines and tells."""
    if args.list:
        return _list()
    if args.explain is not None:
        return _explain(args.explain)
    if args.watch and args.at is not None:
        raise UsageError("--at looks at the past, --watch at what comes; leave one out")
    if args.watch and args.output == "md":
        raise UsageError("-o md is one report; leave out --watch")
    configs = tuple(_config(file) for file in args.config)
    with options.opened(args) as (cluster, selected):
        wanted = tuple(selected) if args.nodes else cluster.nodes
        if args.watch:
            from talos_resources.cli.doctor_watch import follow

            return follow(args, lambda: _examined(cluster, wanted, configs))
        diagnosis = _examined(cluster, wanted, configs)
        _tell(args, diagnosis)
    return 0 if diagnosis.is_clean else FOUND


def _examined(cluster: Cluster, wanted: Sequence[str], configs: tuple[tuple[str, Any], ...]) -> Diagnosis:
    from talos_resources.insight.doctor import examine
    from talos_resources.sources.evidence import evidence

    track, track_past = progress.nodes_of(cluster.source, len(wanted)), progress.past_of(cluster.source)
    found = evidence(cluster, wanted, track=track, track_past=track_past)
    with progress.busy(f"looking for causes among {len(found.views)} nodes"):
        return examine(attrs.evolve(found, configs=configs))


def _list() -> int:
    from talos_resources.insight.causes import causes

    every = causes()
    width = max(len(cause.name) for cause in every)
    for cause in every:
        print(f"{cause.name:{width}}   {cause.severity.value:7}   {cause.about}")
    return 0


def _explain(name: str) -> int:
    from talos_resources.insight.causes import causes
    from talos_resources.model.finding import PAGE
    from talos_resources.model.wrapping import wrapped

    by_name = {cause.name: cause for cause in causes()}
    if name not in by_name:
        near = did_you_mean(name, by_name, limit=1)
        raise UsageError(f'no rule "{name}"{near or ";"} `doctor --list` names all')
    cause, width = by_name[name], Screen().width
    lines = [
        (f"{cause.name} ({cause.severity.value}): ", cause.about),
        ("needs:     ", cause.needs),
        ("predicts:  ", cause.predicts),
        ("against:   ", cause.against or "nothing: it is read, not inferred"),
        ("asked:     ", f"with {cause.tier.name.lower().replace('_', ' ')} causes, step {cause.tier + 1} of 7"),
        ("guide:     ", cause.guide),
        ("page:      ", f"{PAGE}#{cause.name}"),
    ]
    for lead, text in lines:
        if text:
            sys.stdout.writelines(f"{line}\n" for line in wrapped(lead, text, width))
    return 0


def _config(file: str) -> tuple[str, Any]:
    from talos_resources.cli.configuration import read_configuration
    from talos_resources.machineconfig.documents import MachineConfig

    return file, MachineConfig.load(read_configuration(file), source=file)


def _tell(args: Namespace, diagnosis: Diagnosis) -> None:
    if args.output == "json":
        import json

        print(json.dumps(diagnosis.to_plain(), indent=2, ensure_ascii=False))
        return
    from talos_resources.views.diagnosis import diagnosis_markdown

    if args.output == "md":
        sys.stdout.write(diagnosis_markdown(diagnosis))
        return
    screen = Screen(args.color)
    screen.print_coloured(diagnosis.text(width=screen.width, colour=screen.colour))
