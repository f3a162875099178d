"""A change of several nodes, one after the other: shown, agreed to, watched, stopped at the first that gets worse."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from talos_resources.cli import changing, progress
from talos_resources.cli.durations import some_time
from talos_resources.cli.parser import Parser, UsageError, complain
from talos_resources.model.errors import ConfigError, TalosResourcesError

if TYPE_CHECKING:
    from talos_resources.sources import Cluster
    from talos_resources.sources.configuration import NodeConfiguration

PATIENCE_S = 180.0
"""How long the mesh may take to come up again after a node: six of KubeSpan's ticks."""


@attrs.frozen(kw_only=True)
class Step:
    """What one node gets.

    Attributes:
        configuration: what it has.
        text: the new one.
    """

    configuration: NodeConfiguration
    text: str = attrs.field(repr=False)

    @property
    def node(self) -> str:
        """Its name."""
        return self.configuration.node


Watch = Callable[[Step], str]
"""Waits for what should come of a step; why it did not come, empty if it did."""


def add_rollout(parser: Parser) -> None:
    """Adds how a change is agreed to and watched, and where the nodes are."""
    parser.add_argument("-y", "--yes", action="store_true", help="do not ask")
    parser.add_argument(
        "--wait",
        type=some_time,
        default=PATIENCE_S,
        metavar="TIME",
        help="how long each node may take until all is as it should be (default: 3m)",
    )
    parser.add_argument("--rollback", action="store_true", help="give the node at which it stops back what it had")
    changing.add_changing(parser, modes=False)


def configurations(cluster: Cluster, nodes: Sequence[str]) -> list[NodeConfiguration]:
    """What all nodes have; nothing is changed unless each of them can be read.

    Raises:
        ConfigError: one cannot; it is named.
    """
    from talos_resources.sources.configuration import configuration_of
    from talos_resources.sources.parallel import each

    found = []
    for node, answer in each(nodes, lambda node: configuration_of(cluster, node)):
        if isinstance(answer, TalosResourcesError):
            raise ConfigError(f"{node}: {answer.message}; nothing was changed")
        found.append(answer)
    return found


def roll_out(args: Namespace, steps: Sequence[Step], watch: Watch, *, prog: str) -> int:
    """Shows what will change, asks, and changes node after node.

    Args:
        args: with the options of `add_rollout`.
        steps: in their order.
        watch: after each.
        prog: the command, for errors.

    Returns:
        The exit code.

    Raises:
        UsageError: nobody is there to be asked.
        ConfigError, DecodeError: a new configuration is not valid; nothing was changed.
    """
    from talos_resources.sources.configuration import checked, is_same

    wanted = []
    for step in steps:
        if is_same(step.configuration, step.text):
            print(f"{step.node}: no change")
            continue
        try:
            checked(step.configuration, step.text)
        except TalosResourcesError as error:
            raise ConfigError(f"{step.node}: {error.message.partition('; nothing was sent')[0]}; nothing was changed") from None
        wanted.append(step)
    _show(wanted)
    if args.dry_run or not wanted:
        return 0
    if not _is_agreed(args, wanted, prog):
        print("nothing was changed")
        return 1
    return _Rollout(args, watch).run(wanted)


def _show(steps: Sequence[Step]) -> None:
    """What changes, once for all nodes of which it is the same."""
    by_difference: dict[str, list[str]] = {}
    for step in steps:
        by_difference.setdefault(changing.shown_difference(step.configuration, step.text), []).append(step.node)
    for difference, nodes in by_difference.items():
        print(f"{', '.join(nodes)}:")
        sys.stdout.write(difference)
    sys.stdout.flush()


def _is_agreed(args: Namespace, steps: Sequence[Step], prog: str) -> bool:
    if args.yes:
        return True
    if not sys.stdin.isatty():
        raise UsageError("nobody is there to be asked; say --yes, or --dry-run to look only", prog=prog)
    print(f"change {', '.join(step.node for step in steps)}, one after the other? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


class _Rollout:
    """The steps that were done, with what there was before them."""

    def __init__(self, args: Namespace, watch: Watch) -> None:
        self._args = args
        self._watch = watch
        self._kept: list[tuple[Step, Path]] = []

    def run(self, steps: Sequence[Step]) -> int:
        """Does them; returns the exit code."""
        for step in steps:
            try:
                reason = self._do(step)
            except KeyboardInterrupt:
                self._stop(step, "interrupted", len(steps))
                raise
            if reason:
                self._stop(step, reason, len(steps))
                return 1
        if self._args.keep is None:
            for _, path in self._kept:
                path.unlink(missing_ok=True)
        return 0

    def _do(self, step: Step) -> str:
        """Changes a node and waits; why it got worse, empty if it did not."""
        from talos_resources.sources.configuration import keep

        try:
            self._kept.append((step, keep(step.node, step.configuration.present, self._args.keep)))
            applied = step.configuration.live.apply(step.text)
        except TalosResourcesError as error:
            return error.message
        for warning in applied.warnings:
            print(f"note: {step.node}: {warning}", file=sys.stderr)
        reason = self._watch(step)
        if sys.stderr.isatty():
            progress.clear()
        return reason

    def _stop(self, step: Step, reason: str, count: int) -> None:
        complain(f"{step.node}: {reason}; stopped at node {len(self._kept)} of {count}")
        back = self._args.rollback and self._go_back(step)
        for done, path in self._kept:
            if back and done is step:
                print(f"note: {done.node} has what it had before; it is also in {path}", file=sys.stderr)
            else:
                print(f"note: to go back: talos-resources apply-config -n {done.node} -f {path}", file=sys.stderr)

    def _go_back(self, step: Step) -> bool:
        try:
            step.configuration.live.apply(step.configuration.present)
        except TalosResourcesError as error:
            complain(f"{step.node}: could not be given back what it had: {error.message}")
            return False
        return True
