"""All that `doctor` looks at: what nodes hold, and their past where the source keeps it."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from talos_resources.insight.snapshot import Snapshot
from talos_resources.sources.asking import Nodes
from talos_resources.sources.past import past_of
from talos_resources.sources.views import snapshot


def evidence(cluster: Nodes, nodes: Sequence[str] = ()) -> Snapshot:
    """What some nodes of a cluster hold, and held; those that do not answer are named.

    Args:
        cluster: any.
        nodes: their names; all nodes without any.

    Raises:
        ConfigError: there is no such node.
        TalosResourcesError: not one node answered.
    """
    found = snapshot(cluster, nodes, full=True)
    return attrs.evolve(found, past=past_of(cluster, [view.node for view in found.views]))
