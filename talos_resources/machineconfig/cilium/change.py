"""A node's own configuration with Cilium as an inline manifest.

Source: Talos guide, Deploying Cilium CNI, method 4.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from talos_resources.machineconfig.cilium.check import check
from talos_resources.machineconfig.cilium.facts import cilium_facts
from talos_resources.machineconfig.cilium.inline import InlineManifest
from talos_resources.machineconfig.cilium.manifest import parse_manifest
from talos_resources.machineconfig.cilium.patch import cilium_patch
from talos_resources.machineconfig.cilium.subject import Manifest, Subject, machine_file
from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.machineconfig.form import form_of
from talos_resources.machineconfig.patch.apply import patch_config
from talos_resources.machineconfig.patch.load import parse_patch
from talos_resources.machineconfig.settings import Settings
from talos_resources.model.finding import Severity


def with_cilium(config: MachineConfig, manifest: InlineManifest, *, strict: bool = False) -> MachineConfig:
    """The configuration without another CNI, and on a control plane with the manifest, in the form that it has.

    Args:
        config: as it is; an inline manifest of the same name is replaced.
        manifest: of Cilium.
        strict: without kube-proxy.
    """
    is_control_plane = Settings.of(config).machine_type == "controlplane"
    others = [entry for entry in config.get("cluster.inlineManifests", ()) if entry.get("name") != manifest.name]
    if len(others) < len(config.get("cluster.inlineManifests", ())):
        config = config.with_value("cluster.inlineManifests", others or None)
    text = cilium_patch(
        "inline" if is_control_plane else "install",
        strict=strict,
        manifest=manifest if is_control_plane else None,
        contract=form_of(config),
    )
    return patch_config(config, [parse_patch(text, release=config.release)])[0]


def replaces_kube_proxy(manifest: InlineManifest) -> bool:
    """Whether the manifest says that Cilium does kube-proxy's work.

    Raises:
        ConfigError: it cannot be read.
    """
    documents = parse_manifest(manifest.contents, source=manifest.name)
    return bool(cilium_facts(Subject(files=(Manifest(source=manifest.name, documents=documents),))).strict)


def dangers(old: Mapping[str, MachineConfig], new: Mapping[str, MachineConfig], *, replace_cni: bool = False) -> Iterator[str]:
    """Why Cilium should not be given to these nodes, a line each.

    Args:
        old: node → its configuration now.
        new: node → what it is to get.
        replace_cni: flannel is meant to make room.
    """
    planes = [node for node, config in new.items() if Settings.of(config).machine_type == "controlplane"]
    if not planes:
        yield f"{', '.join(new)} is no control plane, and Talos applies inline manifests on control planes only; name all of them"
        return
    flannel = [node for node in planes if Settings.of(old[node]).cni.name == "flannel"]
    if flannel and not replace_cni:
        told = "Talos does not remove it, and two CNIs fight; delete its DaemonSet afterwards and say --replace-cni"
        yield f"flannel is the CNI on {', '.join(flannel)}: {told}"
    machines = tuple(machine_file(config, source=node) for node, config in new.items())
    for finding in check(Subject(machines=machines)):
        if finding.severity is Severity.ERROR:
            yield f"{finding.title} ({finding.advice})" if finding.advice else finding.title
