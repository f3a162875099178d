"""Several nodes behind one announced endpoint."""

from __future__ import annotations

from collections.abc import Iterator

from talos_resources.insight.facts.combined import Case
from talos_resources.insight.facts.evidence import Pair
from talos_resources.insight.hypothesis import CONFIGURATION_GUIDE, Certainty, Hypothesis, Tier, cause, links
from talos_resources.insight.pairing import subject
from talos_resources.insight.words import limited, verb
from talos_resources.model.net import AddrPort


@cause(
    "shared-endpoint",
    "several nodes announce the same ip:port; no hairpin, or one forward for two",
    tier=Tier.REACH,
    needs="what the nodes announce",
    predicts="links between these nodes fail, as their router does not turn packets around; and only one of them can be called "
    "from outside",
    against="they announce addresses of their own network too",
    guide=CONFIGURATION_GUIDE,
)
def shared_endpoint(case: Case) -> Iterator[Hypothesis]:
    """They share one router, and one ip:port leads to one of them at most."""
    by_endpoint: dict[AddrPort, list[int]] = {}
    for node in case.nodes:
        for at in case.announced(node.index) or ():
            by_endpoint.setdefault(at, []).append(node.index)
    for at, sharers in by_endpoint.items():
        if len(sharers) < 2 or any(at.address in case.places.own(index) for index in sharers):
            continue
        among = [pair for pair in case.pairs.faulty if set(pair) <= set(sharers) and _is_only_way(case, pair, at)]
        forwarded = [pair for pair in case.pairs.faulty if _is_misled(case, pair, at, sharers)]
        pairs = sorted({*among, *forwarded})
        if not pairs:
            continue
        names, inner = case.names(sharers), {index: case.places.own(index)[:1] for index in sharers}
        yield Hypothesis(
            title=f"{names} announce the same endpoint {at}: {subject(case, None, pairs)} {case.pairs.down_for(pairs)}",
            explains=links(pairs),
            evidence=lambda at=at, inner=inner, pairs=pairs: limited(  # type: ignore[misc]  # bound now, called later
                [
                    *(f"{case.name(index)} is {own[0]} behind {at.address}{_filters(case, index)}" for index, own in inner.items() if own),
                    *case.pairs.attempts(pairs),
                ]
            ),
            why="They are behind one router: it would have to send their packets back to its own inside (hairpin NAT), and to "
            "the right node."
            if among
            else "One ip:port of a router leads to one node only.",
            advice=f"let {verb(len(sharers), 'it', 'them')} announce the addresses of their own network too "
            f"(machine.network.kubespan.filters.endpoints)"
            if among
            else "forward another port to each of them, and announce it (KubeSpanEndpointsConfig: extraAnnouncedEndpoints)",
            steps=(
                f"talosctl -n {case.asked(sharers[0])} get kubespanconfigs,affiliates -o yaml",
                f"talosctl -n {case.asked(sharers[0])} edit mc",
            ),
            after="kubespanpeerspecs show an endpoint of each in the common network, and the links come up within a minute",
            certainty=Certainty.LIKELY,
            decide="the links come up as soon as the inner addresses are announced",
        )


def _filters(case: Case, index: int) -> str:
    view = case.views.get(index)
    filters = view.config.endpoint_filters if view is not None and view.config is not None else None
    return f"; filters: {', '.join(filters)}" if filters else ""


def _is_only_way(case: Case, pair: Pair, at: AddrPort) -> bool:
    """Whether neither of two sharers has another way to the other."""
    return all(not [other for other in case.places.usable(*way) if other != at] for way in (pair, pair[::-1]))


def _is_misled(case: Case, pair: Pair, at: AddrPort, sharers: list[int]) -> bool:
    """Whether one outside calls the shared endpoint for one node, where another of them answers."""
    for observer, peer in (pair, pair[::-1]):
        if observer in sharers or peer not in sharers or case.pairs.ever(pair) or case.places.usable(peer, observer):
            continue
        status = case.status(observer, peer)
        answered = [other for other in sharers if other != peer and case.is_up(observer, other) and _endpoint(case, observer, other) == at]
        if status is not None and at in (case.targets(observer, peer) or ()) and answered:
            return True
    return False


def _endpoint(case: Case, observer: int, peer: int) -> AddrPort | None:
    status = case.status(observer, peer)
    return None if status is None else status.endpoint
