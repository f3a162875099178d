"""The v1alpha1 document, and the order of all checks.

Source: Talos v1.12.3 and v1.14.0-rc.1, configuration validation; verdicts observed on talosctl.
"""

from __future__ import annotations

from typing import Any, Final, Literal

from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.machineconfig.schema import urls
from talos_resources.machineconfig.schema.enums import SORT_ALGORITHMS
from talos_resources.machineconfig.validate.cluster import check_cluster, check_cni
from talos_resources.machineconfig.validate.collisions import check_collisions
from talos_resources.machineconfig.validate.documents import check_document
from talos_resources.machineconfig.validate.kubernetes import PROTECTED, ROLES
from talos_resources.machineconfig.validate.labels import check_annotations, check_labels, check_taints
from talos_resources.machineconfig.validate.network import check_kubespan, check_network
from talos_resources.machineconfig.validate.report import Report, Section, is_filter, section
from talos_resources.machineconfig.validate.whole import check_whole
from talos_resources.model.errors import ConfigError
from talos_resources.model.near import did_you_mean
from talos_resources.releases import ValidationRules

Mode = Literal["cloud", "container", "metal", "metal-agent"]
"""Where the machine runs: containers get no installation, metal has to be told the disk."""

MODES: Final[tuple[Mode, ...]] = ("cloud", "container", "metal", "metal-agent")

_TYPES: Final = {"controlplane": "controlplane", "init": "init", "worker": "worker", "join": "worker", "": "worker"}


def validate(config: MachineConfig, mode: str, *, strict: bool = False) -> Report:
    """Checks a configuration as Talos does before it accepts it.

    Args:
        config: what has been loaded, so its keys and types are right; it is judged by the rules of its release.
        mode: one of `MODES`.
        strict: warnings of the v1alpha1 document become errors.

    Raises:
        ConfigError: there is no such mode.
    """
    if mode not in MODES:
        raise ConfigError(f'there is no mode "{mode}"; there are {", ".join(MODES)}{did_you_mean(mode, MODES)}', mode=mode)
    report, rules = Report(), config.release.validation
    main = config.main
    if main is not None:
        _check_main(report, main.fields, mode, rules)
        report.main_warnings = len(report.warnings)
    others = [document for document in config.documents if document is not main]
    for document in others:
        check_document(report, document)
    if main is not None:
        for document in others:
            check_collisions(report, document, main.fields)
    if rules.all_documents:
        check_whole(report, config, mode)
    return report.strict() if strict else report


def _check_main(report: Report, fields: Section, mode: Mode, rules: ValidationRules) -> None:
    if "machine" not in fields:
        report.error("machine", "this section is required")
        return
    machine: Section = fields["machine"]
    kind = machine.get("type", "")
    role = _TYPES.get(kind)
    is_control_plane = role in {"controlplane", "init"}
    check_cluster(report, fields.get("cluster"), rules, is_control_plane=is_control_plane)
    _check_mode(report, machine, mode, rules)
    if role is None:
        report.error("machine.type", f'there is no machine type "{kind}"; there are controlplane and worker')
    elif role != kind:
        report.warn("machine.type", f'use "{role}" instead of "{kind}"')
    _check_authority(report, machine, fields, role)
    check_network(report, machine.get("network"), is_worker=role == "worker")
    check_kubespan(report, machine, section(fields, "cluster"), rules)
    _check_disks(report, machine)
    _check_kubelet(report, machine)
    _check_install(report, machine)
    check_labels(report, "machine.nodeLabels", machine.get("nodeLabels") or {})
    check_annotations(report, "machine.nodeAnnotations", machine.get("nodeAnnotations") or {})
    check_taints(report, "machine.nodeTaints", machine.get("nodeTaints") or {})
    for path in rules.deprecations:
        if section(fields, path.rpartition(".")[0]).get(path.rpartition(".")[2]):
            report.warn(path, "is deprecated; use documents of their own instead")
    _check_features(report, machine, is_control_plane=is_control_plane)
    if is_control_plane and "network" in section(fields, "cluster"):
        check_cni(report, fields["cluster"]["network"].get("cni"))
    if fields.get("persist") is False:
        report.error("persist", "must be enabled")
    for what in ("config", "mirrors"):
        for name, value in section(machine, f"registries.{what}").items():
            if value is None:
                report.error(f"machine.registries.{what}.{name}", "is null")


def _check_mode(report: Report, machine: Section, mode: Mode, rules: ValidationRules) -> None:
    install = machine.get("install")
    if mode == "metal":
        if install is None and rules.needs_install:
            report.error("machine.install", "install instructions are required in metal mode: give a disk or a diskSelector")
        elif install is not None:
            selector = install.get("diskSelector")
            if not install.get("disk") and selector is None:
                report.error("machine.install", "give either a disk or a diskSelector")
            if selector is not None:
                _check_selector(report, selector)
            if install.get("extraKernelArgs") and install.get("grubUseUKICmdline"):
                report.error("machine.install.extraKernelArgs", "cannot be used together with grubUseUKICmdline")
    dns = section(machine, "features.hostDNS")
    if mode == "container" and not rules.all_documents:
        for key, why in (("enabled", "has to be on"), ("forwardKubeDNSToHost", "has to forward kube-dns to the host")):
            if not dns.get(key):
                report.error(f"machine.features.hostDNS.{key}", f"host DNS {why} in container mode")
    if rules.forwarding_needs_host_dns and dns.get("forwardKubeDNSToHost") and not dns.get("enabled"):
        report.error("machine.features.hostDNS.forwardKubeDNSToHost", "requires hostDNS.enabled")


def _check_selector(report: Report, selector: Section) -> None:
    where = "machine.install.diskSelector"
    if selector.get("name"):
        report.error(f"{where}.name", "disks cannot be chosen by name")
    kind = selector.get("type", "")
    if kind not in {"", "nvme", "sd", "hdd", "ssd"}:
        report.error(f"{where}.type", f'there is no type "{kind}"; there are nvme, sd, hdd and ssd')


def _check_authority(report: Report, machine: Section, fields: Section, role: str | None) -> None:
    issuing, accepted = machine.get("ca"), machine.get("acceptedCAs")
    if issuing is None and not accepted:
        report.error("machine.ca", "an issuing CA, or some acceptedCAs, are required")
    if role in {"controlplane", "init"}:
        if issuing is None:
            report.error("machine.ca", "control planes need the issuing CA")
        elif not issuing.get("key"):
            report.error("machine.ca.key", "control planes need the key of the issuing CA")
    elif role == "worker":
        if issuing is not None and issuing.get("key"):
            report.error("machine.ca.key", "the key of the Talos API CA is not allowed on workers")
        if issuing is not None and not issuing.get("crt") and not accepted:
            report.error("machine.ca.crt", "workers need trusted CA certificates (ca.crt or acceptedCAs)")
        if section(fields, "cluster.ca").get("key"):
            report.error("cluster.ca.key", "the key of the Kubernetes API CA is not allowed on workers")


def _check_disks(report: Report, machine: Section) -> None:
    for index, disk in enumerate(machine.get("disks") or ()):
        path = f"machine.disks[{index}]"
        if disk is None:
            report.error(path, "is null")
            continue
        partitions = disk.get("partitions") or []
        for number, partition in enumerate(partitions[:-1]):
            if partition is not None and partition.get("size", "0 B") == "0 B":
                report.error(f"{path}.partitions[{number}]", "only the last partition can take the rest of the disk; give a size")
    for key in ("ephemeral", "state"):
        encryption = section(machine, "systemDiskEncryption").get(key)
        if encryption is not None:
            _check_keys(report, f"machine.systemDiskEncryption.{key}.keys", encryption.get("keys") or [])


def _check_keys(report: Report, path: str, keys: list[Any]) -> None:
    if not keys:
        report.error(path, "no encryption keys")
    slots: set[int] = set()
    for index, key in enumerate(keys):
        slot = (key or {}).get("slot", 0)
        if slot in slots:
            report.error(f"{path}[{index}].slot", f"slot {slot} is in use already")
        slots.add(slot)
        if not any((key or {}).get(what) is not None for what in ("static", "nodeID", "kms", "tpm")):
            report.error(f"{path}[{index}]", "needs one of static, nodeID, kms or tpm")


def _check_kubelet(report: Report, machine: Section) -> None:
    for subnet in section(machine, "kubelet.nodeIP").get("validSubnets") or ():
        if not is_filter(subnet):
            report.error("machine.kubelet.nodeIP.validSubnets", f'"{subnet}" is no network')
    for field in section(machine, "kubelet.extraConfig"):
        if field in PROTECTED:
            report.error(f"machine.kubelet.extraConfig.{field}", "this field of the kubelet configuration cannot be overridden")


def _check_install(report: Report, machine: Section) -> None:
    extensions = [extension.get("image", "") for extension in section(machine, "install").get("extensions") or ()]
    if extensions:
        report.warn("machine.install.extensions", "is deprecated; build the extensions into the boot assets")
    for image in dict.fromkeys(image for image in extensions if extensions.count(image) > 1):
        report.error("machine.install.extensions", f'system extension "{image}" is there twice')


def _check_features(report: Report, machine: Section, *, is_control_plane: bool) -> None:
    access = section(machine, "features.kubernetesTalosAPIAccess")
    path = "machine.features.kubernetesTalosAPIAccess"
    if access.get("enabled"):
        if not is_control_plane:
            report.error(path, "can only be enabled on control planes")
        for role in access.get("allowedRoles") or ():
            if role not in ROLES:
                report.error(f"{path}.allowedRoles", f'there is no role "{role}"; there are {", ".join(ROLES)}')
    algorithm = section(machine, "features").get("nodeAddressSortAlgorithm", "")
    if algorithm and algorithm.lower() not in SORT_ALGORITHMS:
        report.error("machine.features.nodeAddressSortAlgorithm", f'"{algorithm}" is none of {", ".join(SORT_ALGORITHMS)}')
    for index, destination in enumerate(section(machine, "logging").get("destinations") or ()):
        where = f"machine.logging.destinations[{index}]"
        endpoint = destination.get("endpoint")
        if endpoint is None:
            report.error(f"{where}.endpoint", "is required")
        elif not (url := urls.parse(endpoint)).host:
            report.error(f"{where}.endpoint", "has no host")
        elif url.scheme not in {"tcp", "udp"}:
            report.error(f"{where}.endpoint", f'begins with tcp:// or udp://, not with the scheme "{url.scheme}"')
        if destination.get("format", "") != "json_lines":
            report.error(f"{where}.format", "the only format is json_lines")
