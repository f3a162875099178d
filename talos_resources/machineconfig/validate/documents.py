"""The documents beside the main one: which check goes with which kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from talos_resources.machineconfig.document import Document
from talos_resources.machineconfig.validate import (
    bgp,
    certificates,
    containers,
    discovery,
    images,
    kubernetes,
    links,
    runtime,
    storage,
    subnets,
    volumes,
)
from talos_resources.machineconfig.validate.report import Report, Subject


def check_document(report: Report, document: Document) -> None:
    """Checks a document by itself. Some kinds have nothing that can be wrong once they are read."""
    unchecked = document.kind == "ResolverConfig" and not document.release.validation.name_servers
    check = None if unchecked else _CHECKS.get(document.kind)
    name = f"{document.kind}/{document.name}" if document.is_named else document.kind
    if check is not None:
        check(Subject(name, document.fields, report))


_named: Final = runtime.needs(name="name is required")

_CHECKS: Final[Mapping[str, Callable[[Subject], None]]] = {
    "BGPInstanceConfig": bgp.check_bgp,
    "BlackholeRouteConfig": links.check_blackhole,
    "BondConfig": links.check_bond,
    "BridgeConfig": links.check_link,
    "CRIBaseRuntimeSpecConfig": runtime.check_base_spec,
    "CRICustomizationConfig": runtime.check_cri_customization,
    "ContainerConfig": containers.check_container,
    "DHCPv4Config": links.check_dhcp,
    "DHCPv6Config": links.check_dhcp,
    "DiscoveryIdentityConfig": discovery.check_identity,
    "DiscoveryServiceConfig": discovery.check_service,
    "DummyLinkConfig": links.check_link,
    "EnvironmentConfig": runtime.check_environment,
    "EtcFileConfig": runtime.check_etc_file,
    "EthernetConfig": _named,
    "EventSinkConfig": runtime.check_event_sink,
    "ExistingVolumeConfig": volumes.check_existing_volume,
    "ExtensionServiceConfig": runtime.check_extension,
    "ExternalVolumeConfig": volumes.check_external_volume,
    "FilesystemScrubConfig": volumes.check_scrub_document,
    "FilesystemTrimConfig": volumes.check_trim_document,
    "HCloudVIPConfig": links.check_vip,
    "HTTPProbeConfig": links.check_http_probe,
    "HostnameConfig": discovery.check_hostname,
    "ImageVerificationConfig": images.check_image_verification,
    "KernelModuleConfig": _named,
    "KmsgLogConfig": runtime.check_kmsg_log,
    "KubeAPIServerCAConfig": certificates.check_api_server_ca,
    "KubeAPIServerConfig": kubernetes.check_api_server,
    "KubeAdmissionControlConfig": kubernetes.check_admission,
    "KubeAggregatorCAConfig": certificates.check_aggregator_ca,
    "KubeAuthorizerConfig": kubernetes.check_authorizer,
    "KubeClusterConfig": kubernetes.check_cluster_document,
    "KubeControllerManagerConfig": kubernetes.check_controller_manager,
    "KubeEtcdEncryptionConfig": kubernetes.check_encryption,
    "KubeExternalManifestConfig": kubernetes.check_external_manifest,
    "KubeFlannelCNIConfig": kubernetes.check_flannel,
    "KubeInlineManifestConfig": kubernetes.check_inline_manifest,
    "KubeNetworkConfig": subnets.check_network_document,
    "KubeNodeConfig": kubernetes.check_node,
    "KubePrismConfig": kubernetes.check_prism,
    "KubeProxyConfig": kubernetes.check_proxy,
    "KubeSchedulerConfig": kubernetes.check_scheduler,
    "KubeServiceAccountConfig": certificates.check_service_account,
    "KubeSpanConfig": discovery.check_kubespan,
    "KubeStaticPodConfig": kubernetes.check_static_pod,
    "KubeTalosAPIAccessConfig": kubernetes.check_talos_access,
    "KubeletConfig": kubernetes.check_kubelet,
    "LVMLogicalVolumeConfig": storage.check_logical_volume,
    "LVMVolumeGroupConfig": storage.check_volume_group,
    "Layer2VIPConfig": links.check_vip,
    "LinkAliasConfig": runtime.check_link_alias,
    "LinkConfig": links.check_link,
    "NetworkRuleConfig": runtime.check_port_rule,
    "OOMConfig": runtime.check_out_of_memory,
    "RAIDArrayConfig": storage.check_raid,
    "RawVolumeConfig": volumes.check_raw_volume,
    "RegistryAuthConfig": runtime.check_registry_auth,
    "RegistryMirrorConfig": runtime.check_mirror,
    "RegistryTLSConfig": certificates.check_registry_tls,
    "ResolverConfig": discovery.check_resolver,
    "RoutingRuleConfig": links.check_routing_rule,
    "SideroLinkConfig": runtime.check_siderolink,
    "StaticHostConfig": discovery.check_static_host,
    "SwapVolumeConfig": volumes.check_raw_volume,
    "SysctlConfig": runtime.parameters("sysctl"),
    "SysfsConfig": runtime.parameters("sysfs"),
    "TCPProbeConfig": links.check_tcp_probe,
    "TimeSyncConfig": discovery.check_time,
    "UnattendedInstallConfig": storage.check_install,
    "UserVolumeConfig": volumes.check_user_volume,
    "VLANConfig": links.check_vlan,
    "VRFConfig": links.check_vrf,
    "VethConfig": links.check_veth,
    "VolumeConfig": volumes.check_volume,
    "WatchdogTimerConfig": runtime.check_watchdog,
    "WireguardConfig": links.check_wireguard,
    "ZswapConfig": volumes.check_zswap,
}
