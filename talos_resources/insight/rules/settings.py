"""Settings that the guide warns of."""

from __future__ import annotations

from collections.abc import Iterator

from talos_resources.insight.case import Case, limited
from talos_resources.insight.rules.registry import Rule, rule
from talos_resources.machineconfig.cilium import check as cilium
from talos_resources.machineconfig.cilium.subject import Subject, machine_file
from talos_resources.model.finding import Finding, Severity

CONFIGURATION = "KubeSpan, Configuration"
FOREIGN = frozenset({"Cilium", "Calico"})


@rule("kubespan-disabled", "KubeSpan is off on some nodes", severity=Severity.WARNING, guide="KubeSpan, Enabling")
def kubespan_disabled(case: Case, this: Rule) -> Iterator[Finding]:
    """A mesh is of all nodes."""
    off = [index for index, view in case.fresh.items() if view.config is not None and not view.config.enabled]
    on = [index for index, view in case.fresh.items() if view.config is not None and view.config.enabled]
    if off and on:
        yield this.found(
            f"KubeSpan is off on {case.names(off)} and on elsewhere",
            evidence=(f"KubeSpanConfigs: enabled is false on {len(off)} of {len(off) + len(on)} nodes",),
            cause="The others cannot reach these nodes through the mesh; with forced routing they do not reach them at all.",
            advice="set machine.network.kubespan.enabled to true on them",
        )


@rule("advertised-networks", "pod networks are announced under Cilium or Calico", severity=Severity.WARNING, guide=CONFIGURATION)
def advertised_networks(case: Case, this: Rule) -> Iterator[Finding]:
    """These hand out pod addresses by themselves."""
    cnis = {view.cni for view in case.views.values()} & FOREIGN
    found = [index for index, view in case.fresh.items() if view.config is not None and view.config.advertise_kubernetes_networks]
    if found and cnis:
        name = " and ".join(sorted(filter(None, cnis)))
        yield this.found(
            f"advertiseKubernetesNetworks is on together with {name} on {case.names(found)}",
            evidence=(f"links or manifests of {name} are there; KubeSpanConfigs: advertiseKubernetesNetworks is true",),
            cause=f"{name} allocates pod addresses by itself, which KubeSpan does not see: traffic goes where no pod is.",
            advice="set machine.network.kubespan.advertiseKubernetesNetworks to false",
        )


@rule("down-peer-bypass", "traffic to peers that are down leaves unencrypted", severity=Severity.WARNING, guide=CONFIGURATION)
def down_peer_bypass(case: Case, this: Rule) -> Iterator[Finding]:
    """A choice, and a risk that becomes real when a link is down."""
    found = [
        index for index, view in case.fresh.items() if view.config is not None and view.config.enabled and not view.config.force_routing
    ]
    if not found:
        return
    open_links = [
        f"{case.name(index)} → {case.name(peer.index)} is {case.mesh.state(index, peer).value}: unencrypted now"
        for index in found
        if case.mesh.faults[index][0]
        for peer in case.nodes
        if case.mesh.state(index, peer).is_fault
    ]
    yield this.found(
        f"allowDownPeerBypass is on, on {case.names(found)}{': traffic leaves unencrypted now' if open_links else ''}",
        evidence=limited([*open_links, "KubeSpanConfigs: forceRouting is false"]),
        cause="Traffic to a peer that is down goes around the tunnel, unencrypted, wherever a normal route leads to it.",
        advice="set machine.network.kubespan.allowDownPeerBypass to false, unless a node without KubeSpan has to be reached",
        severity=Severity.ERROR if open_links else None,
    )


@rule("machine-configuration", "what the guide warns of in machine configurations", severity=Severity.ERROR, guide="Deploying Cilium CNI")
def machine_configuration(case: Case, _: Rule) -> Iterator[Finding]:
    """The rules of `cilium check`: kube-proxy, inline manifests, control planes that differ, and more."""
    machines = tuple(machine_file(config, source=name) for name, config in case.snapshot.configs)
    if machines:
        assumed = any(view.cni == "Cilium" for view in case.views.values())
        yield from cilium.check(Subject(machines=machines, assume_cilium=assumed))
