"""Endpoints that one node observed through address translation."""

from __future__ import annotations

from collections.abc import Iterator

from talos_resources.insight.facts.combined import Case
from talos_resources.insight.facts.evidence import Pair
from talos_resources.insight.hypothesis import OBSERVED_GUIDE, Certainty, Hypothesis, Tier, cause, links
from talos_resources.insight.words import limited, some
from talos_resources.model.finding import Severity
from talos_resources.model.net import AddrPort, IPAddress, format_address, is_private


@cause(
    "poisoned-endpoints",
    "endpoints that one node observed through address translation",
    tier=Tier.REACH,
    needs="where each node sees its peers, or KubeSpanEndpoints; and whether harvestExtraEndpoints shares them",
    predicts="one node sees several peers at one address, its gateway's, that is none of theirs; others try it in vain",
    against="other nodes see them there too: then it is the router of these peers",
    guide=OBSERVED_GUIDE,
)
def poisoned_endpoints(case: Case) -> Iterator[Hypothesis]:
    """Inbound packets whose source is rewritten make all peers look as if they were at the gateway."""
    for observer, address in sorted(_gateways(case).items()):
        poisoned = {at for at in case.once(all_targets) if at.address == address}
        shares = _shares(case, observer)
        if not poisoned and not shares:
            continue
        pairs = [pair for pair in case.pairs.faulty if observer not in pair and _tries(case, pair, address)]
        victims = sorted(index for index in range(len(case.nodes)) if _sees_at(case, observer, index, address))
        name = case.name(observer)
        yield Hypothesis(
            title=f"{name} sees {case.names(victims)} at {format_address(address)}, a gateway that translates, and shares these endpoints",
            explains=links(pairs),
            evidence=lambda pairs=pairs, poisoned=poisoned, victims=victims, address=address: limited(  # type: ignore[misc]  # bound now
                [
                    (
                        f"{format_address(address)} is no address of {some(len(victims), 'this peer', 'these peers')}, and nobody "
                        f"else sees them there"
                    ),
                    *([f"announced to all: {', '.join(map(str, sorted(poisoned)[:4]))}"] if poisoned else []),
                    *case.pairs.attempts(pairs),
                ]
            ),
            why="The source of what arrives there is rewritten (masquerading, a proxy), so the endpoints it observes lead to "
            "its own gateway; "
            "others try them in turn and lose time or links.",
            advice=f"switch harvestExtraEndpoints off on {name}, or do not translate the source of UDP 51820 in front of it",
            steps=(f"talosctl -n {case.asked(observer)} get kubespanendpoints", f"talosctl -n {case.asked(observer)} edit mc"),
            after=f"no peer spec has an endpoint at {format_address(address)} any more",
            certainty=Certainty.LIKELY,
            decide=f"`talosctl -n {case.asked(observer)} get routes` shows the gateway",
            stands=True,
            severity=None if pairs else Severity.WARNING,
        )


def all_targets(case: Case) -> frozenset[AddrPort]:
    """Every endpoint that anybody may try for anybody."""
    told = (at for index in range(len(case.nodes)) for at in case.announced(index) or ())
    heard = (
        at
        for view in case.life.fresh.values()
        for affiliate in view.affiliates
        if affiliate.spec.kubespan
        for at in affiliate.spec.kubespan.endpoints
    )
    known = (at for view in case.life.fresh.values() for spec in view.specs for at in spec.spec.endpoints)
    return frozenset(at for source in (told, heard, known) for at in source if at is not None)


def _gateways(case: Case) -> dict[int, IPAddress]:
    """Nodes → the address at which they alone see several peers that have it not."""
    sharing = [observer for observer in case.life.fresh if _shares(case, observer)]
    if not sharing:
        return {}
    own = [frozenset(case.places.own(node.index)) for node in case.nodes]
    found: dict[int, IPAddress] = {}
    for observer in sharing:
        counts: dict[IPAddress, set[int]] = {}
        for peer, at in _observed(case, observer):
            if at.address not in own[peer] and is_private(at.address):
                counts.setdefault(at.address, set()).add(peer)
        for address, peers in counts.items():
            if len(peers) > 1 and not _seen_by_others(case, observer, address):
                found[observer] = address
    return found


def _observed(case: Case, observer: int) -> Iterator[tuple[int, AddrPort]]:
    view = case.life.fresh[observer]
    by_node_id = {node.node_id: node.index for node in case.nodes if node.node_id} if view.endpoints else {}
    for endpoint in view.endpoints:
        if endpoint.spec.endpoint is not None and endpoint.spec.affiliate_id in by_node_id:
            yield by_node_id[endpoint.spec.affiliate_id], endpoint.spec.endpoint
    for status in view.statuses:
        if status.spec.endpoint is not None and status.spec.state.value == "up" and status.id in case.index_of:
            yield case.index_of[status.id], status.spec.endpoint


def _seen_by_others(case: Case, observer: int, address: IPAddress) -> bool:
    return any(at.address == address for other in case.life.fresh if other != observer for _, at in _observed(case, other))


def _sees_at(case: Case, observer: int, peer: int, address: IPAddress) -> bool:
    status = case.status(observer, peer)
    if status is not None and status.endpoint is not None and status.endpoint.address == address:
        return True
    node_id = case.nodes[peer].node_id
    return any(
        each.spec.affiliate_id == node_id and each.spec.endpoint is not None and each.spec.endpoint.address == address
        for each in case.life.fresh[observer].endpoints
    )


def _shares(case: Case, observer: int) -> bool:
    view = case.life.fresh[observer]
    return bool(view.endpoints) or (view.config is not None and view.config.harvest_extra_endpoints)


def _tries(case: Case, pair: Pair, address: IPAddress) -> bool:
    return any(at.address == address for way in (pair, pair[::-1]) for at in case.targets(*way) or ())
