"""`cilium enable`: the guide's method 4 on a cluster that is there, node by node."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING

from talos_resources.cli import options
from talos_resources.cli.kubespan_rollout import MeshWatch, views_of
from talos_resources.cli.parser import complain
from talos_resources.cli.rollout import Step, configurations, roll_out
from talos_resources.machineconfig.cilium.change import dangers, replaces_kube_proxy, with_cilium
from talos_resources.resources import MachineType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from talos_resources.insight.snapshot import NodeView
    from talos_resources.machineconfig.cilium.inline import InlineManifest


def run(args: Namespace, manifest: InlineManifest) -> int:
    """Gives it to all nodes; returns the exit code."""
    with options.opened(args) as (cluster, selected):
        found = configurations(cluster, selected)
        old = {configuration.node: configuration.config() for configuration in found}
        strict = args.strict or replaces_kube_proxy(manifest)
        new = {node: with_cilium(config, manifest, strict=strict) for node, config in old.items()}
        views = views_of(cluster, selected)
        reasons = [*dangers(old, new, replace_cni=args.replace_cni), *_left_out(selected, views)]
        for reason in reasons:
            complain(f"{reason}; nothing was changed")
        if reasons:
            return 1
        for note in manifest.notes:
            print(f"note: {note}", file=sys.stderr)
        steps = [Step(configuration=configuration, text=new[configuration.node].text()) for configuration in found]
        watch = MeshWatch(args, cluster, selected, views)
        return roll_out(args, steps, watch, prog="talos-resources cilium enable")


def _left_out(selected: Sequence[str], views: Mapping[str, NodeView]) -> list[str]:
    """That not all control planes are named, as far as discovery knows: each applies its own manifests."""
    planes = {
        member.metadata.id
        for view in views.values()
        for member in view.members
        if member.spec.machine_type is MachineType.CONTROL_PLANE
        and member.metadata.id not in selected
        and member.spec.node_id not in {other.node_id for other in views.values()}
        and not {str(address) for address in member.spec.addresses} & set(selected)
    }
    return [f"{', '.join(sorted(planes))} is a control plane too, and all of them need the same manifests; name it"] if planes else []
