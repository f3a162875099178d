"""Two nodes behind NAT."""

from __future__ import annotations

from collections.abc import Iterator

from talos_resources.insight.facts.combined import Case
from talos_resources.insight.facts.evidence import Pair
from talos_resources.insight.hypothesis import OBSERVED_GUIDE, Certainty, Hypothesis, Tier, cause, links
from talos_resources.insight.pairing import connected, ends, subject
from talos_resources.insight.words import limited


@cause(
    "both-behind-nat",
    "two nodes behind NAT cannot reach each other",
    tier=Tier.COMMON,
    needs="addresses and endpoints of both",
    predicts="neither gets a byte from the other, whatever is tried; both reach nodes that have public addresses",
    against="a forward leads to one of them: somebody else behind NAT reaches it",
    guide=OBSERVED_GUIDE,
)
def both_behind_nat(case: Case) -> Iterator[Hypothesis]:
    """Each tries addresses that mean nothing where it is, or whose port leads nowhere."""
    for pairs in connected(pair for pair in case.pairs.faulty if _fits(case, pair)):
        every = ends(pairs)
        harvests = [view.config.harvest_extra_endpoints for view in case.life.fresh.values() if view.config is not None]
        shares = bool(harvests) and all(harvests)
        symmetric = [index for index in every if _is_symmetric(case, index)]
        yield Hypothesis(
            title=f"{subject(case, None, pairs)} {case.pairs.down_for(pairs)}: {'both' if len(pairs) == 1 else 'all'} are behind NAT",
            explains=links(pairs),
            evidence=lambda every=every, symmetric=symmetric, pairs=pairs: limited(  # type: ignore[misc]  # bound now, called later
                [*_outer(case, every), *_ports(case, symmetric), *case.pairs.attempts(pairs)]
            ),
            why="Symmetric NAT: each destination sees another port, so that what others share does not help these two."
            if symmetric
            else "Each waits for the other: what they announce is private or the NAT's outer address, whose port 51820 leads nowhere.",
            advice="forward UDP 51820 to one of them and announce that endpoint (KubeSpanEndpointsConfig, extraAnnouncedEndpoints), "
            "or give one a public address"
            if shares or symmetric
            else "set machine.network.kubespan.harvestExtraEndpoints on all nodes, so that the ports that others see are shared; "
            "or forward UDP 51820 to one of them",
            steps=(
                f"talosctl -n {case.asked(every[0])} get kubespanpeerstatuses,affiliates",
                "talosctl -n NODE edit mc   # machine.network.kubespan.harvestExtraEndpoints: true"
                if not (shares or symmetric)
                else "talosctl -n NODE patch mc -p @extra-endpoints.yaml   # KubeSpanEndpointsConfig with the forwarded ip:port",
            ),
            after="the peer's specs show the endpoint, and the link comes up within a minute",
            certainty=Certainty.CERTAIN if symmetric else Certainty.LIKELY,
            decide="the outer port of each node, as nodes outside see it: one for all is a NAT that harvesting helps, several "
            "are symmetric",
        )


def _fits(case: Case, pair: Pair) -> bool:
    here, there = pair
    places = case.places
    if places.rewritten(here) and places.rewritten(there):
        return not case.pairs.ever(pair)
    if not (places.is_inside(here) and places.is_inside(there)) or places.are_beside(here, there) or places.reaches_inside(here, there):
        return False
    if places.usable(here, there) or places.usable(there, here):
        return False
    if case.targets(here, there) is None and case.targets(there, here) is None:
        return False
    # Two private networks that reached each other once, and are behind no router that anybody sees, are routed.
    return not case.pairs.ever(pair) or bool(places.outer(here) and places.outer(there))


def _is_symmetric(case: Case, index: int) -> bool:
    """Whether nodes outside see several ports of one outer address; of hidden ones it is taken for one."""
    if len(case.places.rewritten(index)) > 1:
        return True
    ports: dict[object, set[int]] = {}
    for at in case.places.outer_seen(index):
        ports.setdefault(at.address, set()).add(at.port)
    return any(len(several) > 1 for several in ports.values())


def _outer(case: Case, every: list[int]) -> Iterator[str]:
    """Announced endpoints that no node has on an interface."""
    for index in every:
        own = set(case.places.own(index))
        outer = [at for at in case.announced(index) or () if at.address not in own]
        if outer:
            yield f"{case.name(index)} announces {', '.join(map(str, outer[:4]))}, an external address that no node has on an interface"


def _ports(case: Case, symmetric: list[int]) -> Iterator[str]:
    for index in symmetric:
        seen: list[object] = [*sorted(case.places.outer_seen(index)), *sorted(case.places.rewritten(index))]
        yield f"others see {case.name(index)} at different ports: {', '.join(map(str, seen[:4]))}"
