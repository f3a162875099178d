"""The configuration of a new cluster's machines, document by document, in Talos' order of keys.

Which keys there are depends on the version contract; each function says its part of that table.

Source: reference of the machine-config workflow (gen config), Talos v1.12.3.
"""

from __future__ import annotations

from typing import Any, Final, Literal

from talos_resources.machineconfig.gen import contract as since
from talos_resources.machineconfig.gen.options import GenOptions
from talos_resources.machineconfig.gen.secrets import SecretsBundle, certificate_to_plain, encode

MachineRole = Literal["init", "controlplane", "worker"]

POD_SUBNET: Final = "10.244.0.0/16"
SERVICE_SUBNET: Final = "10.96.0.0/12"
_KUBE_PRISM_PORT: Final = 7445
_OLD_REGISTRY: Final = "k8s.gcr.io"
_NO_LOAD_BALANCER_LABEL: Final = "node.kubernetes.io/exclude-from-external-load-balancers"


def documents(role: MachineRole, options: GenOptions, secrets: SecretsBundle) -> list[dict[str, Any]]:
    """The documents of one machine's configuration.

    Args:
        role: `init` is a control plane that bootstraps the cluster by itself, as old versions did.
        options: what the user asks for.
        secrets: a complete bundle.

    Returns:
        Plain values in the order in which Talos writes them, the v1alpha1 document first.
    """
    main = {
        "version": "v1alpha1",
        "debug": False,
        "persist": options.persist,
        "machine": _machine(role, options, secrets),
        "cluster": _cluster(options, secrets) if role == "worker" else _control_plane_cluster(options, secrets),
    }
    if options.contract < since.V1_12:
        return [main]
    mirrors = [
        {"apiVersion": "v1alpha1", "kind": "RegistryMirrorConfig", "name": registry, "endpoints": [{"url": url} for url in urls]}
        for registry, urls in sorted(options.registry_mirrors.items())
    ]
    return [main, *mirrors, {"apiVersion": "v1alpha1", "kind": "HostnameConfig", "auto": "stable"}]


def to_yaml(parts: list[dict[str, Any]]) -> str:
    """Documents as one text."""
    from talos_resources.codec.goyaml.emit import dump

    return "---\n".join(dump(part) for part in parts)


def _machine(role: MachineRole, options: GenOptions, secrets: SecretsBundle) -> dict[str, Any]:
    contract = options.contract
    machine: dict[str, Any] = {
        "type": role,
        "token": secrets.trustd_token,
        "ca": certificate_to_plain(secrets.os, with_key=role != "worker"),
        "certSANs": list(options.additional_sans),
        "kubelet": _kubelet(options),
        "network": {"kubespan": {"enabled": True}} if options.kubespan else {},
        "install": _install(options),
    }
    mirrors = _legacy_mirrors(options)
    if mirrors:
        machine["registries"] = {"mirrors": mirrors}
    machine["features"] = _features(options)
    if role != "worker" and contract >= since.V1_8:
        machine["nodeLabels"] = {_NO_LOAD_BALANCER_LABEL: ""}
    return machine


def _kubelet(options: GenOptions) -> dict[str, Any]:
    kubelet: dict[str, Any] = {**options.image("ghcr.io/siderolabs/kubelet")}
    if options.contract >= since.V1_2:
        kubelet["defaultRuntimeSeccompProfileEnabled"] = True
    if options.contract >= since.V1_3:
        kubelet["disableManifestsDirectory"] = True
    return kubelet


def _install(options: GenOptions) -> dict[str, Any]:
    install: dict[str, Any] = {}
    if options.install_disk:
        install["disk"] = options.install_disk
    if options.install_image:
        install["image"] = options.install_image
    install["wipe"] = False
    if options.contract >= since.V1_12:
        install["grubUseUKICmdline"] = True
    return install


def _legacy_mirrors(options: GenOptions) -> dict[str, Any]:
    """Mirrors inside the v1alpha1 document; newer contracts have documents for them."""
    if options.contract >= since.V1_12:
        return {}
    mirrors = dict(options.registry_mirrors)
    if options.contract == since.V1_2:
        # Kubernetes moved its registry in these days; the old name is sent to the new one.
        mirrors[_OLD_REGISTRY] = (*mirrors.get(_OLD_REGISTRY, ()), "https://registry.k8s.io", f"https://{_OLD_REGISTRY}")
    from talos_resources.codec.goyaml.keys import natural_key

    return {registry: {"endpoints": list(mirrors[registry])} for registry in sorted(mirrors, key=natural_key)}


def _features(options: GenOptions) -> dict[str, Any]:
    contract = options.contract
    old = contract < since.V1_12
    features: dict[str, Any] = {}
    if old:
        features["rbac"] = True
        if contract >= since.V1_2:
            features["stableHostname"] = True
        if contract >= since.V1_3:
            features["apidCheckExtKeyUsage"] = True
    if contract >= since.V1_5:
        features["diskQuotaSupport"] = True
    if contract >= since.V1_6:
        features["kubePrism"] = {"enabled": True, "port": _KUBE_PRISM_PORT}
    if contract >= since.V1_7:
        features["hostDNS"] = {"enabled": True, **({"forwardKubeDNSToHost": True} if contract >= since.V1_8 else {})}
    return features


def _cluster(options: GenOptions, secrets: SecretsBundle) -> dict[str, Any]:
    """The cluster section of a worker, which may not know the secrets of the control plane."""
    return {
        **_common_cluster(options, secrets, named=options.contract >= since.V1_8),
        "ca": certificate_to_plain(secrets.k8s, with_key=False),
        "discovery": _discovery(options),
    }


def _control_plane_cluster(options: GenOptions, secrets: SecretsBundle) -> dict[str, Any]:
    service_account = secrets.k8s_service_account_key
    return {
        **_common_cluster(options, secrets, named=True),
        **_encryption(options, secrets),
        "ca": certificate_to_plain(secrets.k8s),
        "aggregatorCA": certificate_to_plain(secrets.k8s_aggregator),
        "serviceAccount": {"key": "" if service_account is None else encode(service_account)},
        "apiServer": _api_server(options),
        "controllerManager": options.image("registry.k8s.io/kube-controller-manager"),
        "proxy": options.image("registry.k8s.io/kube-proxy"),
        "scheduler": options.image("registry.k8s.io/kube-scheduler"),
        "discovery": _discovery(options),
        "etcd": {"ca": certificate_to_plain(secrets.etcd)},
    }


def _common_cluster(options: GenOptions, secrets: SecretsBundle, *, named: bool) -> dict[str, Any]:
    return {
        "id": secrets.cluster_id,
        "secret": secrets.cluster_secret,
        "controlPlane": {"endpoint": options.endpoint},
        **({"clusterName": options.cluster_name} if named and options.cluster_name else {}),
        "network": _network(options),
        "token": secrets.bootstrap_token,
    }


def _network(options: GenOptions) -> dict[str, Any]:
    return {"dnsDomain": options.dns_domain, "podSubnets": [POD_SUBNET], "serviceSubnets": [SERVICE_SUBNET]}


def _encryption(options: GenOptions, secrets: SecretsBundle) -> dict[str, str]:
    """How secrets in etcd are encrypted; a bundle of the other kind gives no key at all."""
    if options.contract >= since.V1_3:
        key, value = "secretboxEncryptionSecret", secrets.secretbox_encryption_secret
    else:
        key, value = "aescbcEncryptionSecret", secrets.aescbc_encryption_secret
    return {key: value} if value else {}


def _api_server(options: GenOptions) -> dict[str, Any]:
    contract = options.contract
    server: dict[str, Any] = {**options.image("registry.k8s.io/kube-apiserver")}
    old = contract < since.V1_12
    sans = [*([options.endpoint_host] if old else []), *options.additional_sans]
    if sans:
        server["certSANs"] = sans
    if old:
        server["disablePodSecurityPolicy"] = True
    if contract >= since.V1_1:
        server["admissionControl"] = [{"name": "PodSecurity", "configuration": _pod_security()}]
    if contract >= since.V1_3:
        server["auditPolicy"] = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": [{"level": "Metadata"}]}
    return server


def _pod_security() -> dict[str, Any]:
    """A free-form map, hence its keys are sorted."""
    return {
        "apiVersion": "pod-security.admission.config.k8s.io/v1alpha1",
        "defaults": {
            "audit": "restricted",
            "audit-version": "latest",
            "enforce": "baseline",
            "enforce-version": "latest",
            "warn": "restricted",
            "warn-version": "latest",
        },
        "exemptions": {"namespaces": ["kube-system"], "runtimeClasses": [], "usernames": []},
        "kind": "PodSecurityConfiguration",
    }


def _discovery(options: GenOptions) -> dict[str, Any]:
    kubernetes = {"disabled": True} if options.contract >= since.V1_2 else {}
    return {"enabled": options.discovery, "registries": {"kubernetes": kubernetes, "service": {}}}
