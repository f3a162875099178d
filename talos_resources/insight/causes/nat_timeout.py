"""A NAT that forgets its mapping."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from talos_resources.insight.facts.combined import Case
from talos_resources.insight.facts.evidence import S_NS
from talos_resources.insight.hypothesis import STATUSES_GUIDE, Certainty, Hypothesis, Tier, cause, links
from talos_resources.insight.words import duration, limited, middle, some
from talos_resources.kubespan.constants import KEEPALIVE_S
from talos_resources.model.net import AddrPort
from talos_resources.model.timestamp import Timestamp

OFTEN = 4
"""A router that restarts, or a provider that changes the address, changes it once."""
RHYTHM_S = 900.0


@cause(
    "nat-timeout",
    "a NAT forgets its mapping between keepalives: outer ports keep changing (recordings)",
    tier=Tier.COMMON,
    needs="a recording of nodes that see the one behind NAT",
    predicts="others see the node at one address and ever new ports, all at the same moments",
    against="the ports differ by observer but stay: then it is a symmetric NAT",
    guide=STATUSES_GUIDE,
)
def nat_timeout(case: Case) -> Iterator[Hypothesis]:
    """Each time the mapping is gone, the next packet from inside makes another one."""
    for peer, moves in case.once(port_moves).items():
        observers = {observer: times for observer, times in moves.items() if len(times) >= OFTEN}
        if not observers:
            continue
        times = max(observers.values(), key=len)
        gaps = [(later[0] - earlier[0]) / S_NS for earlier, later in itertools.pairwise(times)]
        rhythm = middle(gaps)
        if rhythm > RHYTHM_S:
            continue
        name = case.name(peer)
        yield Hypothesis(
            title=f"{name}'s router forgets its mapping: others have seen {some(len(times), 'other port', 'other ports')} of it in "
            f"{duration((times[-1][0] - times[0][0]) / S_NS)}, a new one about every {duration(rhythm)}",
            explains=links(case.pairs.of(peer)),
            evidence=lambda observers=observers: limited(  # type: ignore[misc]  # bound now, called later
                f"{case.name(observer)} saw it at {', '.join(str(at) for _, at in times[-4:])}" for observer, times in observers.items()
            ),
            why=f"The router drops an idle UDP mapping sooner than the next keepalive comes ({KEEPALIVE_S} s), or limits its "
            f"lifetime: until the node "
            "sends again, nobody reaches it, and what others shared of its ports is old.",
            advice=f"raise the UDP timeout of {name}'s router to more than a minute, or forward UDP 51820 to the node",
            steps=(f"talosctl -n {case.asked(next(iter(observers)))} get kubespanpeerstatuses -w",),
            after="the port at which others see the node stays the same",
            certainty=Certainty.LIKELY,
            decide="the UDP timeout in the router's settings",
            stands=True,
        )


def port_moves(case: Case) -> dict[int, dict[int, list[tuple[Timestamp, AddrPort]]]]:
    """Peer → observer → when it was seen at another port of the same address."""
    past = case.snapshot.past
    found: dict[int, dict[int, list[tuple[Timestamp, AddrPort]]]] = {}
    if past is None:
        return found
    index_of = {view.node: index for index, view in case.views.items()}
    for (node, key), link in past.links.items():
        observer, peer = index_of.get(node), case.index_of.get(key)
        if observer is None or peer is None:
            continue
        told = set(case.targets(observer, peer) or ())
        seen = [(at, endpoint) for at, endpoint in link.endpoints if endpoint not in told]
        moves = [later for earlier, later in itertools.pairwise(seen) if earlier[1].address == later[1].address and earlier[1] != later[1]]
        if moves:
            found.setdefault(peer, {})[observer] = moves
    return found
