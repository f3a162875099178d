"""Endpoints that reach nobody by their kind."""

from __future__ import annotations

from collections.abc import Iterator

from talos_resources.insight.facts.combined import Case
from talos_resources.insight.facts.evidence import Pair
from talos_resources.insight.facts.places import SIDEROLINK
from talos_resources.insight.hypothesis import CONFIGURATION_GUIDE, Certainty, Hypothesis, Tier, cause, links
from talos_resources.insight.pairing import ends
from talos_resources.insight.words import limited, verb
from talos_resources.model.net import AddrPort


@cause(
    "unroutable-endpoint",
    "an endpoint that nobody can reach by its kind (SideroLink, link-local, loopback)",
    tier=Tier.REACH,
    needs="announced endpoints, or the endpoints that are tried",
    predicts="links that try this endpoint, or have no other, get no answer",
    against="another announced endpoint of the node that can be reached and is tried",
    guide=CONFIGURATION_GUIDE,
)
def unroutable_endpoint(case: Case) -> Iterator[Hypothesis]:
    """Such an address means something to the node itself, or to Omni, and to nobody else."""
    found: dict[int, set[Pair]] = {}
    for pair in case.pairs.faulty:
        for observer, peer in (pair, pair[::-1]):
            if _tries_one(case, observer, peer):
                found.setdefault(peer, set()).add(pair)
    if not found:
        return
    pairs = sorted({pair for each in found.values() for pair in each})
    first = min(found, key=lambda index: (-len(found[index]), index))
    names, many = case.names(found), len(found)
    useless = {index: _useless(case, index) for index in found}
    kind = "SideroLink" if any(at.address in SIDEROLINK for each in useless.values() for at in each) else "link-local or loopback"
    yield Hypothesis(
        title=f"{names} {verb(many, 'is', 'are')} tried at a {kind} address, which no other node can reach: {_links(case, pairs)}",
        explains=links(pairs),
        evidence=lambda: limited(
            [
                *(f"{case.name(index)} is announced at {', '.join(map(str, each))}" for index, each in useless.items() if each),
                *case.pairs.attempts(pairs),
            ]
        ),
        why="The address belongs to a tunnel or link of the node itself. Filters that only name what is wanted, or Omni's own "
        "discovery, let it in.",
        advice=f"leave it out of what {names} {verb(many, 'announces', 'announce')}, and let an address through that others can reach",
        steps=(
            f"talosctl -n {case.asked(first)} get affiliates,kubespanconfigs -o yaml",
            "talosctl -n NODE edit mc   # machine.network.kubespan.filters.endpoints: 0.0.0.0/0, ::/0, !fdae:41e4:649b:9303::/64",
        ),
        after="the endpoint is gone from kubespanpeerspecs of the others, and the links come up within a minute",
        certainty=Certainty.LIKELY,
        decide="the links stay down at every other endpoint too if the network is the matter",
    )


def _links(case: Case, pairs: list[Pair]) -> str:
    return case.pair_name(pairs[0]) if len(pairs) == 1 else f"{len(pairs)} links of {case.names(ends(pairs))}"


def _useless(case: Case, index: int) -> list[AddrPort]:
    return [at for at in case.announced(index) or () if case.places.is_useless(at.address)]


def _tries_one(case: Case, observer: int, peer: int) -> bool:
    status, targets = case.status(observer, peer), case.targets(observer, peer)
    if status is not None and status.endpoint is not None and case.places.is_useless(status.endpoint.address):
        return True
    return bool(targets) and all(case.places.is_useless(at.address) for at in targets or ())
