"""The configuration of a new machine since the contract v1.14: a short v1alpha1 document, and one document for each matter.

Source: reference of the machine-config workflow, Talos v1.14.0-rc.1.
"""

from __future__ import annotations

from typing import Any, Final

from talos_resources.machineconfig import defaults
from talos_resources.machineconfig.gen.options import GenOptions, MachineRole
from talos_resources.machineconfig.gen.secrets import SecretsBundle, certificate_to_plain
from talos_resources.machineconfig.pem import certificate_to_document, encryption_config
from talos_resources.machineconfig.schema.cel import quoted

_REGISTRY: Final = "registry.k8s.io/kube"


def documents(role: MachineRole, options: GenOptions, secrets: SecretsBundle) -> list[dict[str, Any]]:
    """The documents of one machine's configuration; the arguments are those of `gen.config.documents`."""
    is_control_plane = role != "worker"
    fields = [
        *_talos(options, secrets),
        *([] if options.skip_kubernetes else _kubernetes(options, secrets, is_control_plane=is_control_plane)),
        *(_control_plane(options, secrets) if is_control_plane and not options.skip_kubernetes else []),
    ]
    main = _main(role, options, secrets, is_control_plane=is_control_plane)
    return [main, *(options.document(kind, **values) for kind, values in fields)]


def _main(role: MachineRole, options: GenOptions, secrets: SecretsBundle, *, is_control_plane: bool) -> dict[str, Any]:
    cluster: dict[str, Any] = {}
    if not (is_control_plane and options.skip_kubernetes):
        cluster["token"] = secrets.bootstrap_token
    if is_control_plane and not options.skip_kubernetes:
        cluster["etcd"] = {"ca": certificate_to_plain(secrets.etcd)}
    return {
        "version": "v1alpha1",
        "debug": False,
        "persist": options.persist,
        "machine": {
            "type": role,
            "token": secrets.trustd_token,
            "ca": certificate_to_plain(secrets.os, with_key=is_control_plane),
            "certSANs": list(options.additional_sans),
            "features": {"diskQuotaSupport": True},
        },
        "cluster": cluster,
    }


Fields = tuple[str, dict[str, Any]]
"""A kind of document and what is in it."""


def _talos(options: GenOptions, secrets: SecretsBundle) -> list[Fields]:
    """What concerns the machine and the mesh."""
    discovery: Fields = ("DiscoveryServiceConfig", {"name": "default", "endpoint": defaults.DISCOVERY_ENDPOINT})
    return [
        *([discovery] if options.discovery else []),
        ("DiscoveryIdentityConfig", {"clusterID": secrets.cluster_id, "clusterSecret": secrets.cluster_secret}),
        *([("UnattendedInstallConfig", _install(options))] if options.install_disk else []),
        ("ResolverConfig", {"hostDNS": {"enabled": True, "forwardKubeDNSToHost": True}}),
        ("VolumeConfig", {"name": "EPHEMERAL", "mount": {"secure": True}}),
        ("FilesystemTrimConfig", {"interval": "168h0m0s"}),
        ("SecurityProfileConfig", {"workloadIsolation": True}),
        *(("RegistryMirrorConfig", mirror) for mirror in options.mirror_documents()),
        ("HostnameConfig", {"auto": "stable"}),
        *([("KubeSpanConfig", {"enabled": True})] if options.kubespan else []),
    ]


def _install(options: GenOptions) -> dict[str, Any]:
    return {
        "installer": {"image": options.install_image} if options.install_image else {},
        "provisioning": {"diskSelector": {"match": f"disk.dev_path == {quoted(options.install_disk)}"}, "wipe": False},
    }


def _kubernetes(options: GenOptions, secrets: SecretsBundle, *, is_control_plane: bool) -> list[Fields]:
    """What every Kubernetes node has."""
    node: dict[str, Any] = {"nodeIP": {}}
    if is_control_plane:
        node["labels"] = {defaults.CONTROL_PLANE_LABEL: "", defaults.NO_LOAD_BALANCER_LABEL: ""}
        node["taints"] = {defaults.CONTROL_PLANE_LABEL: "NoSchedule"}
    kubelet = {**options.image("ghcr.io/siderolabs/kubelet"), "config": {}, "defaultRuntimeSeccompProfileEnabled": True}
    authority = certificate_to_document(secrets.k8s)
    return [
        ("KubeClusterConfig", {"clusterName": options.cluster_name, "endpoint": options.endpoint}),
        ("KubeNodeConfig", node),
        ("KubeletConfig", kubelet),
        (
            "KubeNetworkConfig",
            {"dnsDomain": options.dns_domain, "podSubnets": [defaults.POD_SUBNET], "serviceSubnets": [defaults.SERVICE_SUBNET]},
        ),
        ("KubeAPIServerCAConfig", {"issuingCA": authority} if is_control_plane else {"acceptedCAs": [authority["cert"]]}),
        ("KubePrismConfig", {"port": defaults.KUBE_PRISM_PORT}),
    ]


def _control_plane(options: GenOptions, secrets: SecretsBundle) -> list[Fields]:
    """What only control planes have."""
    service_account = secrets.k8s_service_account_key or b""
    encryption = encryption_config(secretbox=secrets.secretbox_encryption_secret, aescbc=secrets.aescbc_encryption_secret)
    names = {"certExtraSANs": list(options.additional_sans)} if options.additional_sans else {}
    return [
        ("KubeAggregatorCAConfig", {"issuingCA": certificate_to_document(secrets.k8s_aggregator)}),
        ("KubeAdmissionControlConfig", {"name": "PodSecurity", "configuration": defaults.pod_security()}),
        ("KubeAuditPolicyConfig", {"configuration": defaults.audit_policy()}),
        ("KubeAuthenticationConfig", {"configuration": defaults.anonymous_probes()}),
        ("KubeAuthorizerConfig", {"name": "node", "type": "Node"}),
        ("KubeAuthorizerConfig", {"name": "rbac", "type": "RBAC"}),
        *([("KubeEtcdEncryptionConfig", {"config": encryption})] if encryption else []),
        ("KubeServiceAccountConfig", {"issuer": {"privateKey": service_account.decode(), "issuerURL": options.endpoint}}),
        ("KubeAPIServerConfig", {**options.image(f"{_REGISTRY}-apiserver"), **names}),
        ("KubeControllerManagerConfig", options.image(f"{_REGISTRY}-controller-manager")),
        ("KubeSchedulerConfig", {**options.image(f"{_REGISTRY}-scheduler"), "config": {}}),
        ("KubeProxyConfig", {**options.image(f"{_REGISTRY}-proxy"), "config": {}}),
        ("KubeFlannelCNIConfig", dict(defaults.FLANNEL_BACKEND)),
        ("KubeCoreDNSConfig", {"enabled": True}),
    ]
