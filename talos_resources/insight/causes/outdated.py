"""Who has an old picture of another: what both `discovery-unreachable` and its neighbours ask."""

from __future__ import annotations

from collections.abc import Mapping

from talos_resources.insight.facts.combined import Case
from talos_resources.insight.facts.evidence import S_NS
from talos_resources.insight.facts.life import SETTLING_S
from talos_resources.insight.words import clock, duration
from talos_resources.model.resource import Resource
from talos_resources.resources import Affiliate


def outdated(case: Case) -> Mapping[int, list[str]]:
    """Nodes → what they have not heard that most others and the node itself have said for longer than a minute."""
    own = _own_words(case)
    heard: dict[str, int] = {}
    others: dict[str, dict[object, list[int]]] = {}
    for index, view in case.life.fresh.items():
        for node_id, affiliate in view.affiliate_of.items():
            said = own.get(node_id)
            if said is None or node_id == view.node_id:
                continue
            if affiliate.spec is said.spec or (endpoints := _endpoints(affiliate.spec)) == _endpoints(said.spec):
                heard[node_id] = heard.get(node_id, 0) + 1
            else:
                others.setdefault(node_id, {}).setdefault(endpoints, []).append(index)
    found: dict[int, list[str]] = {}
    for node_id, by_version in sorted(others.items()):
        said, told = own[node_id], heard.get(node_id, 0)
        age = (case.reference - max(said.metadata.updated, said.metadata.created)) / S_NS
        for endpoints, holders in by_version.items():
            if told <= len(holders) or age < SETTLING_S or not _lacks(endpoints, said.spec):
                continue
            for index in holders:
                found.setdefault(index, []).append(
                    f"it has {said.spec.nodename} at {_text(endpoints)}; {said.spec.nodename} announces {_text(_endpoints(said.spec))} "
                    f"since {clock(said.metadata.updated, case.reference)}, {duration(age)} ago, which {told} others know"
                )
    return found


def _own_words(case: Case) -> dict[str, Resource[Affiliate]]:
    """What each node says of itself."""
    return {
        affiliate.metadata.id: affiliate
        for view in case.life.fresh.values()
        if (affiliate := view.affiliate_of.get(view.node_id or "")) is not None and affiliate.spec.kubespan is not None
    }


def _endpoints(affiliate: Affiliate) -> object:
    return affiliate.kubespan.endpoints if affiliate.kubespan is not None else ()


def _lacks(endpoints: object, affiliate: Affiliate) -> bool:
    """Whether an endpoint that the node itself announces is missing (others may add what they saw)."""
    kubespan = affiliate.kubespan
    return kubespan is not None and isinstance(endpoints, tuple) and not set(kubespan.endpoints) <= set(endpoints)


def _text(endpoints: object) -> str:
    return ", ".join(map(str, endpoints)) if isinstance(endpoints, tuple) and endpoints else "no endpoint"
