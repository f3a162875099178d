"""Pod networks announced under a CNI that hands out addresses itself."""

from __future__ import annotations

from collections.abc import Iterator

from talos_resources.insight.facts.combined import Case
from talos_resources.insight.hypothesis import CONFIGURATION_GUIDE, Certainty, Hypothesis, Tier, cause
from talos_resources.model.finding import Severity

FOREIGN = frozenset({"Cilium", "Calico"})


@cause(
    "advertised-networks",
    "pod networks are announced under Cilium or Calico",
    severity=Severity.WARNING,
    tier=Tier.STATE,
    needs="KubeSpanConfigs, and links or manifests that show the CNI",
    predicts="traffic to pods goes to the node whose podCIDR it is, where the pod is not",
    guide=CONFIGURATION_GUIDE,
)
def advertised_networks(case: Case) -> Iterator[Hypothesis]:
    """These hand out pod addresses by themselves."""
    cnis = {view.cni for view in case.views.values()} & FOREIGN
    found = [index for index, view in case.life.fresh.items() if view.config is not None and view.config.advertise_kubernetes_networks]
    if found and cnis:
        name = " and ".join(sorted(filter(None, cnis)))
        yield Hypothesis(
            title=f"advertiseKubernetesNetworks is on together with {name} on {case.names(found)}",
            evidence=lambda: (f"links or manifests of {name} are there; KubeSpanConfigs: advertiseKubernetesNetworks is true",),
            why=f"{name} allocates pod addresses by itself, which KubeSpan does not see: traffic goes where no pod is.",
            advice="set machine.network.kubespan.advertiseKubernetesNetworks to false",
            steps=(f"talosctl -n {case.asked(found[0])} edit mc",),
            after="no peer announces a pod network",
            certainty=Certainty.LIKELY,
            decide="Cilium's `ipam: kubernetes` takes the node's podCIDR, other modes do not",
            stands=True,
        )
