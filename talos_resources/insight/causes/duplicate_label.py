"""Two peers of one name."""

from __future__ import annotations

from collections.abc import Iterator

from talos_resources.insight.causes.stale_affiliate import former_selves
from talos_resources.insight.facts.combined import Case
from talos_resources.insight.hypothesis import SPECS_GUIDE, Certainty, Hypothesis, Tier, cause
from talos_resources.insight.words import limited, some
from talos_resources.model.net import format_address


@cause(
    "duplicate-label",
    "two peers have the same node name",
    tier=Tier.CONFIGURATION,
    needs="Affiliates or peer specs",
    predicts="two keys of one name; Kubernetes and the members have only one of them",
    against="one of them is gone since the other came: then it is its former self",
    guide=SPECS_GUIDE,
)
def duplicate_label(case: Case) -> Iterator[Hypothesis]:
    """Two machines of one name fight over one Kubernetes node."""
    stale = case.once(former_selves)
    by_label: dict[str, set[int]] = {}
    for index, affiliate in case.affiliate_of.items():
        if affiliate.nodename and affiliate.kubespan is not None and index not in stale and case.nodes[index].public_key:
            by_label.setdefault(affiliate.nodename, set()).add(index)
    if not by_label:
        for view in case.life.fresh.values():
            for key, label in [
                *((spec.id, spec.spec.label) for spec in view.specs),
                *((each.id, each.spec.label) for each in view.statuses),
            ]:
                if label and key in case.index_of and case.index_of[key] not in stale:
                    by_label.setdefault(label, set()).add(case.index_of[key])
    for label, indexes in by_label.items():
        if len({case.nodes[index].public_key for index in indexes}) < 2:
            continue
        members = {member.spec.node_id for view in case.life.fresh.values() for member in view.members}
        missing = sum(bool(members) and bool(case.nodes[index].node_id) and case.nodes[index].node_id not in members for index in indexes)
        yield Hypothesis(
            title=f"{len(indexes)} peers are called {label}",
            evidence=lambda indexes=indexes, missing=missing: limited(  # type: ignore[misc]  # bound now, called later
                [
                    *(_described(case, index) for index in sorted(indexes)),
                    *([f"{some(missing, 'of them')} is missing from the members".replace("of thems", "of them")] if missing else []),
                ]
            ),
            why="Two machines have the same name: they take turns as one Kubernetes node, and one is missing from the members.",
            advice="give one of them another host name",
            steps=(
                f"talosctl -n {case.asked(min(indexes))} get hostnamestatus,affiliates",
                "talosctl -n NODE edit mc   # machine.network.hostname, or a HostnameConfig document",
            ),
            after="`talosctl get members` shows both names",
            certainty=Certainty.CERTAIN if all(map(case.is_there, indexes)) else Certainty.LIKELY,
            decide="which of them has had a handshake since the other came: one without is the former self of the other (stale-affiliate)",
            stands=True,
        )


def _described(case: Case, index: int) -> str:
    node = case.nodes[index]
    up = sum(case.is_up(observer, index) for observer in case.life.fresh if observer != index)
    addresses = ", ".join(map(format_address, node.addresses[:2]))
    return f"node id {node.node_id[:12]}…, key {node.public_key[:8]}…{', ' + addresses if addresses else ''}: up for {some(up, 'node')}"
