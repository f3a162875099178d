"""The documents of Kubernetes: the cluster, the node, the components.

Source: Talos v1.14.0-rc.1, validation of its documents; verdicts and texts observed on talosctl.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from talos_resources.machineconfig.schema import urls
from talos_resources.machineconfig.validate.cluster import is_quantity
from talos_resources.machineconfig.validate.labels import check_annotations, check_labels, check_taints, is_subdomain
from talos_resources.machineconfig.validate.report import Report, Subject, is_filter

PROTECTED: Final = (
    "apiVersion", "authentication", "authorization", "cgroupRoot", "kind", "kubeletCgroups", "port", "protectKernelDefaults",
    "resolvConf", "rotateCertificates", "systemCgroups", "staticPodPath", "seccompDefault",
)  # fmt: skip
"""The fields of the kubelet's configuration that are Talos's own."""

ROLES: Final = ("os:admin", "os:operator", "os:reader", "os:etcd:backup", "os:impersonator", "os:image:verifier", "os:meta:writer")
"""What a client of the Talos API may be."""

_AUTHORIZERS: Final = ("Node", "RBAC", "Webhook")
_FORBIDDEN_ARGUMENTS: Final = (
    ("anonymous-auth", "KubeAuthenticationConfig"),
    ("oidc-", "KubeAuthenticationConfig"),
    ("authentication-config", "KubeAuthenticationConfig"),
    ("authorization-config", "KubeAuthorizationConfig"),
    ("authorization-mode", "KubeAuthorizationConfig"),
    ("authorization-webhook-", "KubeAuthorizationConfig"),
)


def check_cluster_document(subject: Subject) -> None:
    """KubeClusterConfig."""
    if not subject.text("clusterName"):
        subject.error("clusterName must be specified")
    endpoint = subject.text("endpoint")
    if not endpoint:
        subject.error("endpoint must be specified")
    elif fault := urls.endpoint_fault(endpoint):
        subject.error(f"cluster endpoint is invalid: {fault}")


def check_node(subject: Subject) -> None:
    """KubeNodeConfig."""
    for key, what, check in (
        ("labels", "labels", check_labels),
        ("annotations", "annotations", check_annotations),
        ("taints", "taints", check_taints),
    ):
        found = Report()
        check(found, "", subject.fields.get(key) or {})
        for fault in found.errors:
            subject.error(f"invalid node {what}: {fault.text}")
    for subnet in subject.section("nodeIP").get("validSubnets") or ():
        if not is_filter(subnet):
            subject.error(f'nodeIP subnet is not valid: "{subnet.removeprefix("!")}"')


def check_kubelet(subject: Subject) -> None:
    """KubeletConfig."""
    if not subject.text("image"):
        subject.error("kubelet image cannot be empty")
    config = subject.section("config")
    for field in PROTECTED:
        if field in config:
            subject.error(f'kubelet configuration field "{field}" can\'t be overridden')


def check_api_server(subject: Subject) -> None:
    """KubeAPIServerConfig: what has a document of its own cannot be an argument."""
    if not subject.text("image"):
        subject.error("kube-apiserver image cannot be empty")
    for argument in sorted(subject.section("extraArgs")):
        document = next((document for prefix, document in _FORBIDDEN_ARGUMENTS if argument.startswith(prefix)), None)
        if document is not None:
            subject.error(f'kube-apiserver extra argument "{argument}" is not allowed: use {document}')
    _check_resources(subject)


def check_controller_manager(subject: Subject) -> None:
    """KubeControllerManagerConfig; unchecked when it is not enabled."""
    if subject.fields.get("enabled") is not False:
        if not subject.text("image"):
            subject.error("kube-controller-manager image cannot be empty")
        _check_resources(subject)


def check_scheduler(subject: Subject) -> None:
    """KubeSchedulerConfig; unchecked when it is not enabled."""
    if subject.fields.get("enabled") is not False:
        if not subject.text("image"):
            subject.error("scheduler image cannot be empty")
        _check_resources(subject)


def check_proxy(subject: Subject) -> None:
    """KubeProxyConfig; unchecked when it is not enabled."""
    if subject.fields.get("enabled") is False:
        return
    if not subject.text("image"):
        subject.error("proxy image cannot be empty")
    mode = subject.text("mode")
    if mode in {"iptables", "ipvs"}:
        subject.warn(f'proxy mode "{mode}" is not recommended, please switch to nftables if possible')
    elif mode not in {"", "nftables"}:
        subject.error(f'invalid proxy mode "{mode}": supported modes are iptables, ipvs and nftables')
    if subject.fields.get("extraArgs"):
        subject.warn("extra arguments for kube-proxy may not work as expected, please use configuration instead")
    _check_resources(subject)


def check_flannel(subject: Subject) -> None:
    """KubeFlannelCNIConfig."""
    if not subject.text("backendType"):
        subject.error("flannel backend type must be specified")
    _check_resources(subject)


def _check_resources(subject: Subject) -> None:
    for kind in ("requests", "limits"):
        for name, amount in subject.section(f"resources.{kind}").items():
            if name not in {"cpu", "memory"}:
                subject.error(f'unsupported pod resource "{name}"')
            elif not is_quantity(amount):
                subject.error(f'invalid quantity of pod resource "{name}": "{amount}"')


def check_admission(subject: Subject) -> None:
    """KubeAdmissionControlConfig."""
    if not subject.text("name"):
        subject.error("admission control plugin name is required")


def check_authorizer(subject: Subject) -> None:
    """KubeAuthorizerConfig."""
    kind, webhook = subject.text("type"), subject.section("webhook")
    if not subject.text("name"):
        subject.error("authorizer name is required")
    if not kind:
        subject.error("authorizer type is required")
    if kind not in _AUTHORIZERS:
        subject.error(f"authorizer type {kind} is not allowed, allowed types are [{' '.join(_AUTHORIZERS)}]")
    elif kind == "Webhook" and not webhook:
        subject.error("authorizer webhook configuration is required for Webhook authorizer type")
    elif kind != "Webhook" and webhook:
        subject.warn("authorizer webhook configuration is not allowed non-Webhook authorizer types")


def check_encryption(subject: Subject) -> None:
    """KubeEtcdEncryptionConfig."""
    if not subject.section("config"):
        subject.error("etcd encryption config is required")


def check_prism(subject: Subject) -> None:
    """KubePrismConfig."""
    port = subject.fields.get("port", 0)
    if not 1 <= port <= 0xFFFF:
        subject.error(f"invalid port {port}: must be in range 1-65535")


def check_talos_access(subject: Subject) -> None:
    """KubeTalosAPIAccessConfig."""
    for role in subject.fields.get("allowedRoles") or ():
        if role not in ROLES:
            subject.error(f'invalid role "{role}" in .allowedRoles')


def _named(what: str) -> Callable[[Subject], None]:
    """A check of the name of something that Kubernetes or Talos makes a file of."""

    def check(subject: Subject) -> None:
        name = subject.text("name")
        if not name:
            subject.error(f"{what} name is required")
        elif not is_subdomain(name):
            subject.error(f'{what} name is invalid: domain doesn\'t match required format: "{name[:80]}"')

    return check


_check_manifest_name: Final = _named("manifest")
_check_pod_name: Final = _named("static pod")


def check_inline_manifest(subject: Subject) -> None:
    """KubeInlineManifestConfig: its text is not looked at."""
    _check_manifest_name(subject)


def check_external_manifest(subject: Subject) -> None:
    """KubeExternalManifestConfig."""
    _check_manifest_name(subject)
    url = subject.text("url")
    if not url:
        subject.error("manifest URL is required")
    elif (scheme := urls.parse(url).scheme) not in {"http", "https"}:
        subject.error(f'manifest URL scheme must be http or https: "{scheme}"')


def check_static_pod(subject: Subject) -> None:
    """KubeStaticPodConfig."""
    _check_pod_name(subject)
    if not subject.section("pod"):
        subject.error("static pod spec is required")
