"""Two clusters made of one secrets bundle."""

from __future__ import annotations

from collections.abc import Iterator

from talos_resources.insight.facts.combined import Case
from talos_resources.insight.hypothesis import ENABLING_GUIDE, Certainty, Hypothesis, Tier, cause
from talos_resources.insight.words import limited


@cause(
    "mixed-clusters",
    "nodes of two clusters under one cluster id",
    tier=Tier.CONFIGURATION,
    needs="Infos of at least two nodes",
    predicts="nodes with different cluster names list each other and mesh",
    against="the cluster ids differ: then they are simply two clusters",
    guide=ENABLING_GUIDE,
)
def mixed_clusters(case: Case) -> Iterator[Hypothesis]:
    """A cluster is known by its id; its name is only for people, but two names are two intentions."""
    by_id: dict[str, dict[str, list[int]]] = {}
    for index, view in case.life.fresh.items():
        if view.cluster_id and view.cluster_name:
            by_id.setdefault(view.cluster_id, {}).setdefault(view.cluster_name, []).append(index)
    for cluster_id, by_name in by_id.items():
        if len(by_name) < 2:
            continue
        groups = sorted(by_name.items(), key=lambda item: (-len(item[1]), item[0]))
        least = groups[-1]
        yield Hypothesis(
            title=f"the clusters {' and '.join(name for name, _ in groups)} share one cluster id: their nodes find each other and mesh",
            evidence=lambda cluster_id=cluster_id, groups=groups: limited(  # type: ignore[misc]  # bound now, called later
                [f"cluster id {cluster_id[:8]}… everywhere", *(f"cluster name {name}: {case.names(indexes)}" for name, indexes in groups)]
            ),
            why="Both were made from the same secrets: they share keys and certificates too, and whoever administers one "
            "administers the other.",
            advice=f"make {least[0]} anew with secrets of its own",
            steps=("talosctl gen secrets -o secrets-new.yaml", f"talosctl gen config {least[0]} https://… --with-secrets secrets-new.yaml"),
            after="each cluster lists its own nodes only",
            certainty=Certainty.CERTAIN,
            stands=True,
        )
