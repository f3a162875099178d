"""Nodes of different cluster ids."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from talos_resources.insight.facts.combined import Case
from talos_resources.insight.given_files import settings_of_files
from talos_resources.insight.hypothesis import ENABLING_GUIDE, Certainty, Hypothesis, Tier, cause, links, unheard
from talos_resources.insight.pairing import crossing
from talos_resources.insight.snapshot import NodeView
from talos_resources.insight.words import limited
from talos_resources.model.finding import Severity
from talos_resources.model.net import IPPrefix


@cause(
    "different-clusters",
    "nodes do not belong to the same cluster",
    tier=Tier.CONFIGURATION,
    needs="KubeSpanConfigs or Infos of at least two nodes, or their addresses in the mesh; or of one, and a file given with --config",
    predicts="nodes of different cluster ids do not list each other; their mesh addresses have different prefixes",
    guide=ENABLING_GUIDE,
)
def different_clusters(case: Case) -> Iterator[Hypothesis]:
    """The cluster id makes the prefix of the mesh; discovery shows nodes of the same id only."""
    by_id = _grouped({index: _cluster_id(view) for index, view in case.life.fresh.items()})
    yield from _files(case, by_id)
    sign = "cluster id" if len(by_id) > 1 else "mesh"
    if len(by_id) < 2:  # where ids are redacted or were not read, what follows from them tells as well
        by_id = _meshes(case)
    if len(by_id) > 1:
        yield _apart(case, by_id, sign)


def _apart(case: Case, by_id: Mapping[str, list[int]], sign: str) -> Hypothesis:
    groups = sorted(by_id.items(), key=lambda item: (-len(item[1]), item[1]))
    odd = sorted(index for _, indexes in groups[1:] for index in indexes)
    return Hypothesis(
        title=f"the nodes belong to {len(by_id)} different clusters: {case.names(odd)} {'has' if len(odd) == 1 else 'have'} "
        f"another cluster id",
        explains=links(crossing(case, by_id.values()))
        | unheard(index for indexes in by_id.values() if len(indexes) == 1 for index in indexes),
        evidence=lambda: limited(f"{sign} {_short(value)}: {case.names(indexes)}" for value, indexes in groups),
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
        certainty=Certainty.CERTAIN if sign == "cluster id" else Certainty.LIKELY,
        decide="clusterId in Infos of both",
        stands=True,
    )


def _grouped(values: Mapping[int, str]) -> dict[str, list[int]]:
    """Value → the nodes that have it, without those of which it is not known."""
    found: dict[str, list[int]] = {}
    for index, value in values.items():
        if value:
            found.setdefault(value, []).append(index)
    return found


def _cluster_id(view: NodeView) -> str:
    return (view.config.cluster_id if view.config is not None else "") or view.cluster_id


def _meshes(case: Case) -> dict[str, list[int]]:
    """The same by the /64 of the nodes' addresses in the mesh, which is made of the cluster id; nothing if they hear of each other."""
    own = {index: affiliate.kubespan for index in case.life.fresh if (affiliate := case.affiliate_of.get(index)) is not None}
    addresses = {index: each.address for index, each in own.items() if each is not None and each.address is not None}
    found = _grouped({index: str(IPPrefix(each, 64).network) for index, each in addresses.items() if each.version == 6})
    parts = list(found.values())
    apart = not any(case.lists(one, other) for part in parts for one in part for rest in parts if rest is not part for other in rest)
    return found if apart else {}


def _short(value: str) -> str:
    return value if ":" in value else f"{value[:8]}…"


def _files(case: Case, by_id: Mapping[str, list[int]]) -> Iterator[Hypothesis]:
    """Machine configurations that were given beside nodes of another cluster."""
    if not by_id:
        return
    for name, settings in settings_of_files(case).items():
        cluster_id = settings.cluster_id
        if cluster_id and cluster_id not in by_id:
            yield Hypothesis(
                title=f"{name} is of another cluster than the nodes: its cluster id differs",
                evidence=lambda cluster_id=cluster_id: (  # type: ignore[misc]  # bound now, called later
                    f"the file: cluster id {cluster_id[:8]}…",
                    *(f"cluster id {each[:8]}…: {case.names(indexes)}" for each, indexes in by_id.items()),
                ),
                why="A node that gets this configuration finds none of the others, which do not find it.",
                advice="give the configuration of these nodes, or do not apply this one to them",
                steps=("talosctl gen config --with-secrets secrets.yaml …   # of this cluster's own secrets",),
                after="the file has the clusterId that `talosctl get info -o yaml` shows",
                certainty=Certainty.CERTAIN,
                stands=True,
                severity=Severity.WARNING,
            )
