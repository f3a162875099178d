"""Checks over all documents: what needs what, wherever it stands.

Source: reference of the machine-config workflow (validate, over all documents), Talos v1.14.0-rc.1; texts
observed on talosctl.
"""

from __future__ import annotations

from talos_resources.machineconfig.documents import MachineConfig
from talos_resources.machineconfig.schema.table import field_table
from talos_resources.machineconfig.validate.containers import check_dependencies
from talos_resources.machineconfig.validate.report import Report, Section, section


def check_whole(report: Report, config: MachineConfig, mode: str) -> None:
    """Checks a configuration as a whole."""
    main = config.main.fields if config.main is not None else {}
    _check_host_dns(report, config, main, mode)
    _check_discovery(report, config, main)
    is_control_plane = section(main, "machine").get("type") in {"init", "controlplane"}
    if is_control_plane:
        _check_encryption(report, config, main)
    else:
        only = field_table(config.release.field_table).control_plane_kinds
        found = sorted({document.kind for document in config.documents if document.kind in only})
        if found:
            report.error("", f"the following document kinds are only allowed on control plane machines: [{' '.join(found)}]")
    check_dependencies(report, config.all("ContainerConfig"))


def _host_dns(config: MachineConfig, main: Section) -> Section | None:
    """The settings of host DNS: of the document, else of the v1alpha1 one; None if there are none."""
    resolver = config.find("ResolverConfig")
    found: Section | None = (resolver.fields.get("hostDNS") if resolver is not None else None) or section(main, "machine.features").get(
        "hostDNS"
    )
    return found


def _check_host_dns(report: Report, config: MachineConfig, main: Section, mode: str) -> None:
    dns = _host_dns(config, main)
    enabled = dns is not None and bool(dns.get("enabled"))
    if mode == "container":
        if dns is None:
            report.error("", "hostDNS config is required in container mode (ResolverConfig.hostDNS)")
        elif not enabled:
            report.error("", "hostDNS must be enabled in container mode")
        elif not dns.get("forwardKubeDNSToHost"):
            report.error("", "forwardKubeDNSToHost must be enabled in container mode")
    resolver = config.find("ResolverConfig")
    servers = (resolver.fields.get("nameservers") if resolver is not None else None) or ()
    if not enabled and any(server.get("protocol", "Do53") != "Do53" for server in servers):
        report.error("", "hostDNS must be enabled when using non-default DNS protocols")


def _check_discovery(report: Report, config: MachineConfig, main: Section) -> None:
    cluster = section(main, "cluster")
    legacy = section(cluster, "discovery")
    has_service = bool(config.all("DiscoveryServiceConfig")) or bool(
        legacy.get("enabled") and not section(legacy, "registries.service").get("disabled")
    )
    if has_service:
        known = _identity(config, cluster)
        for what, key, is_known in (("ID", "id", known[0]), ("secret", "secret", known[1])):
            if not is_known:
                where = f"(.cluster.{key} or DiscoveryIdentityConfig)"
                report.error("", f"cluster {what} {where} should be set when cluster discovery (DiscoveryServiceConfig) is enabled")
    document = config.find("KubeSpanConfig")
    kubespan: Section = document.fields if document is not None else section(main, "machine.network.kubespan")
    if kubespan.get("enabled") and not has_service:
        report.error("", "KubeSpan requires cluster discovery to be enabled")


def _identity(config: MachineConfig, cluster: Section) -> tuple[bool, bool]:
    """Whether id and secret of the cluster are known; the v1alpha1 document goes before the other one."""
    legacy = bool(cluster.get("id")), bool(cluster.get("secret"))
    document = config.find("DiscoveryIdentityConfig")
    if any(legacy) or document is None:
        return legacy
    return bool(document.fields.get("clusterID")), bool(document.fields.get("clusterSecret"))


def _check_encryption(report: Report, config: MachineConfig, main: Section) -> None:
    cluster = section(main, "cluster")
    runs_api_server = config.find("KubeAPIServerCAConfig") is not None or "ca" in cluster or bool(cluster.get("acceptedCAs"))
    encrypted = config.find("KubeEtcdEncryptionConfig") is not None or any(
        cluster.get(key) for key in ("aescbcEncryptionSecret", "secretboxEncryptionSecret")
    )
    if runs_api_server and not encrypted:
        report.error("", "etcd encryption config is required for control plane machines running kube-apiserver")
