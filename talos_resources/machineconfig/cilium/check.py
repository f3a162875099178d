"""`cilium check`: all rules over everything that was given."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from talos_resources.machineconfig.cilium import rules_config, rules_manifest, rules_network, rules_talos
from talos_resources.machineconfig.cilium.subject import Subject
from talos_resources.model.finding import Finding, ordered

Rule = Callable[[Subject], Iterator[Finding]]

RULES: Final[tuple[Rule, ...]] = (
    rules_manifest.separators,
    rules_manifest.broken_documents,
    rules_manifest.namespace_order,
    rules_manifest.duplicates,
    rules_manifest.ipam_mode,
    rules_manifest.api_address,
    rules_talos.kernel_modules,
    rules_talos.cgroup_mounts,
    rules_talos.kube_prism,
    rules_config.different_identities,
    rules_config.public_manifests,
    rules_config.inline_on_worker,
    rules_config.inline_names,
    rules_config.different_control_planes,
    rules_config.cni_not_none,
    rules_config.kube_proxy,
    rules_network.masquerade,
    rules_network.host_dns,
    rules_network.ebpf_routing,
    rules_network.native_routing,
    rules_network.advertised_networks,
    rules_network.kubespan_mtu,
    rules_network.cilium_mtu,
    rules_network.flannel_mtu,
    rules_config.update_note,
)
"""Every rule; each gives a finding for each fault that it sees."""


def check(subject: Subject) -> tuple[Finding, ...]:
    """What the guide warns of and the subject does, the worst first.

    Args:
        subject: see `subject.read_subject` for files, `subject.machine_file` for a loaded configuration.
    """
    return ordered([finding for rule in RULES for finding in rule(subject)])
