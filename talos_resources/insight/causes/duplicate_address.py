"""Two nodes that announce one address."""

from __future__ import annotations

from collections.abc import Iterator

from talos_resources.insight.causes.stale_affiliate import former_selves
from talos_resources.insight.facts.combined import Case
from talos_resources.insight.hypothesis import SPECS_GUIDE, Certainty, Hypothesis, Tier, cause, links
from talos_resources.insight.words import limited
from talos_resources.model.net import IPAddress, format_address
from talos_resources.resources import Affiliate


@cause(
    "duplicate-address",
    "two nodes have the same address",
    tier=Tier.CONFIGURATION,
    needs="Affiliates",
    predicts="the address is among the allowed IPs of one of the peers only",
    against="one of them is the former self of the other",
    guide=SPECS_GUIDE,
)
def duplicate_address(case: Case) -> Iterator[Hypothesis]:
    """Only the first by node id gets what is sent there."""
    stale = {case.nodes[index].node_id for index in case.once(former_selves)}
    holders: dict[IPAddress, list[Affiliate]] = {}
    for affiliate in case.affiliates.values():
        if affiliate.node_id in stale:
            continue
        mesh = (affiliate.kubespan.address,) if affiliate.kubespan is not None else ()
        for address in {address for address in (*affiliate.addresses, *mesh) if address is not None}:
            holders.setdefault(address, []).append(affiliate)
    together: dict[tuple[str, ...], list[IPAddress]] = {}
    for address, several in holders.items():
        if len({each.node_id for each in several}) > 1:
            together.setdefault(tuple(sorted({_name(each) for each in several})), []).append(address)
    meshes = {affiliate.kubespan.address for affiliate in case.affiliates.values() if affiliate.kubespan is not None}
    for names, addresses in together.items():
        if len(names) < 2:
            continue  # of one name: `duplicate-label` says it
        of_mesh = [address for address in addresses if address in meshes]
        holding = {node.index for node in case.nodes if set(addresses) & set(node.addresses) and len(node.addresses) == 1}
        yield Hypothesis(
            title=f"{', '.join(names[:6])} have the same address {', '.join(map(format_address, addresses[:4]))}",
            explains=links(pair for pair in case.pairs.faulty if not holding.isdisjoint(pair)),
            evidence=lambda names=names, addresses=addresses: limited(  # type: ignore[misc]  # bound now, called later
                f"{format_address(address)} is announced by {', '.join(names[:6])}" for address in addresses
            ),
            why="The address in the mesh is made from the MAC address: two machines, usually clones of one VM, have the same."
            if of_mesh
            else "KubeSpan routes an address to one peer only, the first by node id; the others cannot be reached at it.",
            advice="give one of the machines another MAC address"
            if of_mesh
            else "leave it out of what is announced, if it is a virtual or anycast address "
            "(machine.network.kubespan.filters.excludeAdvertisedNetworks from Talos 1.13 on); otherwise give one of them another address",
            steps=(f"talosctl -n NODE get {'hardwareaddresses' if of_mesh else 'nodeaddresses'},affiliates",),
            after="no two peers have the address among their endpoints or addresses",
            certainty=Certainty.CERTAIN,
            stands=True,
        )


def _name(affiliate: Affiliate) -> str:
    return affiliate.nodename or affiliate.hostname or affiliate.node_id[:12]
