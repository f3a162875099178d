"""Checks of manifests by themselves.

Source: Talos guide, Deploying Cilium CNI.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from talos_resources.machineconfig.cilium.facts import cilium_facts
from talos_resources.machineconfig.cilium.manifest import CLUSTER_NAMESPACES
from talos_resources.machineconfig.cilium.subject import Subject
from talos_resources.model.finding import Finding, Severity

METHOD_4: Final = "Deploying Cilium CNI, method 4"
INTRODUCTION: Final = "Deploying Cilium CNI, introduction"
METHOD_1: Final = "Deploying Cilium CNI, method 1"


def separators(subject: Subject) -> Iterator[Finding]:
    """Two dashes are text to YAML, so two documents become one that is broken."""
    for manifest in subject.manifests:
        lines = [document.line - 1 for document in manifest.documents if document.has_short_separator]
        if lines:
            yield Finding(
                severity=Severity.ERROR,
                rule="two-dashes",
                title=f'{manifest.source}: documents are separated by "--" instead of "---"',
                evidence=(f"line {', '.join(map(str, lines))}",),
                cause="YAML wants three dashes; with two the line is text, and what follows is no resource of its own. "
                "The guide's own example has this slip.",
                advice='write "---", or let `cilium inline` do it',
                guide=METHOD_4,
            )


def broken_documents(subject: Subject) -> Iterator[Finding]:
    """What is no Kubernetes resource cannot be applied, and stops what comes after it."""
    for manifest in subject.manifests:
        faults = tuple(document.fault for document in manifest.documents if document.fault is not None)
        if faults:
            yield Finding(
                severity=Severity.ERROR,
                rule="broken-document",
                title=f"{manifest.source}: {len(faults)} document{'s are' if len(faults) > 1 else ' is'} no Kubernetes resource",
                evidence=faults,
                cause="Talos applies the documents from top to bottom and cannot apply this.",
                advice="take the output of `helm template` whole, without messages of helm in it",
                guide=METHOD_4,
            )


def namespace_order(subject: Subject) -> Iterator[Finding]:
    """A namespace has to be there before what is in it."""
    for manifest in subject.manifests:
        declared = {
            resource.name: index for index, resource in reversed(list(enumerate(manifest.resources))) if resource.kind == "Namespace"
        }
        late: dict[str, str] = {}
        for index, resource in enumerate(manifest.resources):
            namespace = resource.namespace
            if namespace and namespace not in CLUSTER_NAMESPACES and declared.get(namespace, index) >= index:
                never = namespace not in declared
                late.setdefault(
                    namespace, f"line {resource.line}: {resource} is {'in a namespace that is never declared' if never else 'before it'}"
                )
        for namespace, evidence in late.items():
            yield Finding(
                severity=Severity.ERROR,
                rule="namespace-order",
                title=f'{manifest.source}: the namespace "{namespace}" is not there when it is needed',
                evidence=(evidence,),
                cause="Manifests are processed from top to bottom, and helm does not render the namespace that --namespace names.",
                advice="put the namespace at the start of the manifest, or let `cilium inline` do it",
                guide=METHOD_4,
            )


def duplicates(subject: Subject) -> Iterator[Finding]:
    """A resource twice: only the first is created, since Talos never updates."""
    groups = [[manifest] for manifest in subject.files]
    groups += [[manifest for _, manifest in machine.inline] for machine in subject.machines]
    for group in groups:
        seen: dict[tuple[str, str, str, str], str] = {}
        for manifest in group:
            for resource in manifest.resources:
                where = f"{manifest.source}, line {resource.line}"
                if resource.key not in seen:
                    seen[resource.key] = where
                    continue
                yield Finding(
                    severity=Severity.WARNING,
                    rule="duplicate-resource",
                    title=f"{manifest.source}: {resource} is declared twice",
                    evidence=(f"first in {seen[resource.key]}", f"again in {where}"),
                    cause="Talos only creates what is missing, so the second one is never applied.",
                    advice="leave one of them out",
                    guide=METHOD_4,
                )


def ipam_mode(subject: Subject) -> Iterator[Finding]:
    """Talos assigns pod networks, so Cilium has to take them from Kubernetes."""
    facts = cilium_facts(subject)
    mode = facts.config.get("ipam")
    if mode is not None and mode != "kubernetes":
        yield Finding(
            severity=Severity.WARNING,
            rule="ipam-mode",
            title=f'Cilium is rendered with IPAM mode "{mode}"',
            evidence=tuple(manifest.source for manifest in facts.manifests),
            cause="Kubernetes hands out a pod network to each node (cluster.network.podSubnets); in another mode Cilium does not use it.",
            advice="render it with --set ipam.mode=kubernetes; `cilium values` has all settings",
            guide=INTRODUCTION,
        )


def api_address(subject: Subject) -> Iterator[Finding]:
    """Without kube-proxy the agents need the address of the API."""
    facts = cilium_facts(subject)
    if facts.strict and facts.dials_api is False:
        yield Finding(
            severity=Severity.ERROR,
            rule="strict-without-api",
            title="Cilium replaces kube-proxy but is not told where the Kubernetes API is",
            evidence=tuple(manifest.source for manifest in facts.manifests),
            cause="The service address of the API works only once Cilium itself runs, so its agents never start.",
            advice="render it with k8sServiceHost and k8sServicePort: `cilium values --strict --k8s-host HOST`",
            guide=METHOD_1,
        )
