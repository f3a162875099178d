"""Nodes that use different discovery services."""

from __future__ import annotations

from collections.abc import Iterator

from talos_resources.insight.causes.unread import unread_setting
from talos_resources.insight.facts.combined import Case
from talos_resources.insight.given_files import differs, joining
from talos_resources.insight.hypothesis import ENABLING_GUIDE, Certainty, Hypothesis, Tier, cause, links, unheard
from talos_resources.insight.pairing import crossing
from talos_resources.insight.words import limited


@cause(
    "discovery-service-differs",
    "nodes use different discovery services",
    tier=Tier.CONFIGURATION,
    needs="DiscoveryConfigs of at least two nodes",
    predicts="nodes of different services do not list each other",
    against="a service in common: from Talos 1.14 on a node may use several",
    guide=ENABLING_GUIDE,
)
def discovery_service_differs(case: Case) -> Iterator[Hypothesis]:
    """Nodes hear of each other where they meet; services do not tell one another."""
    used = {
        index: frozenset(_bare(service) for service in view.services)
        for index, view in case.life.fresh.items()
        if view.services and case.life.takes_part(index)
    }
    yield from _files(case, frozenset(service for services in used.values() for service in services))
    parts: list[tuple[set[str], list[int]]] = []
    for index, services in used.items():
        joined = [part for part in parts if part[0] & services]
        rest = [part for part in parts if not part[0] & services]
        merged = ({*services, *(name for part in joined for name in part[0])}, [index, *(each for part in joined for each in part[1])])
        parts = [*rest, merged]
    if len(parts) < 2:
        yield from unread_setting(
            case,
            lambda view: view.services is None,
            may_be_all=False,
            what="another discovery service",
            decide="serviceEndpoint in DiscoveryConfigs is another than on the others",
        )
        return
    parts.sort(key=lambda part: (-len(part[1]), sorted(part[1])))
    odd = sorted(index for part in parts[1:] for index in part[1])
    deaf = odd if len(parts[0][1]) > 1 else [*parts[0][1], *odd]
    usual = ", ".join(sorted(parts[0][0]))
    yield Hypothesis(
        title=f"{case.names(odd)} {'uses' if len(odd) == 1 else 'use'} another discovery service than the others",
        explains=links(crossing(case, [part[1] for part in parts])) | unheard(deaf),
        evidence=lambda: limited(f"{', '.join(sorted(names))}: {case.names(indexes)}" for names, indexes in parts),
        why="Nodes hear of each other only through a service that both use.",
        advice=f"set the same service everywhere: {usual}",
        steps=(f"talosctl -n {case.asked(odd[0])} get discoveryconfigs -o yaml", f"talosctl -n {case.asked(odd[0])} edit mc"),
        after="the nodes list each other within a minute",
        certainty=Certainty.CERTAIN,
        stands=True,
    )


def _bare(endpoint: str) -> str:
    """Without scheme, path and the port that is the scheme's own."""
    return endpoint.partition("://")[2].partition("/")[0].removesuffix(":443") if "://" in endpoint else endpoint.removesuffix(":443")


def _files(case: Case, known: frozenset[str]) -> Iterator[Hypothesis]:
    """Machine configurations of the nodes' cluster."""
    for name, settings in joining(case).items():
        own = [service.endpoint for service in settings.discovery.services]
        if settings.kubespan.enabled and known and own and known.isdisjoint(map(_bare, own)):
            yield differs(
                f"{name} uses another discovery service than the nodes",
                f"{name}: {', '.join(own)}; the nodes: {', '.join(sorted(known))}",
                why="Nodes hear of each other only through a service that both use.",
                advice=f"set the same service in {name} as on the nodes",
            )
