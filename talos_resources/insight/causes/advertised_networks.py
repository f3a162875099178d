"""Pod networks announced under a CNI that hands out addresses itself."""

from __future__ import annotations

from collections.abc import Iterator

from talos_resources.insight.announced_networks import networks_of
from talos_resources.insight.facts.combined import Case
from talos_resources.insight.hypothesis import CONFIGURATION_GUIDE, Certainty, Hypothesis, Tier, cause
from talos_resources.insight.words import limited
from talos_resources.model.finding import Severity

FOREIGN = frozenset({"Cilium", "Calico"})


@cause(
    "advertised-networks",
    "pod networks are announced under Cilium or Calico",
    severity=Severity.WARNING,
    tier=Tier.STATE,
    needs="KubeSpanConfigs or Affiliates, and links or manifests that show the CNI",
    predicts="traffic to pods goes to the node whose podCIDR it is, where the pod is not",
    guide=CONFIGURATION_GUIDE,
)
def advertised_networks(case: Case) -> Iterator[Hypothesis]:
    """These hand out pod addresses by themselves."""
    cnis = {view.cni for view in case.views.values()} & FOREIGN
    on = [index for index, view in case.life.fresh.items() if view.config is not None and view.config.advertise_kubernetes_networks]
    unread = [index for index, view in case.life.fresh.items() if view.config is None and networks_of(case, index)]
    found = sorted({*on, *unread})
    if found and cnis:
        name = " and ".join(sorted(filter(None, cnis)))
        yield Hypothesis(
            title=f"advertiseKubernetesNetworks is on together with {name} on {case.names(found)}",
            evidence=lambda: limited(
                [
                    f"links or manifests of {name} are there",
                    *([f"KubeSpanConfigs: advertiseKubernetesNetworks is true on {case.names(on)}"] if on else []),
                    *(f"{case.name(index)} announces {', '.join(map(str, networks_of(case, index)))}" for index in unread),
                ]
            ),
            why=f"{name} allocates pod addresses by itself, which KubeSpan does not see: traffic goes where no pod is.",
            advice="set machine.network.kubespan.advertiseKubernetesNetworks to false",
            steps=(f"talosctl -n {case.asked(found[0])} edit mc",),
            after="no peer announces a pod network",
            certainty=Certainty.LIKELY,
            decide="Cilium's `ipam: kubernetes` takes the node's podCIDR, other modes do not",
            stands=True,
        )
