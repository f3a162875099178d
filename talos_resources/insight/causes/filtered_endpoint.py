"""A filter that hides the endpoint at which a node can be reached."""

from __future__ import annotations

from collections.abc import Iterator

from talos_resources.insight.facts.combined import Case
from talos_resources.insight.facts.evidence import Pair
from talos_resources.insight.hypothesis import CONFIGURATION_GUIDE, Certainty, Hypothesis, Tier, cause, links
from talos_resources.insight.mesh import LinkState
from talos_resources.insight.pairing import subject
from talos_resources.insight.words import limited
from talos_resources.model.net import AddrPort, is_private


@cause(
    "filtered-endpoint",
    "a filter hides the endpoint at which a node can be reached",
    tier=Tier.REACH,
    needs="KubeSpanConfigs of the node, and where others reach it",
    predicts="others reach it at an endpoint that it does not announce; who knows only what is announced does not",
    against="it has no filters",
    guide=CONFIGURATION_GUIDE,
)
def filtered_endpoint(case: Case) -> Iterator[Hypothesis]:
    """Others reach the node at an endpoint that it does not announce, or would in its own network."""
    found: dict[int, list[Pair]] = {}
    for pair in case.pairs.faulty:
        for index, other in (pair, pair[::-1]):
            if _hidden(case, index, other) and not case.places.usable(other, index):
                found.setdefault(index, []).append(pair)
    groups: dict[tuple[Pair, ...], list[int]] = {}
    for index, pairs in found.items():
        groups.setdefault(tuple(sorted(pairs)), []).append(index)
    if len(found) > 2 and len({_filters(case, index) for index in found}) == 1:
        groups = {tuple(sorted({pair for pairs in found.values() for pair in pairs})): sorted(found)}
    for same, indexes in groups.items():
        yield _hides(case, indexes, list(same))


def _hides(case: Case, indexes: list[int], pairs: list[Pair]) -> Hypothesis:
    first, shared = indexes[0], indexes[0] if len(indexes) == 1 and len(pairs) > 1 else None
    ends = [(index, other) for index in indexes for pair in pairs for other in pair if index in pair and other != index]
    hidden = list(dict.fromkeys(at for end in ends for at in _hidden(case, *end)))
    more = ", or set harvestExtraEndpoints on all nodes, so that what others see is shared"
    return Hypothesis(
        title=f"{subject(case, shared, pairs)} {case.pairs.down_for(pairs)}: a filter hides an endpoint of {case.names(indexes)}",
        explains=links(pairs),
        evidence=lambda: limited([*_announcements(case, indexes), *_reached(case, indexes, hidden), *case.pairs.attempts(pairs)]),
        why="What is announced cannot be reached from there, and what could be reached is filtered away.",
        advice=f"on {case.names(indexes)} let {', '.join(map(str, hidden[:2]))} through machine.network.kubespan.filters.endpoints"
        f"{'' if all(is_private(at.address) for at in hidden) else more}",
        steps=(f"talosctl -n {case.asked(first)} get kubespanconfigs -o yaml", f"talosctl -n {case.asked(first)} edit mc"),
        after="the endpoint is in kubespanpeerspecs of the others, and the link comes up within a minute",
        certainty=Certainty.LIKELY,
        decide="with the filter removed the endpoint is announced at once, and the link comes up if nothing else is in the way",
    )


def _announcements(case: Case, indexes: list[int]) -> Iterator[str]:
    for index in indexes:
        told = ", ".join(map(str, case.announced(index) or ())) or "nothing"
        yield f"{case.name(index)} announces {told}; filters: {', '.join(_filters(case, index))}"


def _filters(case: Case, index: int) -> tuple[str, ...]:
    view = case.views.get(index)
    return tuple(view.config.endpoint_filters or ()) if view is not None and view.config is not None else ()


def _hidden(case: Case, index: int, other: int) -> list[AddrPort]:
    """Endpoints of a node that its filters hide from another who could use them."""
    if not _filters(case, index):
        return []
    announced = set(case.announced(index) or ())
    if case.places.are_beside(index, other):
        return [at for address in case.places.own(index) if is_private(address) and (at := AddrPort(address, 51820)) not in announced]
    if any(not is_private(at.address) for at in announced):
        return []
    return [at for at in case.places.seen_at(index) if at not in announced and not is_private(at.address)]


def _reached(case: Case, indexes: list[int], hidden: list[AddrPort]) -> Iterator[str]:
    for index in indexes:
        reach = [other for other in case.life.fresh if other != index and case.state(other, index) is LinkState.UP]
        seen = [at for at in hidden if at in case.places.seen_at(index)]
        if reach and seen:
            yield f"{case.names(reach)} reach {case.name(index)} at {', '.join(map(str, seen[:4]))}"
