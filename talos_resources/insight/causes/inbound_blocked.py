"""A node or site that lets nothing in."""

from __future__ import annotations

from collections.abc import Iterator

from talos_resources.insight.facts.combined import Case
from talos_resources.insight.facts.evidence import Pair
from talos_resources.insight.facts.pairs import Way
from talos_resources.insight.hypothesis import Certainty, Hypothesis, Tier, cause, links
from talos_resources.insight.pairing import subject
from talos_resources.insight.words import limited, verb


@cause(
    "inbound-blocked",
    "a node or site lets nothing in on its port: whoever it can call is up",
    tier=Tier.COMMON,
    needs="addresses and endpoints of the nodes, and peer statuses",
    predicts="links with those that the node can call are up; with those that must call it, because they are behind NAT, never",
    against="somebody who must call it is up; or what is sent arrives",
    guide="KubeSpan",
)
def inbound_blocked(case: Case) -> Iterator[Hypothesis]:
    """What everybody can call is open; if only those that must call in fail, the common end is closed."""
    closed: dict[int, list[Pair]] = {}
    for index in sorted({index for pair in case.pairs.faulty for index in pair}):
        pairs = _failing_callers(case, index)
        if pairs:
            closed[index] = pairs
    groups: dict[object, list[int]] = {}
    for index in closed:
        groups.setdefault(case.places.site(index) or index, []).append(index)
    callers = {
        place: {index for each in indexes for pair in closed[each] for index in pair} - set(indexes) for place, indexes in groups.items()
    }
    for place, indexes in groups.items():
        if any(callers[place] == others for other, others in callers.items() if other != place):
            continue  # the same callers fail at several places: what these have in common is the callers' end
        yield _closed(case, indexes, sorted({pair for index in indexes for pair in closed[index]}))


def _closed(case: Case, indexes: list[int], pairs: list[Pair]) -> Hypothesis:
    names, many = case.names(indexes), len(indexes)
    where = subject(case, indexes[0] if many == 1 and len(pairs) > 1 else None, pairs)
    return Hypothesis(
        title=f"{names} {verb(many, 'lets', 'let')} nothing in on UDP 51820: {where} {case.pairs.down_for(pairs)}",
        explains=links(pairs),
        evidence=lambda: limited([*_calls(case, indexes, pairs), *case.pairs.attempts(pairs)]),
        why=f"A firewall in front of {names} lets answers in, but no first packet: whom it can call is up, who must call it is not.",
        advice=f"allow UDP 51820 in at {names}",
        steps=(f"talosctl -n {case.asked(indexes[0])} pcap -i eth0 --bpf-filter 'udp port 51820'   # nothing of the callers arrives",),
        after="the first handshakes of the callers are completed within 30 s",
        certainty=Certainty.LIKELY if len(pairs) > 1 else Certainty.POSSIBLE,
        decide=f"a packet capture at {case.name(indexes[0])}: if what the callers send arrives, it is not the firewall in front of it",
    )


def _calls(case: Case, indexes: list[int], pairs: list[Pair]) -> Iterator[str]:
    """Who must call whom, and which calls work."""
    callers = sorted({index for pair in pairs for index in pair} - set(indexes))
    be = verb(len(callers), "is", "are")
    yield f"{case.names(callers)} {be} behind NAT and must call {case.names(indexes)}; nothing arrives there"
    for index, reached in [*((each, _others_called(case, each)) for each in callers), *((each, _called(case, each)) for each in indexes)]:
        if reached:
            yield f"{case.name(index)} has called {case.names(reached)}, which works"


def _failing_callers(case: Case, index: int) -> list[Pair]:
    """The dead links with all those that must call a node, if there is nobody that could."""
    failing = [
        pair
        for pair in sorted(case.pairs.of(index))
        for other in pair
        if other != index
        and _must_call(case, other, index)
        and _others_called(case, other)
        and case.pairs.way(other, index) is not Way.ARRIVES
    ]
    if not failing or not _called(case, index) or (len(failing) == 1 and case.pairs.ever(failing[0])):
        return []
    callers = (node.index for node in case.nodes if node.index != index and case.places.is_inside(node.index))
    return [] if any(_must_call(case, other, index) and case.pairs.is_alive(index, other) for other in callers) else failing


def _must_call(case: Case, caller: int, index: int) -> bool:
    """Whether only one of two can begin."""
    places = case.places
    return caller in case.life.on and places.is_inside(caller) and not places.usable(index, caller) and bool(places.usable(caller, index))


def _others_called(case: Case, caller: int) -> list[int]:
    """Others that a node behind NAT had to call, and has a link to."""
    return [
        other
        for other in case.life.fresh
        if other != caller and case.is_up(caller, other) and not case.places.usable(other, caller) and case.places.usable(caller, other)
    ]


def _called(case: Case, index: int) -> list[int]:
    """Whom a node can call and has a link to."""
    return [other for other in case.life.fresh if other != index and case.is_up(index, other) and case.places.usable(index, other)]
