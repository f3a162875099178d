"""A node that announces no endpoint."""

from __future__ import annotations

from collections.abc import Iterator

from talos_resources.insight.facts.combined import Case
from talos_resources.insight.facts.evidence import Pair
from talos_resources.insight.given_files import differs, joining
from talos_resources.insight.hypothesis import CONFIGURATION_GUIDE, Certainty, Hypothesis, Tier, cause, links
from talos_resources.insight.pairing import subject
from talos_resources.insight.words import limited


@cause(
    "no-endpoints",
    "a node announces no endpoint at which others could reach it",
    tier=Tier.REACH,
    needs="what the node announces",
    predicts="links with those that it cannot call itself never come up; all others do",
    against="its endpoints are merely not in the data",
    guide=CONFIGURATION_GUIDE,
)
def no_endpoints(case: Case) -> Iterator[Hypothesis]:
    """Filters that only exclude, or an empty list, leave nothing."""
    yield from _files(case)
    found: dict[int, list[Pair]] = {}
    for pair in case.pairs.faulty:
        for index, other in (pair, pair[::-1]):
            if case.announced(index) == () and not case.places.usable(index, other):
                found.setdefault(index, []).append(pair)
    pairs = sorted({pair for each in found.values() for pair in each})
    if not pairs:
        return
    names, many = case.names(found), len(found)
    filters = {index: view.config.endpoint_filters for index in found if (view := case.views.get(index)) and view.config is not None}
    where = subject(case, next(iter(found)) if many == 1 else None, pairs)
    yield Hypothesis(
        title=f"{names} {'announces' if many == 1 else 'announce'} no endpoint, so that nobody can begin: {where} "
        f"{case.pairs.down_for(pairs)}",
        explains=links(pairs),
        evidence=lambda: limited(
            [
                *(f"filters of {case.name(index)}: {', '.join(each)}" for index, each in filters.items() if each is not None),
                *(
                    f"{case.name(other)} cannot be called from {case.name(index)} either"
                    for index in found
                    for pair in found[index]
                    for other in pair
                    if other != index
                ),
                *case.pairs.attempts(pairs),
            ]
        ),
        why="Filters that only exclude (`!…`), or an empty list, leave nothing over; the node can call others, but those behind "
        "NAT must call it.",
        advice=f"put 0.0.0.0/0 and ::/0 in front of the `!` entries of machine.network.kubespan.filters.endpoints on {names}",
        steps=(f"talosctl -n {case.asked(min(found))} get kubespanconfigs -o yaml", f"talosctl -n {case.asked(min(found))} edit mc"),
        after=f"`talosctl get affiliates` on another node shows endpoints of {names}",
        certainty=Certainty.CERTAIN if any(filters.values()) else Certainty.LIKELY,
        decide="read filters.endpoints in its machine configuration",
    )


def _files(case: Case) -> Iterator[Hypothesis]:
    """Machine configurations of the nodes' cluster."""
    for name, settings in joining(case).items():
        filters = settings.kubespan.endpoint_filters
        if settings.kubespan.enabled and filters and all(each.startswith("!") for each in filters):
            yield differs(
                f"the endpoint filters of {name} leave nothing",
                f"{name}: {', '.join(filters)}",
                why="Filters that only exclude (`!…`) leave nothing over: nobody can call a node that has this configuration.",
                advice=f"put 0.0.0.0/0 and ::/0 in front of the `!` entries in {name}",
            )
