"""Links that do not come up, or only in one direction."""

from __future__ import annotations

from collections.abc import Iterator

from talos_resources.insight.case import Case, Pair, clock, duration, limited
from talos_resources.insight.mesh import LinkState
from talos_resources.insight.rules.causes import (
    Cause,
    attempts,
    by_cause,
    hidden_endpoints,
    is_hidden,
    last_handshake,
    neighbours,
    own_addresses,
    recovered_neighbours,
    targets,
)
from talos_resources.insight.rules.registry import Rule, rule
from talos_resources.model.finding import Finding, Severity
from talos_resources.model.net import format_address, is_private
from talos_resources.model.timestamp import Timestamp

CONFIGURATION = "KubeSpan, Configuration"
STATUSES = "KubeSpan, KubeSpanPeerStatuses"
OBSERVED = "KubeSpan, KubeSpanEndpoints"


def _groups(pairs: list[Pair]) -> Iterator[tuple[int | None, list[Pair]]]:
    """Pairs by the node that most of them share, so that one cause is one finding; None for a pair alone."""
    others: dict[int, set[int]] = {}
    for here, there in pairs:
        others.setdefault(here, set()).add(there)
        others.setdefault(there, set()).add(here)
    while others:
        most = max(others, key=lambda index: (len(others[index]), index))
        mine = others.pop(most)
        for index in mine:
            others[index].discard(most)
            if not others[index]:
                del others[index]
        if mine:
            yield (most if len(mine) > 1 else None), [(min(most, index), max(most, index)) for index in sorted(mine)]


def _clusters(pairs: list[Pair]) -> Iterator[list[Pair]]:
    """Pairs that hang together through common nodes: they have the same cause."""
    leader: dict[int, int] = {}

    def find(index: int) -> int:
        while leader.setdefault(index, index) != index:
            leader[index] = index = leader[leader[index]]
        return index

    for here, there in pairs:
        leader[find(here)] = find(there)
    clusters: dict[int, list[Pair]] = {}
    for pair in pairs:
        clusters.setdefault(find(pair[0]), []).append(pair)
    yield from clusters.values()


def _subject(case: Case, shared: int | None, pairs: list[Pair]) -> str:
    if len(pairs) == 1:
        return case.pair_name(pairs[0])
    if shared is None:
        return f"{case.names(index for pair in pairs for index in pair)} ({len(pairs)} pairs)"
    return f"{case.name(shared)} ↔ {case.names(index for pair in pairs for index in pair if index != shared)}"


def _tries(case: Case, pairs: list[Pair]) -> Iterator[str]:
    for here, there in pairs:
        for observer, peer in ((here, there), (there, here)):
            yield from attempts(case, observer, peer)


def _down_for(case: Case, pairs: list[Pair]) -> str:
    last = max((last_handshake(case, pair) for pair in pairs), default=0)
    if last <= 0:
        return "has never been up"
    moment = Timestamp(last)
    return f"has been down for {duration((case.reference - moment) / 1e9)} (last handshake {clock(moment)})"


@rule("no-endpoints", "a node announces no endpoint at which others could reach it", severity=Severity.ERROR, guide=CONFIGURATION)
def no_endpoints(case: Case, this: Rule) -> Iterator[Finding]:
    """Only negative filters, or an empty list, hide everything."""
    for shared, pairs in _groups(by_cause(case).get(Cause.NO_ENDPOINTS, [])):
        ends = sorted({index for pair in pairs for index in pair if not case.announced(index)})
        filters = [
            f"filters of {case.name(index)}: {list(view.config.endpoint_filters)}"
            for index in ends
            if (view := case.views.get(index)) is not None and view.config is not None and view.config.endpoint_filters is not None
        ]
        yield this.found(
            f"{_subject(case, shared, pairs)}: neither end announces an endpoint",
            evidence=limited([*(f"{case.name(index)} announces none" for index in ends), *filters]),
            cause="Nobody can begin: filters that only hide (`!…`), or an empty list, leave nothing over.",
            advice="put 0.0.0.0/0 and ::/0 in front of the `!` entries of machine.network.kubespan.filters.endpoints",
        )


@rule("no-common-family", "two nodes have no address family in common", severity=Severity.ERROR, guide=CONFIGURATION)
def no_common_family(case: Case, this: Rule) -> Iterator[Finding]:
    """One has IPv4 only, the other announces IPv6 only."""
    for pairs in _clusters(by_cause(case).get(Cause.NO_FAMILY, [])):
        ends = sorted({index for pair in pairs for index in pair})
        yield this.found(
            f"{_subject(case, None, pairs)}: no address family in common",
            evidence=limited(
                f"{case.name(index)} has {', '.join(map(format_address, own_addresses(case, index)))} "
                f"and announces {', '.join(map(str, case.announced(index)))}"
                for index in ends
            ),
            cause="WireGuard cannot send from an IPv4-only node to an IPv6 endpoint, or the other way round.",
            advice="give one of them an address of the other family, or do not hide the endpoints of that family by filters",
        )


@rule("filtered-endpoint", "a filter hides the endpoint at which a node can be reached", severity=Severity.ERROR, guide=CONFIGURATION)
def filtered_endpoint(case: Case, this: Rule) -> Iterator[Finding]:
    """Others reach the node at an endpoint that it does not announce."""
    pairs = by_cause(case).get(Cause.FILTERED, [])
    for index in sorted({index for pair in pairs for index in pair}):
        hidden = hidden_endpoints(case, index)
        mine = [pair for pair in pairs if index in pair]
        if not hidden or not mine:
            continue
        others = [other for pair in mine for other in pair if other != index]
        reach = [case.name(other) for other in case.fresh if other != index and case.mesh.state(other, index) is LinkState.UP]
        told = ", ".join(map(str, case.announced(index))) or "nothing"
        view = case.views.get(index)
        filters = list(view.config.endpoint_filters or ()) if view is not None and view.config is not None else None
        yield this.found(
            f"{_subject(case, index if len(mine) > 1 else None, mine)} {_down_for(case, mine)}: a filter hides an endpoint",
            evidence=limited(
                [
                    f"{case.names(others)} can only try {told}, all that {case.name(index)} announces",
                    f"{', '.join(reach[:4])}{' and others' if len(reach) > 4 else ''} reach it at {', '.join(map(str, hidden[:4]))}",
                    *([f"filters of {case.name(index)}: {filters}"] if filters is not None else []),
                    *_tries(case, mine),
                ]
            ),
            cause=f"{case.name(index)} sits behind NAT and its filters hide the public endpoint.",
            advice=f"on {case.name(index)} let the public endpoint through machine.network.kubespan.filters.endpoints, "
            "or set harvestExtraEndpoints on all nodes, so that what others see is shared",
        )


@rule("both-behind-nat", "two nodes behind NAT cannot reach each other", severity=Severity.ERROR, guide=OBSERVED)
def both_behind_nat(case: Case, this: Rule) -> Iterator[Finding]:
    """Each tries addresses that only look public, for ever."""
    for pairs in _clusters(by_cause(case).get(Cause.BOTH_HIDDEN, [])):
        ends = sorted({index for pair in pairs for index in pair})
        harvests = [view.config.harvest_extra_endpoints for view in case.fresh.values() if view.config is not None]
        shares = bool(harvests) and all(harvests)
        symmetric = [index for index in ends if len({endpoint.port for endpoint in case.seen_at(index)}) > 1]
        yield this.found(
            f"{_subject(case, None, pairs)} {_down_for(case, pairs)}: {'both' if len(pairs) == 1 else 'all'} are behind NAT",
            evidence=limited([*_outer(case, ends), *_ports(case, symmetric), *_tries(case, pairs)]),
            cause="Symmetric NAT: each destination sees another port, so what others share does not help these two."
            if symmetric
            else "Each waits for the other: what they announce is private or the NAT's outer address, whose port 51820 leads nowhere.",
            advice="forward UDP 51820 to one of them and announce that endpoint (KubeSpanEndpointsConfig, extraAnnouncedEndpoints), "
            "or give one a public address"
            if shares or symmetric
            else "set machine.network.kubespan.harvestExtraEndpoints on all nodes, so that the ports that others see are shared; "
            "or forward UDP 51820 to one of them",
        )


def _outer(case: Case, ends: list[int]) -> Iterator[str]:
    """Announced endpoints that no node has on an interface."""
    on_links = {address for index in range(len(case.nodes)) for address in own_addresses(case, index)}
    for index in ends:
        outer = [endpoint for endpoint in case.announced(index) if endpoint.address not in on_links]
        if outer:
            yield f"{case.name(index)} announces {', '.join(map(str, outer[:4]))}, an external address that no node has on an interface"


def _ports(case: Case, ends: list[int]) -> Iterator[str]:
    for index in ends:
        seen = sorted(case.seen_at(index))
        yield f"others see {case.name(index)} at different ports: {', '.join(map(str, seen[:4]))}"


@rule("one-way-link", "one end of a link sees it up, the other does not", severity=Severity.ERROR, guide=STATUSES)
def one_way_link(case: Case, this: Rule) -> Iterator[Finding]:
    """NAT or a firewall on one side; which side follows from who receives."""
    for shared, pairs in _groups(by_cause(case).get(Cause.ONE_WAY, [])):
        ways = [(here, there) if case.mesh.state(here, there) is LinkState.UP else (there, here) for here, there in pairs]
        bypass = sorted(
            {index for way in ways for index in way if (view := case.views.get(index)) and view.config and not view.config.force_routing}
        )
        deaf = case.names(there for _, there in ways)
        risk = f" {case.names(bypass)} allows bypass (allowDownPeerBypass): one direction now goes unencrypted." if bypass else ""
        yield this.found(
            f"{_subject(case, shared, pairs)} is up in one direction only: {deaf} does not see it up",
            evidence=limited(line for here, there in ways for line in _both_ends(case, here, there)),
            cause=f"What is sent towards {deaf} gets lost, at its NAT or its firewall.{risk}",
            advice=f"allow UDP 51820 inbound at {deaf} and keep the NAT's mapping alive; if a node has just restarted, wait 5 m",
        )


def _both_ends(case: Case, here: int, there: int) -> Iterator[str]:
    for observer, peer in ((here, there), (there, here)):
        status = case.status(observer, peer)
        if status is not None:
            shake = "never" if status.last_handshake_time.is_zero else clock(status.last_handshake_time)
            yield (
                f"{case.name(observer)} sees {case.name(peer)} {status.state} at {status.endpoint}: handshake {shake}, "
                f"{status.receive_bytes} bytes received, {status.transmit_bytes} sent"
            )


@rule("not-recovered", "a link stays down after an outage while others of the same site recovered", severity=Severity.ERROR, guide=STATUSES)
def not_recovered(case: Case, this: Rule) -> Iterator[Finding]:
    """Usually a stale entry in a NAT's or a firewall's connection table."""
    for shared, pairs in _groups(by_cause(case).get(Cause.NOT_RECOVERED, [])):
        came_back = dict.fromkeys(
            f"{case.name(here)} ↔ {case.name(there)}" for pair in pairs for here, there in recovered_neighbours(case, pair)
        )
        yield this.found(
            f"{_subject(case, shared, pairs)} {_down_for(case, pairs)} and does not recover, others between the same sites did",
            evidence=limited([f"came back: {', '.join(list(came_back)[:4])}", *_tries(case, pairs)]),
            cause="A NAT or firewall on the way keeps an old entry for this pair, which its keepalives refresh for ever.",
            advice="clear that entry (restart the router or its conntrack), or let a node change its source: reboot one of the two",
        )


@rule("path-blocked", "two nodes lost their link although both reach others", severity=Severity.ERROR, guide=STATUSES)
def path_blocked(case: Case, this: Rule) -> Iterator[Finding]:
    """There was a handshake once, so endpoints and keys are right."""
    for shared, pairs in _groups(by_cause(case).get(Cause.BLOCKED, [])):
        ways = [_lost_way(case, pair) for pair in pairs]
        known = [way for way in ways if way is not None]
        if len(known) == len(pairs):
            senders, receivers = case.names({way[0] for way in known}), case.names({way[1] for way in known})
            cause = f"What {senders} sends does not reach {receivers}, while the other direction works: a firewall or a NAT drops it."
            advice = f"allow UDP 51820 out at {senders} and in at {receivers}"
        else:
            cause = "Something between these two drops packets, in one direction at least: a firewall, a route, a NAT that forgot them."
            advice = "check firewalls and routes between them for UDP 51820 in both directions"
        yield this.found(
            f"{_subject(case, shared, pairs)} {_down_for(case, pairs)} while both reach others",
            evidence=limited([*_near(case, pairs), *_arrived(case, known), *_single(case, pairs), *_tries(case, pairs)]),
            cause=cause,
            advice=advice,
        )


ONE_WAY_BYTES = 2048


def _lost_way(case: Case, pair: Pair) -> Pair | None:
    """From whom to whom packets get lost, where those of the other direction arrive; None if that cannot be told."""
    mine, theirs = case.status(*pair), case.status(*pair[::-1])
    if mine is None or theirs is None:
        return None
    forth, back = mine.transmit_bytes - theirs.receive_bytes, theirs.transmit_bytes - mine.receive_bytes
    if max(forth, back) < ONE_WAY_BYTES or 4 * abs(min(forth, back)) > max(forth, back):
        return None
    return pair if forth > back else pair[::-1]


def _arrived(case: Case, ways: list[Pair]) -> Iterator[str]:
    for sender, receiver in ways:
        for source, target in ((sender, receiver), (receiver, sender)):
            sent, got = case.status(source, target), case.status(target, source)
            if sent is not None and got is not None:
                yield f"{case.name(source)} → {case.name(target)}: {got.receive_bytes} of {sent.transmit_bytes} bytes sent arrived"


@rule("endpoint-unreachable", "no endpoint of a peer answers", severity=Severity.ERROR, guide=STATUSES)
def endpoint_unreachable(case: Case, this: Rule) -> Iterator[Finding]:
    """There has never been a handshake: with a single endpoint, or with all of them tried in turn."""
    for shared, pairs in _groups(by_cause(case).get(Cause.UNREACHABLE, [])):
        single = all(len(targets(case, *way)) == 1 for pair in pairs for way in (pair, pair[::-1]) if case.views.get(way[0]))
        yield this.found(
            f"{_subject(case, shared, pairs)} {_down_for(case, pairs)}: {'the only endpoint' if single else 'no endpoint'} "
            f"{'does not answer' if single else 'answers'}",
            evidence=limited([*_near(case, pairs), *_inner(case, pairs), *_tries(case, pairs)]),
            cause="With a single endpoint there is nothing else to try; a firewall drops UDP 51820, or nobody listens there."
            if single
            else "Talos goes through them for ever, a new one every 30 s: a firewall drops UDP 51820, or nobody listens.",
            advice="allow UDP 51820 between them, or announce one that can be reached (extraAnnouncedEndpoints, harvestExtraEndpoints)",
        )


def _near(case: Case, pairs: list[Pair]) -> Iterator[str]:
    """Who of the same networks is better off."""
    for here, there in pairs:
        near = [other for other in neighbours(case, there) if other != here and case.mesh.state(here, other) is LinkState.UP]
        if near:
            yield f"{case.name(here)} reaches {case.names(near)} in the same network as {case.name(there)}"


def _single(case: Case, pairs: list[Pair]) -> Iterator[str]:
    for pair in pairs:
        for observer, peer in (pair, pair[::-1]):
            ways = targets(case, observer, peer)
            if len(ways) == 1 and observer in case.views:
                yield f"{ways[0]} is the only endpoint of {case.name(peer)}, so {case.name(observer)} has nothing else to try"


def _inner(case: Case, pairs: list[Pair]) -> Iterator[str]:
    for index in sorted({index for pair in pairs for index in pair}):
        endpoints = case.announced(index)
        observers = [other for pair in pairs if index in pair for other in pair if other != index]
        if endpoints and all(is_private(endpoint.address) for endpoint in endpoints) and any(is_hidden(case, o, index) for o in observers):
            yield f"{case.name(index)} announces private endpoints only, which mean nothing outside of its network"
