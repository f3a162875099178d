"""Networks that several nodes claim: only one gets what is sent there."""

from __future__ import annotations

from collections.abc import Iterator

from talos_resources.insight.announced_networks import claims, networks_of, overlaps
from talos_resources.insight.causes.stale_affiliate import former_selves
from talos_resources.insight.facts.combined import Case
from talos_resources.insight.facts.evidence import Pair
from talos_resources.insight.hypothesis import SPECS_GUIDE, Certainty, Hypothesis, Tier, cause
from talos_resources.insight.pairing import ordered
from talos_resources.insight.words import limited, verb
from talos_resources.kubespan.prefixes import cover, prefix_range
from talos_resources.model.net import IPPrefix


@cause(
    "overlapping-networks",
    "two nodes announce the same network",
    tier=Tier.STATE,
    needs="Affiliates",
    predicts="the network is among the allowed IPs of one of the peers only",
    against="one of them is the former self of the other",
    guide=SPECS_GUIDE,
)
def overlapping_networks(case: Case) -> Iterator[Hypothesis]:
    """One finding for each network; addresses of single hosts are `duplicate-address`."""
    inside: dict[tuple[int, str], list[tuple[int, IPPrefix]]] = {}
    both: dict[str, set[int]] = {}
    for (one, other), prefixes in case.once(common_networks).items():
        for prefix in prefixes:
            owner, guest = (one, other) if _is_of(case, one, prefix) else (other, one)
            if _is_of(case, guest, prefix):
                both.setdefault(str(prefix), set()).update((one, other))
            else:
                inside.setdefault((owner, _around(case, owner, prefix)), []).append((guest, prefix))
    for (owner, network), guests in inside.items():
        yield _guests(case, owner, network, guests)
    same: dict[tuple[int, ...], list[str]] = {}
    for network, claimants in both.items():
        same.setdefault(tuple(sorted(claimants)), []).append(network)
    for nodes, networks in same.items():
        yield _claimants(case, nodes, networks)


def _guests(case: Case, owner: int, network: str, guests: list[tuple[int, IPPrefix]]) -> Hypothesis:
    who = sorted({guest for guest, _ in guests})
    return Hypothesis(
        title=f"{case.name(owner)} announces {network}, in which {case.names(who)} {verb(len(who), 'itself is', 'are')}",
        evidence=lambda: limited(
            [
                *(f"{case.name(guest)} has {prefix}" for guest, prefix in guests),
                *_given(case, (owner, *who), guests[0][1]),
                *_winners(case, (owner, *who), guests[0][1]),
            ]
        ),
        why=f"{case.names(who)} {verb(len(who), 'sends', 'send')} what is for {verb(len(who), 'its', 'their')} own network and router into "
        f"the tunnel, and the others send what is for {verb(len(who), 'it', 'them')} to {case.name(owner)}.",
        advice=f"do not announce that network on {case.name(owner)} (advertiseKubernetesNetworks; excludeAdvertisedNetworks from Talos "
        "1.13 on), or move one of the two networks",
        steps=(f"talosctl -n {case.asked(owner)} get affiliates,nodestatus -o yaml",),
        after="each network is among the allowedIPs of one peer, everywhere the same",
        certainty=Certainty.CERTAIN,
        stands=True,
    )


def _claimants(case: Case, nodes: tuple[int, ...], networks: list[str]) -> Hypothesis:
    return Hypothesis(
        title=f"{' and '.join(map(case.name, nodes)) if len(nodes) == 2 else case.names(nodes)} "
        f"{'both' if len(nodes) == 2 else 'all'} announce {', '.join(networks[:4])}",
        evidence=lambda: limited(
            [
                *_given(case, nodes, IPPrefix.parse(networks[0])),
                *_winners(case, nodes, IPPrefix.parse(networks[0])),
                "each of them routes it to another one",
            ]
        ),
        why="No two peers may share allowed IPs: the first by node id takes them, and the other's packets go to the wrong node.",
        advice="give each node a pod network of its own, or switch advertiseKubernetesNetworks off",
        steps=(f"talosctl -n {case.asked(nodes[0])} get affiliates,nodestatus -o yaml",),
        after="each network is among the allowedIPs of one peer, everywhere the same",
        certainty=Certainty.CERTAIN,
        stands=True,
    )


def common_networks(case: Case) -> dict[Pair, list[IPPrefix]]:
    """Pairs of nodes → what both claim, where it is a network of at least one of them."""
    stale = case.once(former_selves)
    common: dict[Pair, list[IPPrefix]] = {}
    for version, several in claims(case).items():
        for (first, last), one, other in overlaps(several):
            if one in stale or other in stale:
                continue
            prefixes = list(cover(version, first, last))
            if first != last or any(_is_of(case, index, prefixes[0]) for index in (one, other)):
                common.setdefault(ordered(one, other), []).extend(prefixes)
    return common


def _is_of(case: Case, index: int, prefix: IPPrefix) -> bool:
    """Whether a node claims this as part of a network rather than as an address of its own."""
    return any(_holds(network, prefix) for network in networks_of(case, index))


def _holds(network: IPPrefix, prefix: IPPrefix) -> bool:
    if network.address.version != prefix.address.version:
        return False
    (low, high), (first, last) = prefix_range(network), prefix_range(prefix)
    return low <= first and last <= high


def _around(case: Case, owner: int, prefix: IPPrefix) -> str:
    return next((str(network) for network in networks_of(case, owner) if _holds(network, prefix)), str(prefix))


def _given(case: Case, nodes: tuple[int, ...], prefix: IPPrefix) -> Iterator[str]:
    """To whom of them Kubernetes gave a network for pods."""
    given = {index: view.pods for index in nodes if (view := case.views.get(index)) is not None and view.pods}
    owners = [index for index, networks in given.items() if any(_holds(network, prefix) for network in networks)]
    if owners:
        yield f"Kubernetes gave {prefix} to {case.names(owners)}"
    for index, networks in given.items():
        if owners and index not in owners:
            yield f"Kubernetes gave {', '.join(map(str, networks))} to {case.name(index)}"


def _winners(case: Case, nodes: tuple[int, ...], prefix: IPPrefix) -> Iterator[str]:
    """Who of several has a network, on the nodes that know them."""
    takers: dict[int, list[int]] = {}
    for observer in case.views:
        for index in nodes:
            spec = case.spec(observer, index) if observer not in nodes else None
            for allowed in spec.allowed_ips if spec is not None else ():
                if allowed is not None and allowed.length is not None and _holds(allowed, prefix):
                    takers.setdefault(index, []).append(observer)
    for taker, observers in takers.items():
        losers = case.names(index for index in nodes if index != taker)
        yield f"{case.name(taker)} has {prefix} on {case.names(observers)}; {losers} {'has' if len(nodes) == 2 else 'have'} lost it there"
