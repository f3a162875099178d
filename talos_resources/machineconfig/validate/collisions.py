"""What a document says and the v1alpha1 document says too: only the first such section of a document is told.

Source: reference of the machine-config workflow (conflicts with v1alpha1), Talos v1.14.0-rc.1; texts observed
on talosctl. Two of its messages name a section `.machine.cluster`; here it is `.cluster`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from talos_resources.machineconfig.document import Document
from talos_resources.machineconfig.validate.report import Report, Section, has, section

_MOVE: Final = "Please remove it and use only the new {} document to avoid conflicts"


class Collision(NamedTuple):
    """A section that a document replaces.

    Attributes:
        paths: in the v1alpha1 document.
        text: the message; `{path}` is the one that is there.
        filled: it counts only if there is something in it.
    """

    paths: tuple[str, ...]
    text: str
    filled: bool = False


def check_collisions(report: Report, document: Document, main: Section) -> None:
    """An error for the first section that the document replaces and that is there still."""
    for collision in (*_COLLISIONS.get(document.kind, ()), *(_SPECIAL[document.kind](document) if document.kind in _SPECIAL else ())):
        for path in collision.paths:
            if has(main, path) and (not collision.filled or _value(main, path)):
                report.error("", collision.text.format(path=f".{path}", kind=document.kind))
                return


def _value(main: Section, path: str) -> object:
    above, _, key = path.rpartition(".")
    return section(main, above).get(key)


def _set(*paths: str) -> Collision:
    return Collision(paths, "{path} is already set in v1alpha1 config")


def _component(name: str, *paths: str) -> Collision:
    return Collision(paths, name + " config is already set in v1alpha1 config ({path})")


_NODE: Final = (
    "cluster.allowSchedulingOnControlPlanes",
    "cluster.allowSchedulingOnMasters",
    "machine.kubelet.skipNodeRegistration",
    "machine.kubelet.registerWithFQDN",
    "machine.kubelet.nodeIP",
    "machine.nodeLabels",
    "machine.nodeAnnotations",
    "machine.nodeTaints",
)
_ADMISSION: Final = Collision(
    ("cluster.apiServer.admissionControl",), "admission control plugin config is already set in v1alpha1 config", filled=True
)
_UNUSABLE: Final = "config in v1alpha1 config ({path}) can't be used with {kind} document, please remove it to avoid conflicts"

_COLLISIONS: Final[Mapping[str, tuple[Collision, ...]]] = {
    "CRIBaseRuntimeSpecConfig": (
        Collision(("machine.baseRuntimeSpecOverrides",), "base runtime spec overrides are already set in v1alpha1 config"),
    ),
    "DiscoveryIdentityConfig": (
        Collision(
            ("cluster.id", "cluster.secret"),
            "cluster identity is already configured in .cluster.id/.cluster.secret of the v1alpha1 config",
            filled=True,
        ),
    ),
    "DiscoveryServiceConfig": (
        Collision(("cluster.discovery",), "discovery service is already configured in .cluster.discovery of the v1alpha1 config"),
    ),
    "HostnameConfig": (
        Collision(("machine.network.hostname",), "static hostname is already set in v1alpha1 config ({path})", filled=True),
        Collision(("machine.features.stableHostname",), "stable hostname is already set in v1alpha1 config ({path})", filled=True),
    ),
    "ImageCacheConfig": (_set("machine.features.imageCache"),),
    "KubeAPIServerCAConfig": (Collision(("cluster.ca",), "kube-apiserver CA is already set in v1alpha1 config ({path})"),),
    "KubeAPIServerConfig": (
        _component("kube-apiserver", "cluster.apiServer"),
        Collision(
            ("cluster.controlPlane.localAPIServerPort",), "kube-apiserver API port is already set in v1alpha1 config ({path})", filled=True
        ),
    ),
    "KubeAdmissionControlConfig": (_ADMISSION,),
    "KubeAggregatorCAConfig": (
        Collision(
            ("cluster.aggregatorCA",),
            "kube-apiserver aggregator CA is already set in v1alpha1 config ({path}), please remove it and use the new {kind} document "
            "instead",
        ),
    ),
    "KubeAuditPolicyConfig": (
        Collision(("cluster.apiServer.auditPolicy",), "audit policy config is already set in v1alpha1 config", filled=True),
    ),
    "KubeAuthorizerConfig": (_ADMISSION,),  # sic: it does not look at authorizationConfig
    "KubeClusterConfig": (
        Collision(
            ("cluster.clusterName",), "cluster name is already set in the v1alpha1 config ({path}). " + _MOVE.format("{kind}"), filled=True
        ),
        Collision(
            ("cluster.controlPlane.endpoint",), "cluster endpoint is already set in the v1alpha1 config ({path}). " + _MOVE.format("{kind}")
        ),
    ),
    "KubeControllerManagerConfig": (
        _component("kube-controller-manager", "cluster.controllerManager", "machine.controlPlane.controllerManager"),
    ),
    "KubeCoreDNSConfig": (_component("CoreDNS", "cluster.coreDNS"),),
    "KubeCredentialProviderConfig": (Collision(("machine.kubelet",), "cannot use {kind} with legacy kubelet configuration ({path})"),),
    "KubeEtcdEncryptionConfig": (
        Collision(
            ("cluster.aescbcEncryptionSecret", "cluster.secretboxEncryptionSecret"),
            "etcd encryption config is already set in v1alpha1 config",
            filled=True,
        ),
    ),
    "KubeFlannelCNIConfig": (Collision(("cluster.network",), "cluster network " + _UNUSABLE),),
    "KubeNetworkConfig": (
        Collision(("cluster.network",), "cluster network config is already set in the v1alpha1 config ({path}). " + _MOVE.format("{kind}")),
    ),
    "KubeNodeConfig": (_set(*_NODE),),
    "KubePrismConfig": (Collision(("machine.features.kubePrism",), "KubePrism " + _UNUSABLE),),
    "KubeProxyConfig": (Collision(("cluster.proxy",), "cluster proxy " + _UNUSABLE),),
    "KubeSchedulerConfig": (_component("kube-scheduler", "cluster.scheduler", "machine.controlPlane.scheduler"),),
    "KubeServiceAccountConfig": (Collision(("cluster.serviceAccount",), "service account is already set in v1alpha1 config ({path})"),),
    "KubeSpanConfig": (Collision(("machine.network.kubespan",), "kubespan is already configured in v1alpha1 machine.network.kubespan"),),
    "KubeTalosAPIAccessConfig": (_set("machine.features.kubernetesTalosAPIAccess"),),
    "KubeletConfig": (_component("kubelet", "machine.kubelet"),),
    "ResolverConfig": (
        Collision(
            ("machine.network.searchDomains", "machine.network.nameservers", "machine.network.disableSearchDomain"),
            "{path} is already set in v1alpha1 config",
            filled=True,
        ),
    ),
    "TimeSyncConfig": (
        Collision(
            ("machine.time.disabled", "machine.time.servers", "machine.time.bootTimeout"),
            "{path} is already set in v1alpha1 config",
            filled=True,
        ),
    ),
    "UnattendedInstallConfig": (Collision(("machine.install",), "{kind} config is incompatible with v1alpha1 config ({path})"),),
}


def _of_resolver(document: Document) -> tuple[Collision, ...]:
    return (_set("machine.features.hostDNS"),) if document.fields.get("hostDNS") else ()


def _of_volume(document: Document) -> tuple[Collision, ...]:
    if document.name not in {"STATE", "EPHEMERAL"} or document.fields.get("encryption", {}).get("provider", "none") == "none":
        return ()
    return (_set(f"machine.systemDiskEncryption.{document.name.lower()}"),)


_SPECIAL: Final[Mapping[str, Callable[[Document], tuple[Collision, ...]]]] = {"ResolverConfig": _of_resolver, "VolumeConfig": _of_volume}
"""Kinds whose own fields decide what they replace."""
