"""Several sources as one."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from talos_resources.model.errors import ConfigError
from talos_resources.sources.cluster import Cluster


def joined(clusters: Sequence[Cluster]) -> Cluster:
    """The nodes of several clusters as one; closing it closes them.

    Raises:
        ConfigError: two of them have a node of the same name.
    """
    owners: dict[str, tuple[Cluster, str]] = {}
    others: dict[str, str] = {}
    for cluster in clusters:
        for node in cluster.nodes:
            name = node or cluster.source
            if name in owners:
                raise ConfigError(f'{owners[name][0].source} and {cluster.source} both have a node "{name}"; ask them one after the other')
            owners[name] = cluster, node
        # A host name that two clusters have names neither's node.
        others |= {other: "" if other in others else node for other, node in cluster.other_names.items()}

    def close() -> None:
        for cluster in clusters:
            cluster.close()

    return Cluster(
        {name: partial(cluster.state, node) for name, (cluster, node) in owners.items()},
        source=" and ".join(cluster.source for cluster in clusters),
        default_nodes=[node or cluster.source for cluster in clusters for node in cluster.default_nodes],
        other_names={other: node for other, node in others.items() if node and other not in owners},
        on_close=close,
        at_once=max(cluster.at_once for cluster in clusters),
        folders={name: folder for name, (cluster, node) in owners.items() if (folder := cluster.folder(node)) is not None},
    )
