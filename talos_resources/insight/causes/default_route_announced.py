"""A node that announces a default route."""

from __future__ import annotations

from collections.abc import Iterator

from talos_resources.insight.facts.combined import Case
from talos_resources.insight.hypothesis import SPECS_GUIDE, Certainty, Hypothesis, Tier, cause
from talos_resources.insight.words import limited, verb


@cause(
    "default-route-announced",
    "a node announces 0.0.0.0/0 or ::/0",
    tier=Tier.STATE,
    needs="Affiliates or peer specs",
    predicts="all nodes send everything that they send anywhere to this node",
    guide=SPECS_GUIDE,
)
def default_route_announced(case: Case) -> Iterator[Hypothesis]:
    """Whatever is not more closely announced by others goes there."""
    found = {index: prefixes for index in range(len(case.nodes)) if (prefixes := case.once(defaults_of).get(index))}
    if not found:
        return
    what = sorted({prefix for prefixes in found.values() for prefix in prefixes})
    yield Hypothesis(
        title=f"{case.names(found)} {verb(len(found), 'announces', 'announce')} {' and '.join(what)}: all nodes send everything there",
        evidence=lambda: limited(f"{case.name(index)}: additional addresses {', '.join(prefixes)}" for index, prefixes in found.items()),
        why="KubeSpan routes what a peer announces into the mesh: with a default route that is all traffic, to the internet and "
        "to other networks.",
        advice=f"take the default route out of what {case.names(found)} {verb(len(found), 'announces', 'announce')} "
        "(a pod network of 0.0.0.0/0, or advertiseKubernetesNetworks)",
        steps=(
            f"talosctl -n {case.asked(min(found))} get affiliates,kubespanconfigs -o yaml",
            f"talosctl -n {case.asked(min(found))} edit mc",
        ),
        after="no peer spec has 0.0.0.0/0 or ::/0 among its allowedIPs",
        certainty=Certainty.CERTAIN,
        stands=True,
    )


def defaults_of(case: Case) -> dict[int, list[str]]:
    """Nodes → the default routes that they announce."""
    found: dict[int, list[str]] = {}
    for index, affiliate in case.affiliate_of.items():
        for prefix in affiliate.kubespan.additional_addresses if affiliate.kubespan is not None else ():
            if prefix is not None and prefix.length == 0:
                found.setdefault(index, []).append(str(prefix))
    for view in case.life.fresh.values():
        for spec in view.specs if not found else ():
            for allowed in spec.spec.allowed_ips:
                if allowed is not None and allowed.length == 0 and spec.id in case.index_of:
                    prefixes = found.setdefault(case.index_of[spec.id], [])
                    if str(allowed) not in prefixes:
                        prefixes.append(str(allowed))
    return found
