"""The `cluster` section: endpoint, CNI, discovery, inline manifests, etcd.

Source: Talos v1.12.3 and v1.14.0-rc.1, configuration validation; verdicts observed on talosctl.
"""

from __future__ import annotations

import re
from typing import Any, Final

from talos_resources.machineconfig.defaults import DISCOVERY_ENDPOINT
from talos_resources.machineconfig.schema import urls
from talos_resources.machineconfig.validate.report import Report, Section, is_filter, section
from talos_resources.releases import ValidationRules

_DNS_NAME: Final = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9_-]{0,62}(?:\.[a-zA-Z0-9_][a-zA-Z0-9_-]{0,62})*[._]?", re.ASCII)
_QUANTITY: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+|[numkKMGTPE]|[KMGTPE]i)?", re.ASCII)
_AUTHORIZERS: Final = ("Node", "RBAC", "Webhook")


def is_quantity(amount: Any) -> bool:
    """Whether it is an amount as Kubernetes writes it: 500m, 1.5, 2Gi."""
    text = str(amount)
    return len(text) <= 64 and _QUANTITY.fullmatch(text) is not None


def check_cluster(report: Report, cluster: Section | None, rules: ValidationRules, *, is_control_plane: bool) -> None:
    """Checks the section; None if there is none."""
    if cluster is None:
        report.error("cluster", "this section is required")
        return
    endpoint = section(cluster, "controlPlane").get("endpoint")
    if endpoint is None and (rules.needs_control_plane_endpoint or cluster.get("controlPlane") is not None):
        report.error("cluster.controlPlane.endpoint", "is required")
        return
    if endpoint is not None and (fault := urls.endpoint_fault(endpoint)):
        report.error("cluster.controlPlane.endpoint", f'"{endpoint}": {fault}')
    domain = section(cluster, "network").get("dnsDomain", "")
    if domain and (_DNS_NAME.fullmatch(domain) is None or len(domain) - domain.count(".") > 255):
        report.error("cluster.network.dnsDomain", f'"{domain}" is not a valid DNS name')
    _check_external(report, section(cluster, "externalCloudProvider"))
    etcd = cluster.get("etcd")
    if etcd is not None and is_control_plane:
        _check_etcd(report, etcd)
    elif etcd is not None:
        report.error("cluster.etcd", "is only allowed on control planes")
    if section(cluster, "ca").get("key") and not is_control_plane:
        report.error("cluster.ca.key", "the key of the cluster CA is not allowed on workers")
    _check_manifests(report, cluster)
    _check_discovery(report, cluster)
    _check_components(report, cluster)


def _check_components(report: Report, cluster: Section) -> None:
    for component in ("apiServer", "controllerManager", "scheduler"):
        for kind in ("requests", "limits"):
            for name, amount in section(cluster, f"{component}.resources.{kind}").items():
                if name not in {"cpu", "memory"} or not is_quantity(amount):
                    report.error(f"cluster.{component}.resources.{kind}.{name}", "only quantities of cpu and memory are understood")
    for index, authorizer in enumerate(section(cluster, "apiServer").get("authorizationConfig") or ()):
        where = f"cluster.apiServer.authorizationConfig[{index}]"
        if not authorizer or not authorizer.get("name") or authorizer.get("type") not in _AUTHORIZERS:
            report.error(where, f"needs a name and one of the types {', '.join(_AUTHORIZERS)}")


def _check_external(report: Report, provider: Section) -> None:
    manifests = provider.get("manifests") or []
    path = "cluster.externalCloudProvider.manifests"
    if manifests and not provider.get("enabled"):
        report.error(path, "there are manifests, but the external cloud provider is not enabled")
        return
    for url in manifests:
        if fault := urls.endpoint_fault(url):
            report.error(path, f'"{url}": {fault}')


def _check_etcd(report: Report, etcd: Section) -> None:
    authority = etcd.get("ca")
    if authority is None:
        report.error("cluster.etcd.ca", "certificate and key are required")
    if etcd.get("subnet") and etcd.get("advertisedSubnets"):
        report.error("cluster.etcd.subnet", "cannot be set together with advertisedSubnets")
    single = [etcd["subnet"]] if etcd.get("subnet") and not etcd.get("advertisedSubnets") else []
    for key, subnets in (("subnet", single), *((key, etcd.get(key) or ()) for key in ("advertisedSubnets", "listenSubnets"))):
        for subnet in subnets:
            if not is_filter(subnet):
                report.error(f"cluster.etcd.{key}", f'"{subnet}" is no network')


def _check_manifests(report: Report, cluster: Section) -> None:
    seen: set[str] = set()
    for index, manifest in enumerate(cluster.get("inlineManifests") or ()):
        name = manifest.get("name", "")
        path = f"cluster.inlineManifests[{index}].name"
        if not name.strip():
            report.error(path, "the name of an inline manifest cannot be empty")
        if name in seen:
            report.error(path, f'there is an inline manifest "{name}" already; Talos would keep only one')
        seen.add(name)


def _check_discovery(report: Report, cluster: Section) -> None:
    discovery = section(cluster, "discovery")
    service = section(discovery, "registries.service")
    if not discovery.get("enabled") or service.get("disabled"):
        return
    endpoint = service.get("endpoint") or DISCOVERY_ENDPOINT
    path = "cluster.discovery.registries.service.endpoint"
    fault, url = None, urls.Url()
    try:
        url = urls.parse(endpoint)
    except ValueError as error:
        fault = str(error)
    if not url.scheme and not endpoint.startswith("/"):
        fault = fault or "a whole URL is needed, such as https://discovery.talos.dev/"
    elif url.path not in {"", "/"}:
        fault = "the URL may not have a path"
    if fault:
        report.error(path, f'"{endpoint}": {fault}')
    for key in ("id", "secret"):
        if not cluster.get(key):
            report.error(f"cluster.{key}", "the discovery service needs it")


def check_cni(report: Report, cni: Section | None) -> None:
    """Checks the CNI of a control plane; None stands for the default, flannel."""
    if cni is None:
        return
    name, manifests = cni.get("name", ""), cni.get("urls") or []
    if name not in {"flannel", "custom", "none"}:
        report.error("cluster.network.cni.name", f'"{name}" is none of flannel, custom and none')
        return
    if name != "custom" and manifests:
        report.error("cluster.network.cni.urls", f'must be empty with the CNI "{name}"; urls belong to "custom"')
    if name != "flannel" and section(cni, "flannel").get("extraArgs"):
        report.error("cluster.network.cni.flannel.extraArgs", f'must be empty with the CNI "{name}"')
    if name != "flannel" and section(cni, "flannel").get("kubeNetworkPoliciesEnabled"):
        report.error("cluster.network.cni.flannel.kubeNetworkPoliciesEnabled", f'must not be enabled with the CNI "{name}"')
    if name == "custom" and not manifests:
        report.warn("cluster.network.cni.urls", 'should not be empty with the CNI "custom"')
    if name == "custom":
        for url in manifests:
            if fault := urls.endpoint_fault(url):
                report.error("cluster.network.cni.urls", f'"{url}": {fault}')
