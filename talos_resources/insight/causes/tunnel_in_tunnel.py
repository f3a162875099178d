"""A peer's endpoint inside another peer's networks."""

from __future__ import annotations

from collections.abc import Iterator

from talos_resources.insight.announced_networks import claims, networks_of
from talos_resources.insight.causes.overlapping_networks import common_networks
from talos_resources.insight.facts.combined import Case
from talos_resources.insight.facts.evidence import Pair
from talos_resources.insight.hypothesis import SPECS_GUIDE, Certainty, Hypothesis, Tier, cause
from talos_resources.insight.pairing import ordered
from talos_resources.insight.words import limited
from talos_resources.model.finding import Severity
from talos_resources.model.net import AddrPort


@cause(
    "tunnel-in-tunnel",
    "the endpoint of a peer lies in the networks of another peer",
    severity=Severity.WARNING,
    tier=Tier.STATE,
    needs="Affiliates with their networks, and the endpoints that are used",
    predicts="small packets pass, full ones do not: the overhead is added twice",
    against="the two overlap altogether: then that is the cause",
    guide=SPECS_GUIDE,
)
def tunnel_in_tunnel(case: Case) -> Iterator[Hypothesis]:
    """What is sent to the endpoint enters the tunnel to the other peer."""
    several = {version: [claim for claim in every if claim[0] != claim[1]] for version, every in claims(case).items()}
    if not any(several.values()):
        return
    overlapping = case.once(common_networks)
    found: dict[Pair, list[AddrPort]] = {}
    for node in case.nodes:
        for at in sorted({*(case.announced(node.index) or ()), *case.places.seen_at(node.index)}):
            number = int(at.address)
            for first, last, owner in several[at.address.version]:
                if first <= number <= last and owner != node.index and ordered(owner, node.index) not in overlapping:
                    found.setdefault((node.index, owner), []).append(at)
    for (index, owner), endpoints in found.items():
        inside = {at.address for at in endpoints}
        networks = [
            str(prefix)
            for prefix in networks_of(case, owner)
            if any(address.version == prefix.address.version and address in prefix.network for address in inside)
        ]
        yield Hypothesis(
            title=f"the endpoint {endpoints[0]} of {case.name(index)} lies in {networks[0] if networks else 'a network'}, which "
            f"{case.name(owner)} announces",
            evidence=lambda endpoints=endpoints, networks=networks, owner=owner: limited(  # type: ignore[misc]  # bound now, called later
                [
                    f"endpoints: {', '.join(map(str, endpoints[:4]))}",
                    f"allowed IPs of {case.name(owner)}: {', '.join(networks)}",
                    "links to it may be up all the same: handshakes are small",
                ]
            ),
            why="What is sent there enters the tunnel to the other peer: a tunnel in a tunnel, in which full packets do not fit.",
            advice=f"hide that endpoint by filters on {case.name(index)}, or do not announce the network on {case.name(owner)} "
            "(advertiseKubernetesNetworks; excludeAdvertisedNetworks from Talos 1.13 on)",
            steps=(f"talosctl -n {case.asked(owner)} get affiliates -o yaml",),
            after="no endpoint lies in the allowedIPs of another peer",
            certainty=Certainty.CERTAIN,
            stands=True,
        )
