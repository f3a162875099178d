"""Options and steps of the commands that change the configuration of nodes, node by node."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from talos_resources.cli import options
from talos_resources.cli.durations import some_time
from talos_resources.cli.parser import Parser, complain
from talos_resources.model.errors import TalosResourcesError

if TYPE_CHECKING:
    from talos_resources.rpc.apply import Applied
    from talos_resources.sources import Cluster
    from talos_resources.sources.configuration import HowToApply, NodeConfiguration

MODES: Final = ("auto", "no-reboot", "reboot", "staged", "try")


def add_changing(parser: Parser, *, modes: bool = True) -> None:
    """Adds how a configuration is applied, and where the nodes are.

    Args:
        parser: of the command.
        modes: with `--mode` and what belongs to it; without for commands that watch what comes of it.
    """
    if modes:
        parser.add_argument(
            "-m",
            "--mode",
            choices=MODES,
            default="auto",
            metavar="MODE",
            help="auto and no-reboot: at once; reboot (before Talos v1.14): with a reboot; staged: at the next reboot; "
            "try: at once, and back again after --timeout (default: auto)",
        )
        parser.add_argument("--timeout", dest="try_s", type=some_time, metavar="TIME", help="how long --mode try lasts (default: 1m)")
        parser.add_argument("--force", action="store_true", help="send also what is not valid; the node may refuse it all the same")
    parser.add_argument("--dry-run", action="store_true", help="show what would change, secrets hidden, and change nothing")
    parser.add_argument(
        "--keep", type=Path, metavar="DIR", help="keep what the nodes had in this folder, for good (default: until a node has the new one)"
    )
    options.add_source(parser, answer_flag="--answer-timeout")


def how_to_apply(args: Namespace) -> HowToApply:
    """What the options say."""
    from talos_resources.rpc.apply import ApplyMode
    from talos_resources.sources.configuration import HowToApply

    mode = ApplyMode[args.mode.upper().replace("-", "_")]
    return HowToApply(mode=mode, dry_run=args.dry_run, try_s=args.try_s, force=args.force, folder=args.keep)


def node_by_node(cluster: Cluster, nodes: Sequence[str], change: Callable[[NodeConfiguration], None]) -> int:
    """Changes one node after the other; one that fails is named and the next ones are changed all the same.

    Returns:
        The exit code.
    """
    from talos_resources.sources.configuration import configuration_of

    failed = 0
    for node in nodes:
        try:
            change(configuration_of(cluster, node))
        except TalosResourcesError as error:
            complain(f"{node}: {error.message}")
            failed += 1
    return 1 if failed else 0


def give_and_tell(configuration: NodeConfiguration, text: str, how: HowToApply) -> None:
    """Gives a node a configuration and says what came of it.

    Raises:
        TalosResourcesError: see `sources.configuration.give`.
    """
    from talos_resources.sources.configuration import give, is_same

    if not how.force and is_same(configuration, text):
        print(f"{configuration.node}: no change")
        return
    applied = give(configuration, text, how)
    for warning in applied.warnings:
        print(f"note: {configuration.node}: {warning}", file=sys.stderr)
    print(f"{configuration.node}: {_outcome(applied, how)}", flush=True)
    if how.dry_run:
        sys.stdout.write(shown_difference(configuration, text))


def shown_difference(configuration: NodeConfiguration, text: str) -> str:
    """What changes on a node, secrets hidden.

    Raises:
        ConfigError, DecodeError: one of them cannot be read.
    """
    from talos_resources.machineconfig.documents import MachineConfig
    from talos_resources.machineconfig.hidden import difference, hidden_text

    new = MachineConfig.load(text, release=configuration.release)
    return hidden_text(new) if configuration.text is None else difference(configuration.config(), new)


def _outcome(applied: Applied, how: HowToApply) -> str:
    """In our words: those of a node may hold what nobody is to see."""
    from talos_resources.rpc.apply import DEFAULT_TRY_S, ApplyMode

    match applied.mode:
        case ApplyMode.STAGED:
            what = "staged for the next reboot"
        case ApplyMode.TRY:
            what = f"applied for {how.try_s or DEFAULT_TRY_S:g} s, then it goes back unless another one is applied"
        case ApplyMode.REBOOT:
            what = "applied, and the node reboots for it"
        case _:
            what = "applied without a reboot"
    return f"would be {what}" if how.dry_run else what
