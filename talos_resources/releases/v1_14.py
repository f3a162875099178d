"""Talos v1.14. Source: talosctl v1.14.0-rc.1, observed and read."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from talos_resources.releases.contract import Contract
from talos_resources.releases.release import GenDefaults, GetRules, PatchRules, Release, ValidationRules, YamlStyle
from talos_resources.releases.v1_13 import V1_13

_SCHEMATIC: Final = "376567988ad370138ad8b2698212367b8edcb69b5fd68c80be1f2ec7d603b4ba"
"""The image factory's schematic without anything added."""

KINDS: Final = V1_13.document_kinds | frozenset(
    [
        "BGPInstanceConfig",
        "CRIBaseRuntimeSpecConfig",
        "CRICustomizationConfig",
        "ContainerConfig",
        "DiscoveryIdentityConfig",
        "DiscoveryServiceConfig",
        "EtcFileConfig",
        "FilesystemScrubConfig",
        "FilesystemTrimConfig",
        "HTTPProbeConfig",
        "ImageCacheConfig",
        "KernelModuleConfig",
        "KubeAPIServerCAConfig",
        "KubeAPIServerConfig",
        "KubeAdmissionControlConfig",
        "KubeAggregatorCAConfig",
        "KubeAuditPolicyConfig",
        "KubeAuthenticationConfig",
        "KubeAuthorizerConfig",
        "KubeClusterConfig",
        "KubeControllerManagerConfig",
        "KubeCoreDNSConfig",
        "KubeCredentialProviderConfig",
        "KubeEtcdEncryptionConfig",
        "KubeExternalManifestConfig",
        "KubeFlannelCNIConfig",
        "KubeInlineManifestConfig",
        "KubeNetworkConfig",
        "KubeNodeConfig",
        "KubePrismConfig",
        "KubeProxyConfig",
        "KubeSchedulerConfig",
        "KubeServiceAccountConfig",
        "KubeStaticPodConfig",
        "KubeTalosAPIAccessConfig",
        "KubeletConfig",
        "LVMLogicalVolumeConfig",
        "LVMVolumeGroupConfig",
        "RAIDArrayConfig",
        "SecurityProfileConfig",
        "SysctlConfig",
        "SysfsConfig",
        "UdevRulesConfig",
        "UnattendedInstallConfig",
        "VethConfig",
    ]
)

V1_14: Final = Release(
    version="v1.14.0-rc.1",
    contract=Contract(1, 14),
    yaml=YamlStyle(quote_old_words="'", hint_before_break=False, get_width=80),
    field_table="1.14",
    document_kinds=KINDS,
    default_cni="none",
    gen=GenDefaults(
        kubernetes_version="1.37.0-rc.0",
        installer_image=f"factory.talos.dev/metal-installer/{_SCHEMATIC}:v1.14.0-rc.1",
        url_safe_cluster_id=False,
        empty_kubernetes_version=False,
        partial_secrets=False,
    ),
    load=V1_13.load._replace(dates_are_text=False),
    patch=PatchRules(
        several_parts=True,
        absent_document_leaves_empty=False,
        inner_deletes=True,
        deletes_by_any_text=True,
    ),
    validation=ValidationRules(
        needs_install=False,
        needs_control_plane_endpoint=False,
        kubespan_needs_legacy_identity=False,
        all_documents=True,
        forwarding_needs_host_dns=True,
        name_servers=True,
        deprecations=("machine.files", "machine.baseRuntimeSpecOverrides"),
    ),
    get=GetRules(jsonpath_goes_on=True, single_watch_by_line=True, headings_on_error=True),
    kubespan=V1_13.kubespan._replace(needs_cluster_identity=True, discovery_switch=False),
    api=V1_13.api._replace(reboots_to_apply=False),
    flags=MappingProxyType(
        {
            "config": frozenset({"proxy-url"}),
            "gen config": frozenset({"--skip-k8s-etcd"}),
            "get": frozenset({"--cert-fingerprint"}),
        }
    ),
)
