"""`kubespan enable`, `disable` and `set`: each node's own configuration, one after the other, while the mesh is watched."""

from __future__ import annotations

import sys
import time
from argparse import Namespace
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from talos_resources.cli import options, progress
from talos_resources.cli.kubespan_settings import settings_of
from talos_resources.cli.parser import UsageError, complain
from talos_resources.cli.rollout import Step, configurations, roll_out
from talos_resources.insight.rollout import Goal, Pair, acts_on, dangers, links_up
from talos_resources.kubespan.config import kubespan_config
from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.machineconfig.kubespan_change import with_kubespan
from talos_resources.machineconfig.kubespan_patch import KubeSpanSettings, notes
from talos_resources.machineconfig.settings import Settings
from talos_resources.model.errors import NotFoundError, TalosResourcesError
from talos_resources.resources import KubeSpanConfig
from talos_resources.sources.parallel import each
from talos_resources.sources.snapshots import view_of

if TYPE_CHECKING:
    from talos_resources.insight.snapshot import NodeView
    from talos_resources.sources import Cluster

_POLL_S: Final = 1.0
_REST_S: Final = 2.0
"""How long all must be well: a node that has just taken up its settings may not have acted on them."""


def run(args: Namespace) -> int:
    """Does it; returns the exit code."""
    settings = _settings(args)
    with options.opened(args) as (cluster, selected):
        found = configurations(cluster, selected)
        old = {configuration.node: configuration.config() for configuration in found}
        new = {node: with_kubespan(config, _of_node(args, settings, config), discovery=_discovery(args)) for node, config in old.items()}
        views = views_of(cluster, selected, full=True)
        reasons = list(dangers(old, new, views, with_discovery=_discovery(args)))
        for reason in reasons:
            complain(f"{reason}; nothing was changed")
        if reasons:
            return 1
        for note in (*notes(settings), *_outside(selected, views)):
            if not note.startswith("a patch adds"):  # lists are replaced here
                print(f"note: {note}", file=sys.stderr)
        steps = [Step(configuration=each_, text=new[each_.node].text()) for each_ in found]
        watch = MeshWatch(args, cluster, selected, views, joining=_joining(args, old))
        return roll_out(args, steps, watch, prog=f"talos-resources kubespan {args.action}")


def _settings(args: Namespace) -> KubeSpanSettings:
    """What the options say.

    Raises:
        UsageError: nothing is to be set.
        ConfigError: an MTU that is none.
    """
    if args.action == "disable":
        return KubeSpanSettings(enabled=False)
    settings = settings_of(args, enabled=True)
    if args.action == "set" and settings == KubeSpanSettings():
        raise UsageError("say what to set, --mtu for example", prog="talos-resources kubespan set")
    return settings


def _of_node(args: Namespace, settings: KubeSpanSettings, config: MachineConfig) -> KubeSpanSettings:
    """The settings for a node: `set` leaves KubeSpan as it is, on or off."""
    import attrs

    return settings if args.action != "set" else attrs.evolve(settings, enabled=Settings.of(config).kubespan.enabled)


def _joining(args: Namespace, old: Mapping[str, MachineConfig]) -> list[str] | None:
    """The nodes that others join; None where none joins."""
    return [node for node, config in old.items() if Settings.of(config).kubespan.enabled] if args.action == "enable" else None


def _discovery(args: Namespace) -> bool:
    return args.action == "enable" and bool(args.with_discovery)


def views_of(cluster: Cluster, nodes: Sequence[str], *, full: bool = False) -> Mapping[str, NodeView]:
    """What the nodes hold that answer."""
    answers = each(nodes, lambda node: view_of(cluster.state(node), node, full=full))
    return {node: answer for node, answer in answers if not isinstance(answer, TalosResourcesError)}


def _outside(selected: Sequence[str], views: Mapping[str, NodeView]) -> list[str]:
    """That there are more nodes than were named, as far as discovery knows."""
    known = max((len(view.members) for view in views.values()), default=0)
    if known <= len(selected):
        return []
    return [f"the cluster has {known} members, of which {len(selected)} are named; the others stay as they are"]


class MeshWatch:
    """Waits after each step until the mesh is as it should be; see `rollout.Watch`."""

    def __init__(
        self,
        args: Namespace,
        cluster: Cluster,
        nodes: Sequence[str],
        views: Mapping[str, NodeView],
        *,
        joining: Sequence[str] | None = None,
    ) -> None:
        """Takes how it is before the first step.

        Args:
            args: with how long to wait.
            cluster: the nodes.
            nodes: those whose links count.
            views: what they hold before.
            joining: those that have KubeSpan already, where the steps bring others to them; None where none joins.
        """
        self._args = args
        self._cluster = cluster
        self._nodes = nodes
        self._before = links_up(views.values())
        self._joins = joining is not None
        self._on = list(joining or ())
        self._off: list[str] = []

    def __call__(self, step: Step) -> str:
        """Waits after a step; why it is not as it should be, empty if it is."""
        release = step.configuration.release
        wanted = kubespan_config(MachineConfig.load(step.text, release=release).documents, release.kubespan)
        enabled = wanted is not None and wanted.enabled
        if not enabled:
            self._off.append(step.node)
        elif self._joins and step.node not in self._on:
            self._on.append(step.node)
        goal = Goal(before=self._before, on=self._on, off=self._off)
        deadline = time.monotonic() + self._args.wait
        well_since: float | None = None
        while True:
            up, reason = self._look(step, wanted, goal)
            now = time.monotonic()
            well_since = None if reason else now if well_since is None else well_since
            if well_since is not None and now - well_since >= min(_REST_S, self._args.wait / 2):
                print(f"{step.node}: applied, {len(up)} links of {', '.join(self._nodes)} up", flush=True)
                return ""
            if reason and now >= deadline:
                return f"{reason} after {self._args.wait:g} s{self._diagnosis()}"
            if sys.stderr.isatty():
                progress.show(f"{step.node}: {reason or 'resting'}")
            time.sleep(min(_POLL_S, self._args.wait / 20))

    def _look(self, step: Step, wanted: KubeSpanConfig | None, goal: Goal) -> tuple[frozenset[Pair], str]:
        """The links that are up, and what is not as it should be."""
        views = views_of(self._cluster, self._nodes)
        up = links_up(views.values())
        if silent := [node for node in self._nodes if node not in views]:
            return up, f"{', '.join(silent)} does not answer"
        if not acts_on(self._told(step.node), wanted):
            return up, "the node does not do what its configuration says"
        if wanted is not None and wanted.enabled and views[step.node].public_key is None:
            return up, "the node has no KubeSpan identity"
        missing = goal.missing(up)
        shown = ", ".join(f"{one} → {other}" for one, other in missing[:4]) + (", …" if len(missing) > 4 else "")
        return up, f"{len(missing)} links are not up that should be ({shown})" if missing else ""

    def _told(self, node: str) -> KubeSpanConfig | None:
        try:
            return self._cluster.state(node).get(KubeSpanConfig, "kubespan").spec
        except NotFoundError:
            return None
        except TalosResourcesError:
            return KubeSpanConfig()  # away, perhaps for a moment

    def _diagnosis(self) -> str:
        """What `doctor` says first; empty if it finds nothing."""
        from talos_resources.insight.doctor import examine
        from talos_resources.sources.evidence import evidence

        try:
            found = examine(evidence(self._cluster, self._nodes)).headline
        except TalosResourcesError:
            return ""
        return f"; doctor: {found}" if found else ""
