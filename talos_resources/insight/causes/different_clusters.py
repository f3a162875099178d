"""Nodes of different cluster ids."""

from __future__ import annotations

from collections.abc import Iterator

from talos_resources.insight.facts.combined import Case
from talos_resources.insight.hypothesis import ENABLING_GUIDE, Certainty, Hypothesis, Tier, cause, links, unheard
from talos_resources.insight.pairing import crossing
from talos_resources.insight.words import limited


@cause(
    "different-clusters",
    "nodes do not belong to the same cluster",
    tier=Tier.CONFIGURATION,
    needs="KubeSpanConfigs or Infos of at least two nodes",
    predicts="nodes of different cluster ids do not list each other; their mesh addresses have different prefixes",
    guide=ENABLING_GUIDE,
)
def different_clusters(case: Case) -> Iterator[Hypothesis]:
    """The cluster id makes the prefix of the mesh; discovery shows nodes of the same id only."""
    by_id: dict[str, list[int]] = {}
    for index, view in case.life.fresh.items():
        cluster_id = (view.config.cluster_id if view.config is not None else "") or view.cluster_id
        if cluster_id:
            by_id.setdefault(cluster_id, []).append(index)
    if len(by_id) < 2:
        return
    groups = sorted(by_id.items(), key=lambda item: (-len(item[1]), item[1]))
    odd = sorted(index for _, indexes in groups[1:] for index in indexes)
    yield Hypothesis(
        title=f"the nodes belong to {len(by_id)} different clusters: {case.names(odd)} {'has' if len(odd) == 1 else 'have'} "
        f"another cluster id",
        explains=links(crossing(case, by_id.values()))
        | unheard(index for indexes in by_id.values() if len(indexes) == 1 for index in indexes),
        evidence=lambda: limited(f"cluster id {cluster_id[:8]}…: {case.names(indexes)}" for cluster_id, indexes in groups),
        why="Nodes of different cluster ids do not find each other, and their mesh addresses have different prefixes.",
        advice=f"compare the secrets bundle that made {case.names(odd)} with the others', and make the configuration anew from "
        f"the one of the cluster",
        steps=(
            f"talosctl -n {case.asked(odd[0])} get info -o yaml",
            "talosctl gen config --with-secrets secrets.yaml …",
            (
                f"talosctl -n {case.asked(odd[0])} apply-config --mode=try -f …   # a node with data of another cluster: look what "
                f"it holds first"
            ),
        ),
        after="all nodes show the same clusterId, and list each other within a minute",
        certainty=Certainty.CERTAIN,
        stands=True,
    )
