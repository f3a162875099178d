"""Public addresses that KubeSpan takes under Cilium."""

from __future__ import annotations

from collections.abc import Iterator

from talos_resources.insight.facts.combined import Case
from talos_resources.insight.hypothesis import CONFIGURATION_GUIDE, Certainty, Hypothesis, Tier, cause
from talos_resources.insight.words import limited
from talos_resources.model.finding import Severity
from talos_resources.model.net import IPAddress, format_address, is_private


@cause(
    "public-address-taken",
    "KubeSpan takes public addresses of nodes under Cilium",
    severity=Severity.WARNING,
    tier=Tier.STATE,
    needs="Affiliates, and links or manifests that show Cilium",
    predicts="traffic to a node's public address enters the mesh, and Cilium drops the answers",
    against="the addresses are left out by excludeAdvertisedNetworks",
    guide=CONFIGURATION_GUIDE,
)
def public_address_taken(case: Case) -> Iterator[Hypothesis]:
    """Traffic to a node's public address enters the mesh, and Cilium sees it come from elsewhere."""
    if not any(view.cni == "Cilium" for view in case.views.values()):
        return
    taken = {index: addresses for index in case.affiliate_of if (addresses := _public(case, index))}
    if taken:
        yield Hypothesis(
            title=f"KubeSpan takes over the public addresses of {case.names(taken)} under Cilium",
            evidence=lambda: limited(
                f"{case.name(index)}: {', '.join(map(format_address, addresses))}" for index, addresses in taken.items()
            ),
            why="Other nodes route everything to these addresses into the mesh, load balancers' and host ports' traffic too; "
            "Cilium expects it on the public interface and drops the answers.",
            advice="leave them out with excludeAdvertisedNetworks (from Talos 1.13 on), or keep them from routed-no-k8s "
            "(machine.kubelet.nodeIP.validSubnets does not)",
            steps=(f"talosctl -n {case.asked(min(taken))} edit mc   # machine.network.kubespan.filters.excludeAdvertisedNetworks",),
            after="the public addresses are gone from allowedIPs of the peers",
            certainty=Certainty.LIKELY,
            decide="whether connections from node to node to a public address fail while others work",
            stands=True,
        )


def _public(case: Case, index: int) -> list[IPAddress]:
    affiliate = case.affiliate_of[index]
    excluded = (
        [prefix.network for prefix in affiliate.kubespan.exclude_advertised_networks if prefix is not None and prefix.length is not None]
        if affiliate.kubespan
        else []
    )
    return [
        address
        for address in affiliate.addresses
        if address is not None
        and not is_private(address)
        and not any(address.version == each.version and address in each for each in excluded)
    ]
