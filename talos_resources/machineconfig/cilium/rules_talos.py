"""Checks of what Talos does not allow, and of the address at which Cilium looks for the API.

Source: Talos documentation, Deploying Cilium CNI and KubePrism; docs/cilium.md names the public facts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from talos_resources.machineconfig.cilium.facts import cilium_facts
from talos_resources.machineconfig.cilium.subject import MachineFile, Subject
from talos_resources.machineconfig.cilium.values import CGROUP_ROOT
from talos_resources.model.finding import Finding, Severity

TODAY: Final = "Deploying Cilium CNI, as Talos documents it today"
_HERE: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def kernel_modules(subject: Subject) -> Iterator[Finding]:
    """No pod may load kernel modules."""
    facts = cilium_facts(subject)
    if facts.loads_modules:
        yield Finding(
            severity=Severity.ERROR,
            rule="kernel-modules",
            title="Cilium asks for SYS_MODULE, which Talos gives to no pod",
            evidence=tuple(f"container {name}: capabilities.add has SYS_MODULE" for name in facts.loads_modules),
            cause="The container runtime cannot give what Talos has taken from everybody, so the agents never start.",
            advice="render the chart with the capabilities of `cilium values`; charts before 1.13 cannot do without",
            guide=TODAY,
        )


def cgroup_mounts(subject: Subject) -> Iterator[Finding]:
    """Talos has mounted cgroup2, and its root is read-only."""
    facts = cilium_facts(subject)
    root = facts.config.get("cgroup-root", CGROUP_ROOT)
    if facts.mounts_cgroups or root != CGROUP_ROOT:
        yield Finding(
            severity=Severity.WARNING,
            rule="cgroup-mounts",
            title="Cilium mounts cgroup2 by itself, where Talos has mounted it already",
            evidence=(*(["init container mount-cgroup"] if facts.mounts_cgroups else []), *facts.says("cgroup-root")),
            cause=f"Talos has it at {CGROUP_ROOT}, and the host's file system takes no programs of others to mount it again.",
            advice=f"render the chart with cgroup.autoMount.enabled=false and cgroup.hostRoot={CGROUP_ROOT}: `cilium values`",
            guide=TODAY,
        )


def kube_prism(subject: Subject) -> Iterator[Finding]:
    """What answers at localhost is KubePrism, if it does."""
    facts = cilium_facts(subject)
    if facts.api_host not in _HERE:
        return
    for machine in subject.machines:
        yield from _prism_faults(machine, facts.api_port)


def _prism_faults(machine: MachineFile, port: str) -> Iterator[Finding]:
    prism = machine.facts.kube_prism
    document = "KubePrismConfig" if machine.facts.is_new_form else "machine.features.kubePrism"
    if prism is None:
        yield Finding(
            severity=Severity.ERROR,
            rule="kube-prism",
            title=f"{machine.source}: Cilium dials the API at localhost:{port}, and KubePrism is off",
            cause="Nobody answers there, so the agents never start and no pod gets a network.",
            advice=f"switch {document} on (port {port}), or render Cilium with another k8sServiceHost",
            guide=TODAY,
        )
    elif port != str(prism):
        yield Finding(
            severity=Severity.ERROR,
            rule="kube-prism",
            title=f"{machine.source}: Cilium dials the API at localhost:{port}, and KubePrism is at port {prism}",
            cause="Nobody answers there, or only on control planes, so the agents never start.",
            advice=f"render Cilium with k8sServicePort={prism}",
            guide=TODAY,
        )
    elif not machine.facts.discovers:
        yield Finding(
            severity=Severity.WARNING,
            rule="kube-prism",
            title=f"{machine.source}: Cilium dials the API through KubePrism, and discovery is off",
            cause="Without discovery KubePrism does not know the control planes and only has the cluster's endpoint to offer.",
            advice="switch discovery on, or make sure that the cluster's endpoint itself never fails",
            guide=TODAY,
        )
