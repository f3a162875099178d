"""KubeSpan is on, discovery is off."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from talos_resources.insight.causes.unread import unread_setting
from talos_resources.insight.facts.combined import Case
from talos_resources.insight.given_files import differs, joining
from talos_resources.insight.hypothesis import ENABLING_GUIDE, Certainty, Hypothesis, Tier, cause, links, unheard
from talos_resources.releases import release_of

_WHY: Final = "Nodes find each other's keys and endpoints through discovery only: such a node has no peers, or soon has none."


@cause(
    "discovery-disabled",
    "KubeSpan is on but discovery is off",
    tier=Tier.CONFIGURATION,
    needs="DiscoveryConfigs; the release, since from Talos 1.14 on discoveryEnabled is always false",
    predicts="the node lists nobody, and nobody lists it once its entry has expired",
    against="Talos 1.14 or later with a service",
    guide=ENABLING_GUIDE,
)
def discovery_disabled(case: Case) -> Iterator[Hypothesis]:
    """Peers are found through discovery only."""
    off, none = [], []
    for index, view in case.life.fresh.items():
        if view.discovery is None or not case.life.takes_part(index):
            continue
        has_registry = view.discovery.registry_service_enabled or view.discovery.registry_kubernetes_enabled
        if not view.discovery.discovery_enabled and _counts(case, index, has_registry=has_registry):
            off.append(index)
        elif not has_registry:
            none.append(index)
    yield from _unread(case)
    yield from _files(case)
    for found, what in ((off, "discovery is disabled"), (none, "discovery has no registry")):
        if not found:
            continue
        own = [pair for pair in case.pairs.faulty if not set(found).isdisjoint(pair)]
        yield Hypothesis(
            title=f"{what} on {case.names(found)} although KubeSpan is enabled",
            explains=links(own) | unheard(found),
            evidence=lambda: ("DiscoveryConfigs: discoveryEnabled, registryServiceEnabled or registryKubernetesEnabled is false",),
            why=_WHY,
            advice="set cluster.discovery.enabled to true, with the registry `service: {}`",
            steps=(f"talosctl -n {case.asked(found[0])} get discoveryconfigs -o yaml", f"talosctl -n {case.asked(found[0])} edit mc"),
            after="`talosctl get affiliates` lists the other nodes within a minute",
            certainty=Certainty.CERTAIN,
            stands=True,
        )


def _unread(case: Case) -> Iterator[Hypothesis]:
    yield from unread_setting(
        case,
        lambda view: view.discovery is None,
        may_be_all=True,
        what="discovery is off or has no registry",
        decide="DiscoveryConfigs say which registries are on",
    )


def _counts(case: Case, index: int, *, has_registry: bool) -> bool:
    """Whether `discoveryEnabled: false` says that it is off: of a release that has no such switch it says nothing."""
    version = case.version(index)
    if not version:  # an unknown release that lists others has discovery
        return not has_registry or index in case.life.unheard
    return release_of(version).kubespan.discovery_switch or not has_registry


def _files(case: Case) -> Iterator[Hypothesis]:
    """Machine configurations of the nodes' cluster."""
    for name in [name for name, settings in joining(case).items() if settings.kubespan.enabled and not settings.discovery.enabled]:
        yield differs(
            f"discovery is off in {name} although KubeSpan is on",
            f"{name}: no discovery service, and no registry",
            why=_WHY,
            advice=f"switch discovery on in {name}, with a service",
        )
