"""KubeSpan is off on some nodes."""

from __future__ import annotations

from collections.abc import Iterator

from talos_resources.insight.facts.combined import Case
from talos_resources.insight.hypothesis import ENABLING_GUIDE, Certainty, Hypothesis, Tier, cause
from talos_resources.insight.words import some, verb
from talos_resources.model.finding import Severity


@cause(
    "kubespan-disabled",
    "KubeSpan is off on some nodes",
    severity=Severity.WARNING,
    tier=Tier.CONFIGURATION,
    needs="KubeSpanConfigs of at least two nodes; or, where they are redacted, what the nodes announce",
    predicts="the node announces nothing for the mesh and has no peers, while others mesh",
    against="KubeSpan is off everywhere: that is a choice",
    guide=ENABLING_GUIDE,
)
def kubespan_disabled(case: Case) -> Iterator[Hypothesis]:
    """A mesh is of all nodes."""
    off = [index for index, view in case.life.fresh.items() if view.config is not None and not view.config.enabled]
    on = [index for index in case.life.fresh if index not in off and case.life.takes_part(index)]
    unread = [] if off else [index for index in case.life.fresh if _looks_off(case, index)]
    found = off or unread
    if not on or not found:
        return
    yield Hypothesis(
        title=f"KubeSpan is off on {case.names(found)}, and on elsewhere",
        evidence=lambda: [
            f"KubeSpanConfigs: enabled is false on {len(off)} of {some(len(off) + len(on), 'node')}"
            if off
            else "it announces nothing for the mesh, has no KubeSpan identity and no peers; its settings could not be read"
        ],
        why=f"The others cannot reach {verb(len(found), 'this node', 'these nodes')} through the mesh, which "
        f"{verb(len(found), 'it is', 'they are')} no part of.",
        advice=f"set machine.network.kubespan.enabled to true on {case.names(found)}, or leave it so if that is meant",
        steps=(f"talosctl -n {case.asked(found[0])} get kubespanconfigs -o yaml",),
        after="the node appears among the kubespanpeerspecs of the others within a minute",
        certainty=Certainty.CERTAIN if off else Certainty.POSSIBLE,
        decide="" if off else "read `enabled` in its machine configuration",
        stands=True,
    )


def _looks_off(case: Case, index: int) -> bool:
    view = case.life.fresh[index]
    affiliate = case.affiliate_of.get(index)
    return (
        view.config is None
        and view.is_whole
        and view.public_key is None
        and not view.statuses
        and not view.specs
        and not any("KubeSpanIdentities" in name for name in view.unreadable)
        and affiliate is not None
        and affiliate.kubespan is None
    )
