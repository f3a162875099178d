"""Talos v1.12. Source: talosctl v1.12.3, observed and read."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from talos_resources.releases.contract import Contract
from talos_resources.releases.release import (
    ApiRules,
    GenDefaults,
    GetRules,
    KubeSpanRules,
    LoadRules,
    PatchRules,
    Release,
    ValidationRules,
    YamlStyle,
)

KINDS: Final = frozenset(
    [
        "BondConfig",
        "BridgeConfig",
        "DHCPv4Config",
        "DHCPv6Config",
        "DummyLinkConfig",
        "EthernetConfig",
        "EventSinkConfig",
        "ExistingVolumeConfig",
        "ExtensionServiceConfig",
        "HCloudVIPConfig",
        "HostnameConfig",
        "KmsgLogConfig",
        "KubeSpanEndpointsConfig",
        "Layer2VIPConfig",
        "LinkAliasConfig",
        "LinkConfig",
        "NetworkDefaultActionConfig",
        "NetworkRuleConfig",
        "OOMConfig",
        "PCIDriverRebindConfig",
        "RawVolumeConfig",
        "RegistryAuthConfig",
        "RegistryMirrorConfig",
        "RegistryTLSConfig",
        "ResolverConfig",
        "SideroLinkConfig",
        "StaticHostConfig",
        "SwapVolumeConfig",
        "TimeSyncConfig",
        "TrustedRootsConfig",
        "UserVolumeConfig",
        "VLANConfig",
        "VolumeConfig",
        "WatchdogTimerConfig",
        "WireguardConfig",
        "ZswapConfig",
    ]
)

V1_12: Final = Release(
    version="v1.12.3",
    contract=Contract(1, 12),
    yaml=YamlStyle(quote_old_words='"', hint_before_break=True, get_width=None),
    field_table="1.12",
    document_kinds=KINDS,
    default_cni="flannel",
    gen=GenDefaults(
        kubernetes_version="1.35.0",
        installer_image="ghcr.io/siderolabs/installer:v1.12.3",
        url_safe_cluster_id=True,
        empty_kubernetes_version=True,
        partial_secrets=True,
    ),
    load=LoadRules(dates_are_text=True, cuts_fractions=True, zero_durations=False),
    patch=PatchRules(
        several_parts=False,
        absent_document_leaves_empty=True,
        inner_deletes=False,
        deletes_by_any_text=False,
    ),
    validation=ValidationRules(
        needs_install=True,
        needs_control_plane_endpoint=True,
        kubespan_needs_legacy_identity=True,
        all_documents=False,
        forwarding_needs_host_dns=False,
        name_servers=False,
    ),
    get=GetRules(jsonpath_goes_on=False, single_watch_by_line=False, headings_on_error=False),
    kubespan=KubeSpanRules(
        filter_has_kubespan_addresses=True,
        policy_rules_are_resources=False,
        unset_is_default=True,
        needs_cluster_identity=False,
        discovery_switch=True,
        endpoint_filter_word="filer",
    ),
    api=ApiRules(many_nodes=(), many_nodes_refused="one-2-many proxying is not supported for COSI methods", reboots_to_apply=True),
    flags=MappingProxyType({"gen config": frozenset({"--persist"})}),
)
