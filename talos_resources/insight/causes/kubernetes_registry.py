"""The Kubernetes registry."""

from __future__ import annotations

from collections.abc import Iterator

from talos_resources.insight.causes.unread import unread_setting
from talos_resources.insight.facts.combined import Case
from talos_resources.insight.facts.log_lines import REGISTRY_DENIED, says
from talos_resources.insight.given_files import differs, joining
from talos_resources.insight.hypothesis import ENABLING_GUIDE, Certainty, Hypothesis, Tier, cause, links, unheard
from talos_resources.insight.words import verb
from talos_resources.model.finding import Severity


@cause(
    "kubernetes-registry",
    "the Kubernetes registry is on together with KubeSpan",
    severity=Severity.WARNING,
    tier=Tier.CONFIGURATION,
    needs="DiscoveryConfigs; or the controllers' log, where they are redacted",
    predicts="from Kubernetes 1.32 on nodes that have no other registry list nobody",
    guide=ENABLING_GUIDE,
)
def kubernetes_registry(case: Case) -> Iterator[Hypothesis]:
    """Discovery through an API that is itself reached through the mesh, and that denies it from Kubernetes 1.32 on."""
    yield from _files(case)
    using = {
        index: view.discovery
        for index, view in case.life.fresh.items()
        if view.discovery is not None and view.discovery.registry_kubernetes_enabled and case.life.takes_part(index)
    }
    only = [index for index, config in using.items() if not config.registry_service_enabled]
    victims = [index for index in only if index in case.life.unheard]
    if not using:
        yield from _unread(case)
        return
    alone = f"the Kubernetes registry is the only one on {case.names(only)}"
    own = [pair for pair in case.pairs.faulty if not set(only).isdisjoint(pair)]
    yield Hypothesis(
        title=f"{alone}{', which know nobody' if len(victims) > 1 else ', which knows nobody' if victims else ''}"
        if only
        else f"the Kubernetes registry is enabled together with KubeSpan on {case.names(using)}",
        explains=links(own) | unheard(victims) if victims else frozenset(),
        evidence=lambda: (
            "DiscoveryConfigs: registryKubernetesEnabled is true"
            + (f", registryServiceEnabled is false on {case.names(only)}" if only else ""),
        ),
        why="It does not work from Kubernetes 1.32 on; and if the control plane's endpoint is itself routed through KubeSpan, "
        "mesh and Kubernetes wait for each other.",
        advice="switch the service registry on first (cluster.discovery.registries.service: {}), then the Kubernetes registry off"
        if only
        else "the service registry is on, so the Kubernetes registry can go: set cluster.discovery.registries.kubernetes.disabled to true",
        steps=(f"talosctl -n {case.asked(min(using))} get discoveryconfigs -o yaml", f"talosctl -n {case.asked(min(using))} edit mc"),
        after="`talosctl get affiliates` lists the other nodes, with registryServiceEnabled true",
        certainty=Certainty.CERTAIN if victims or not only else Certainty.LIKELY,
        stands=True,
        severity=Severity.ERROR if victims else None,
    )


def _unread(case: Case) -> Iterator[Hypothesis]:
    """Where no settings were read: the log says so, or does not."""
    denied = [index for index, view in case.life.fresh.items() if view.discovery is None and says(view, REGISTRY_DENIED)]
    if denied:
        yield _logged(case, denied)
    yield from unread_setting(
        case,
        lambda view: view.discovery is None,
        may_be_all=True,
        what="the Kubernetes registry is the only one",
        decide="registryServiceEnabled in DiscoveryConfigs is false, registryKubernetesEnabled true",
    )


def _logged(case: Case, denied: list[int]) -> Hypothesis:
    """The settings are not known, but the registry says in the log that it is denied what it needs."""
    victims = [index for index in denied if index in case.life.unheard]
    own = [pair for pair in case.pairs.faulty if not set(victims).isdisjoint(pair)]
    return Hypothesis(
        title=f"the Kubernetes registry is on and denied on {case.names(denied)}"
        + (f", which {verb(len(denied), 'knows', 'know')} nobody" if len(victims) == len(denied) else ""),
        explains=links(own) | unheard(victims),
        why="From Kubernetes 1.32 on a node may read only itself, so that this registry finds nobody.",
        advice="switch the service registry on first (cluster.discovery.registries.service: {}), then the Kubernetes registry off",
        steps=(f"talosctl -n {case.asked(denied[0])} get discoveryconfigs -o yaml", f"talosctl -n {case.asked(denied[0])} edit mc"),
        after="`talosctl get affiliates` lists the other nodes, with registryServiceEnabled true",
        certainty=Certainty.LIKELY,
        decide="registryKubernetesEnabled and registryServiceEnabled in DiscoveryConfigs",
        stands=True,
        severity=Severity.ERROR if victims else None,
    )


def _files(case: Case) -> Iterator[Hypothesis]:
    """Machine configurations of the nodes' cluster."""
    for name, settings in joining(case).items():
        if settings.kubespan.enabled and settings.discovery.kubernetes_registry and not settings.discovery.services:
            yield differs(
                f"the Kubernetes registry is the only one in {name}",
                f"{name}: the registry service is off, the registry kubernetes is on",
                why="It does not work from Kubernetes 1.32 on: a node that has this configuration knows nobody.",
                advice=f"switch the service registry on in {name}, and the Kubernetes registry off",
            )
