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
    versions: dict[str, dict[object, list[int]]] = {}
    for index, view in case.life.fresh.items():
        for affiliate in view.affiliates:
            if affiliate.id in own and affiliate.id != view.node_id:
                versions.setdefault(affiliate.id, {}).setdefault(_endpoints(affiliate.spec), []).append(index)
    found: dict[int, list[str]] = {}
    for node_id, by_version in versions.items():
        said = own[node_id]
        told = by_version.get(_endpoints(said.spec), [])
        for endpoints, holders in by_version.items():
            if endpoints == _endpoints(said.spec) or len(told) <= len(holders):
                continue
            age = (case.reference - max(said.metadata.updated, said.metadata.created)) / S_NS
            if age < SETTLING_S or not _lacks(endpoints, said.spec):
                continue
            for index in holders:
                found.setdefault(index, []).append(
                    f"it has {said.spec.nodename} at {_text(endpoints)}; {said.spec.nodename} announces {_text(_endpoints(said.spec))} "
                    f"since {clock(said.metadata.updated)}, {duration(age)} ago, which {len(told)} others know"
                )
    return found


def _own_words(case: Case) -> dict[str, Resource[Affiliate]]:
    """What each node says of itself."""
    return {
        affiliate.id: affiliate
        for view in case.life.fresh.values()
        for affiliate in view.affiliates
        if affiliate.id == view.node_id and affiliate.spec.kubespan is not None
    }


def _endpoints(affiliate: Affiliate) -> object:
    return affiliate.kubespan.endpoints if affiliate.kubespan is not None else ()


def _lacks(endpoints: object, affiliate: Affiliate) -> bool:
    """Whether an endpoint that the node itself announces is missing (others may add what they saw)."""
    kubespan = affiliate.kubespan
    return kubespan is not None and isinstance(endpoints, tuple) and not set(kubespan.endpoints) <= set(endpoints)


def _text(endpoints: object) -> str:
    return ", ".join(map(str, endpoints)) if isinstance(endpoints, tuple) and endpoints else "no endpoint"
