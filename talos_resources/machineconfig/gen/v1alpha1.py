"""The configuration of a new machine for the contracts up to v1.13: nearly all of it in the v1alpha1 document.

Source: reference of the machine-config workflow (gen config), Talos v1.12.3 and v1.14.0-rc.1.
"""

from __future__ import annotations

from typing import Any, Final

from talos_resources.machineconfig import defaults
from talos_resources.machineconfig.gen.options import GenOptions, MachineRole
from talos_resources.machineconfig.gen.secrets import SecretsBundle, certificate_to_plain, encode
from talos_resources.releases import Feature

_OLD_REGISTRY: Final = "k8s.gcr.io"
_SWITCHES: Final = {
    Feature.RBAC_FEATURE: "rbac",
    Feature.STABLE_HOSTNAME: "stableHostname",
    Feature.CHECK_EXT_KEY_USAGE: "apidCheckExtKeyUsage",
    Feature.DISK_QUOTA: "diskQuotaSupport",
}
"""Features that are switched on with nothing else to say, in their order."""


def documents(role: MachineRole, options: GenOptions, secrets: SecretsBundle) -> list[dict[str, Any]]:
    """The documents of one machine's configuration; the arguments are those of `gen.config.documents`."""
    main = {
        "version": "v1alpha1",
        "debug": False,
        "persist": options.persist,
        "machine": _machine(role, options, secrets),
        "cluster": _cluster(options, secrets) if role == "worker" else _control_plane_cluster(options, secrets),
    }
    if not options.contract.has(Feature.HOSTNAME_DOCUMENT):
        return [main]
    mirrors = [options.document("RegistryMirrorConfig", **mirror) for mirror in options.mirror_documents()]
    kubespan = options.kubespan and options.contract.has(Feature.KUBESPAN_DOCUMENT)
    return [
        main,
        *mirrors,
        options.document("HostnameConfig", auto="stable"),
        *([options.document("KubeSpanConfig", enabled=True)] if kubespan else []),
    ]


def _machine(role: MachineRole, options: GenOptions, secrets: SecretsBundle) -> dict[str, Any]:
    contract = options.contract
    machine: dict[str, Any] = {
        "type": role,
        "token": secrets.trustd_token,
        "ca": certificate_to_plain(secrets.os, with_key=role != "worker"),
        "certSANs": list(options.additional_sans),
        "kubelet": _kubelet(options),
    }
    if options.kubespan and not contract.has(Feature.KUBESPAN_DOCUMENT):
        machine["network"] = {"kubespan": {"enabled": True}}
    elif contract.has(Feature.EMPTY_NETWORK_SECTION):
        machine["network"] = {}
    machine["install"] = _install(options)
    mirrors = _legacy_mirrors(options)
    if mirrors:
        machine["registries"] = {"mirrors": mirrors}
    machine["features"] = _features(options)
    if role != "worker" and contract.has(Feature.NO_LOAD_BALANCER_LABEL):
        machine["nodeLabels"] = {defaults.NO_LOAD_BALANCER_LABEL: ""}
    return machine


def _kubelet(options: GenOptions) -> dict[str, Any]:
    kubelet: dict[str, Any] = {**options.image("ghcr.io/siderolabs/kubelet")}
    if options.contract.has(Feature.SECCOMP_DEFAULT):
        kubelet["defaultRuntimeSeccompProfileEnabled"] = True
    if options.contract.has(Feature.NO_MANIFESTS_DIRECTORY):
        kubelet["disableManifestsDirectory"] = True
    return kubelet


def _install(options: GenOptions) -> dict[str, Any]:
    install: dict[str, Any] = {}
    if options.install_disk:
        install["disk"] = options.install_disk
    if options.install_image:
        install["image"] = options.install_image
    install["wipe"] = False
    if options.contract.has(Feature.UKI_COMMAND_LINE):
        install["grubUseUKICmdline"] = True
    return install


def _legacy_mirrors(options: GenOptions) -> dict[str, Any]:
    """Mirrors inside the v1alpha1 document; newer contracts have documents for them."""
    if not options.contract.has(Feature.REGISTRY_SECTION):
        return {}
    mirrors = dict(options.registry_mirrors)
    if options.contract.has(Feature.OLD_REGISTRY_MIRROR):
        # Kubernetes moved its registry in these days; the old name is sent to the new one.
        mirrors.setdefault(_OLD_REGISTRY, ("https://registry.k8s.io", f"https://{_OLD_REGISTRY}"))
    from talos_resources.codec.goyaml.keys import natural_key

    return {registry: {"endpoints": list(mirrors[registry])} for registry in sorted(mirrors, key=natural_key)}


def _features(options: GenOptions) -> dict[str, Any]:
    contract = options.contract
    features: dict[str, Any] = {}
    for feature, key in _SWITCHES.items():
        if contract.has(feature):
            features[key] = True
    if contract.has(Feature.KUBE_PRISM):
        features["kubePrism"] = {"enabled": True, "port": defaults.KUBE_PRISM_PORT}
    if contract.has(Feature.HOST_DNS):
        features["hostDNS"] = {"enabled": True, **({"forwardKubeDNSToHost": True} if contract.has(Feature.HOST_DNS_FORWARD) else {})}
    return features


def _cluster(options: GenOptions, secrets: SecretsBundle) -> dict[str, Any]:
    """The cluster section of a worker, which may not know the secrets of the control plane."""
    return {
        **_common_cluster(options, secrets, named=options.contract.has(Feature.WORKER_CLUSTER_NAME)),
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
    return {"dnsDomain": options.dns_domain, "podSubnets": [defaults.POD_SUBNET], "serviceSubnets": [defaults.SERVICE_SUBNET]}


def _encryption(options: GenOptions, secrets: SecretsBundle) -> dict[str, str]:
    """How secrets in etcd are encrypted; a bundle of the other kind gives no key at all."""
    if options.contract.has(Feature.SECRETBOX):
        key, value = "secretboxEncryptionSecret", secrets.secretbox_encryption_secret
    else:
        key, value = "aescbcEncryptionSecret", secrets.aescbc_encryption_secret
    return {key: value} if value else {}


def _api_server(options: GenOptions) -> dict[str, Any]:
    contract = options.contract
    server: dict[str, Any] = {**options.image("registry.k8s.io/kube-apiserver")}
    sans = [*([options.endpoint_host] if contract.has(Feature.ENDPOINT_SAN) else []), *options.additional_sans]
    if sans:
        server["certSANs"] = sans
    if contract.has(Feature.NO_POD_SECURITY_POLICY):
        server["disablePodSecurityPolicy"] = True
    if contract.has(Feature.POD_SECURITY):
        server["admissionControl"] = [{"name": "PodSecurity", "configuration": defaults.pod_security()}]
    if contract.has(Feature.AUDIT_POLICY):
        server["auditPolicy"] = defaults.audit_policy()
    return server


def _discovery(options: GenOptions) -> dict[str, Any]:
    kubernetes = {"disabled": True} if options.contract.has(Feature.NO_KUBERNETES_REGISTRY) else {}
    return {"enabled": options.discovery, "registries": {"kubernetes": kubernetes, "service": {}}}
