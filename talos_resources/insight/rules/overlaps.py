"""Networks that several nodes claim: only one gets what is sent there."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from talos_resources.insight.case import Case, limited
from talos_resources.insight.rules.registry import Rule, rule
from talos_resources.kubespan.prefixes import Range, cover, prefix_range
from talos_resources.model.finding import Finding, Severity
from talos_resources.model.net import AddrPort, IPAddress, IPPrefix, format_address, is_private

Claim = tuple[int, int, int]
"""First and last address of what a node claims, and its index."""


def _claims(case: Case) -> dict[int, list[Claim]]:
    """IP version → every network that a node announces, sorted."""
    found: dict[int, list[Claim]] = {4: [], 6: []}
    for index, affiliate in case.affiliate_of.items():
        hosts = [IPPrefix(address, address.max_prefixlen) for address in affiliate.addresses if address is not None]
        more = affiliate.kubespan.additional_addresses if affiliate.kubespan is not None else ()
        for prefix in {*hosts, *(prefix for prefix in more if prefix is not None and prefix.length is not None)}:
            found[prefix.address.version].append((*prefix_range(prefix), index))
    return {version: sorted(claims) for version, claims in found.items()}


def _overlaps(claims: list[Claim]) -> Iterator[tuple[Range, int, int]]:
    """What two nodes claim both, in one sweep: a claim is compared with those that reach into it."""
    active: list[Claim] = []
    for first, last, index in claims:
        active = [claim for claim in active if claim[1] >= first]
        for _, end, other in active:
            if other != index:
                yield (first, min(last, end)), other, index
        active.append((first, last, index))


@rule("overlapping-networks", "two nodes announce the same network", severity=Severity.ERROR, guide="KubeSpan, KubeSpanPeerSpecs")
def overlapping_networks(case: Case, this: Rule) -> Iterator[Finding]:
    """One finding for each pair of nodes; addresses of single hosts are `duplicate-address`."""
    common: dict[tuple[int, int], list[IPPrefix]] = {}
    for version, claims in _claims(case).items():
        for (first, last), one, other in _overlaps(claims):
            if first != last or _of_a_network(case, version, first, one, other):
                common.setdefault((min(one, other), max(one, other)), []).extend(cover(version, first, last))
    for (one, other), prefixes in common.items():
        yield this.found(
            f"{case.name(one)} and {case.name(other)} both announce {', '.join(map(str, prefixes[:4]))}",
            evidence=limited(_winners(case, one, other, prefixes)),
            cause="No two peers may share allowed IPs: the first by node id takes them, and the other's packets go to the wrong node.",
            advice="give each node a pod network of its own, or switch advertiseKubernetesNetworks off",
        )


def _of_a_network(case: Case, version: int, number: int, *indexes: int) -> bool:
    """Whether one of the nodes claims the address as part of a network rather than as its own."""
    address: IPAddress = (ipaddress.IPv4Address if version == 4 else ipaddress.IPv6Address)(number)
    return not all(address in case.affiliate_of[index].addresses for index in indexes)


def _winners(case: Case, one: int, other: int, prefixes: list[IPPrefix]) -> Iterator[str]:
    """Who has the first of the networks, on the nodes that know both."""
    first, last = prefix_range(prefixes[0])
    takers: dict[int, list[int]] = {}
    for observer in case.views:
        for index in (one, other):
            spec = case.spec(observer, index) if observer not in {one, other} else None
            for allowed in spec.allowed_ips if spec is not None else ():
                if allowed is None or allowed.length is None or allowed.address.version != prefixes[0].address.version:
                    continue
                low, high = prefix_range(allowed)
                if low <= first and last <= high:
                    takers.setdefault(index, []).append(observer)
    for taker, observers in takers.items():
        loser = other if taker == one else one
        yield f"{case.name(taker)} has {prefixes[0]} on {case.names(observers)}; {case.name(loser)} has lost it there"
    yield "each of the two routes it to the other, unless it is on one of its own links"


@rule(
    "tunnel-in-tunnel",
    "the endpoint of a peer lies in the networks of another peer",
    severity=Severity.WARNING,
    guide="KubeSpan, KubeSpanPeerSpecs",
)
def tunnel_in_tunnel(case: Case, this: Rule) -> Iterator[Finding]:
    """Small packets pass, full ones do not: 80 bytes are added twice."""
    claims = {version: [claim for claim in every if claim[0] != claim[1]] for version, every in _claims(case).items()}
    if not any(claims.values()):
        return
    found: dict[tuple[int, int], list[AddrPort]] = {}
    for node in case.nodes:
        used = {*case.announced(node.index), *case.seen_at(node.index)}
        for endpoint in sorted(used):
            number = int(endpoint.address)
            for first, last, owner in claims[endpoint.address.version]:
                if first <= number <= last and owner != node.index:
                    found.setdefault((node.index, owner), []).append(endpoint)
    for (index, owner), endpoints in found.items():
        inside = {endpoint.address for endpoint in endpoints}
        networks = [str(prefix) for prefix in _networks_of(case, owner) if any(address in prefix.network for address in inside)]
        yield this.found(
            f"the endpoint {endpoints[0]} of {case.name(index)} lies in {networks[0]}, which {case.name(owner)} announces",
            evidence=limited(
                [
                    f"endpoints: {', '.join(map(str, endpoints[:4]))}",
                    f"allowed IPs of {case.name(owner)}: {', '.join(networks)}",
                    "links to it may be up all the same: handshakes are small",
                ]
            ),
            cause="What is sent there enters the tunnel to the other peer: a tunnel in a tunnel, in which full packets do not fit.",
            advice=f"hide that endpoint by filters on {case.name(index)}, or do not announce the network on {case.name(owner)} "
            "(advertiseKubernetesNetworks; excludeAdvertisedNetworks from Talos 1.13 on)",
        )


def _networks_of(case: Case, index: int) -> list[IPPrefix]:
    kubespan = case.affiliate_of[index].kubespan
    return [prefix for prefix in kubespan.additional_addresses if prefix is not None and prefix.length] if kubespan is not None else []


@rule(
    "public-address-taken",
    "KubeSpan takes public addresses of nodes under Cilium",
    severity=Severity.WARNING,
    guide="KubeSpan, Configuration",
)
def public_address_taken(case: Case, this: Rule) -> Iterator[Finding]:
    """Traffic to a node's public address enters the mesh, and Cilium sees it come from elsewhere."""
    if not any(view.cni == "Cilium" for view in case.views.values()):
        return
    taken = {
        index: [address for address in affiliate.addresses if address is not None and not is_private(address)]
        for index, affiliate in case.affiliate_of.items()
    }
    taken = {index: addresses for index, addresses in taken.items() if addresses}
    if taken:
        yield this.found(
            f"KubeSpan takes over the public addresses of {case.names(taken)} under Cilium",
            evidence=limited(f"{case.name(index)}: {', '.join(map(format_address, addresses))}" for index, addresses in taken.items()),
            cause="Other nodes route everything to these addresses into the mesh, load balancers' and host ports' traffic too; "
            "Cilium expects it on the public interface and drops the answers.",
            advice="leave them out with excludeAdvertisedNetworks (from Talos 1.13 on), or keep them from routed-no-k8s "
            "(machine.kubelet.nodeIP.validSubnets does not)",
        )
