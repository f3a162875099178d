"""Cluster discovery: who does not hear, and who is not heard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from talos_resources.insight.case import S_NS, SETTLING_S, Case, clock, duration, limited
from talos_resources.insight.rules.causes import Cause, by_cause
from talos_resources.insight.rules.registry import Rule, rule
from talos_resources.model.finding import Finding, Severity
from talos_resources.model.resource import Resource
from talos_resources.resources import Affiliate, DiscoveryConfig

ENABLING = "KubeSpan, Enabling"


def _discovery(case: Case) -> Iterator[tuple[int, DiscoveryConfig]]:
    for index, view in case.fresh.items():
        if view.discovery is not None and (view.config is None or view.config.enabled):
            yield index, view.discovery


@rule("discovery-disabled", "KubeSpan is on but discovery is off", severity=Severity.ERROR, guide=ENABLING)
def discovery_disabled(case: Case, this: Rule) -> Iterator[Finding]:
    """Peers are found through discovery only."""
    off = [index for index, config in _discovery(case) if not config.discovery_enabled]
    none = [
        index
        for index, config in _discovery(case)
        if config.discovery_enabled and not (config.registry_service_enabled or config.registry_kubernetes_enabled)
    ]
    for found, what in ((off, "discovery is disabled"), (none, "discovery has no registry")):
        if found:
            yield this.found(
                f"{what} on {case.names(found)} although KubeSpan is enabled",
                evidence=("DiscoveryConfigs: discoveryEnabled, registryServiceEnabled or registryKubernetesEnabled is false",),
                cause="Nodes find each other's keys and endpoints through discovery only: such a node has no peers.",
                advice="set cluster.discovery.enabled to true, with the registry `service: {}`",
            )


@rule("kubernetes-registry", "the Kubernetes registry is on together with KubeSpan", severity=Severity.WARNING, guide=ENABLING)
def kubernetes_registry(case: Case, this: Rule) -> Iterator[Finding]:
    """Discovery through an API that is itself reached through the mesh."""
    found = [index for index, config in _discovery(case) if config.discovery_enabled and config.registry_kubernetes_enabled]
    if found:
        yield this.found(
            f"the Kubernetes registry is enabled together with KubeSpan on {case.names(found)}",
            evidence=("DiscoveryConfigs: registryKubernetesEnabled is true",),
            cause="If the control plane's endpoint is itself routed through KubeSpan, mesh and Kubernetes wait for each other.",
            advice="set cluster.discovery.registries.kubernetes.disabled to true",
        )


@rule("discovery-unreachable", "a node neither hears nor is heard through discovery", severity=Severity.ERROR, guide=ENABLING)
def discovery_unreachable(case: Case, this: Rule) -> Iterator[Finding]:
    """What it knows of others is out of date, or others have lost it."""
    if len(case.fresh) < 3:
        return
    disabled = {index for index, config in _discovery(case) if not config.discovery_enabled}
    outdated = _outdated(case)
    for index, view in case.fresh.items():
        if index in disabled:
            continue
        others = [other for other in case.fresh if other != index]
        lost_by = len(others) - len(case.listed_by(index)) if case.nodes[index].node_id and _suspect(case, index) else 0
        stale = outdated.get(index, [])
        if not stale and 2 * lost_by <= len(others):
            continue
        service = view.discovery.service_endpoint if view.discovery is not None else ""
        lost = [f"{lost_by} of {len(others)} other nodes do not list it any more"] if lost_by else []
        sign = "has an old picture of others" if stale else "is not listed any more"
        yield this.found(
            f"{case.name(index)} cannot reach the discovery service: it {sign}",
            evidence=limited([*stale, *lost]),
            cause="It does not hear of new endpoints and keys, and after 30 m without a sign of life the others forget it.",
            advice=f"check that it reaches {service or 'the discovery service'} (TCP; DNS, proxy, firewall)",
        )


def _suspect(case: Case, index: int) -> bool:
    """Whether anybody lacks the node: the question is asked of few nodes, because the answer costs."""
    return any(index in pair for pair in by_cause(case).get(Cause.UNKNOWN_PEER, ()))


def _outdated(case: Case) -> Mapping[int, list[str]]:
    """Nodes → what they have not heard that most others and the node itself have said for longer than a minute."""
    own = _own_words(case)
    versions: dict[str, dict[object, list[int]]] = {}
    for index, view in case.fresh.items():
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
        for view in case.fresh.values()
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


@rule("unknown-peer", "a node does not know another", severity=Severity.ERROR, guide="KubeSpan, KubeSpanPeerSpecs")
def unknown_peer(case: Case, this: Rule) -> Iterator[Finding]:
    """Discovery has not told it, or what it told cannot be used."""
    lacking: dict[int, list[int]] = {}
    gone = {finding_index for finding_index in case.fresh if _is_dropped(case, finding_index)}
    for here, there in by_cause(case).get(Cause.UNKNOWN_PEER, ()):
        for observer, peer in ((here, there), (there, here)):
            if case.mesh.state(observer, peer).value == "absent" and observer not in gone and peer not in gone:
                lacking.setdefault(peer, []).append(observer)
    for peer, observers in lacking.items():
        heard = [observer for observer in observers if observer in case.listed_by(peer)]
        skipped = len(heard) == len(observers)
        yield this.found(
            f"{case.names(observers)} {'does' if len(observers) == 1 else 'do'} not know {case.name(peer)} as a peer",
            evidence=limited(
                [f"{case.names(heard)}: affiliate present, no peer spec"] if heard else ["neither affiliate nor peer spec of it is there"]
            ),
            cause="An address in its affiliate is empty or invalid, so Talos leaves the whole peer out."
            if skipped
            else "Discovery has not told of it: the two look at different clusters or services, or its entry has expired.",
            advice=f"look at `get affiliates` for {case.name(peer)}"
            if skipped
            else "compare cluster.id, cluster.secret and the discovery service of both; both must reach it",
        )


def _is_dropped(case: Case, index: int) -> bool:
    """Whether `discovery-disabled` or `discovery-unreachable` explains what others lack."""
    view = case.fresh[index]
    if view.discovery is not None and not view.discovery.discovery_enabled:
        return True
    others = len(case.fresh) - 1
    return len(case.fresh) > 2 and bool(case.nodes[index].node_id) and _suspect(case, index) and 2 * len(case.listed_by(index)) < others
