"""Talos v1.13. Source: read from the source of v1.13.9, not run; what is not said is as in v1.12."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from talos_resources.releases.contract import Contract
from talos_resources.releases.release import ApiRules, YamlStyle
from talos_resources.releases.v1_12 import V1_12

KINDS: Final = V1_12.document_kinds | frozenset(
    [
        "BlackholeRouteConfig",
        "EnvironmentConfig",
        "ExternalVolumeConfig",
        "ImageVerificationConfig",
        "KubeSpanConfig",
        "RoutingRuleConfig",
        "TCPProbeConfig",
        "VRFConfig",
    ]
)

V1_13: Final = V1_12._replace(
    version="v1.13.9",
    contract=Contract(1, 13),
    yaml=YamlStyle(quote_old_words='"', hint_before_break=False, get_width=None),
    field_table="1.13",
    document_kinds=KINDS,
    load=V1_12.load._replace(cuts_fractions=False, zero_durations=True),
    gen=V1_12.gen._replace(kubernetes_version="1.36.3", installer_image="ghcr.io/siderolabs/installer:v1.13.9"),
    validation=V1_12.validation._replace(forwarding_needs_host_dns=True),
    patch=V1_12.patch._replace(inner_deletes=True, deletes_by_any_text=True),
    kubespan=V1_12.kubespan._replace(
        filter_has_kubespan_addresses=False,
        policy_rules_are_resources=True,
        unset_is_default=False,
        endpoint_filter_word="filter",
    ),
    api=ApiRules(
        many_nodes=tuple(f"/{name.lower()}.{name}Service/" for name in ("Machine", "Cluster", "Inspect", "Storage", "Time")),
        many_nodes_refused="one-2-many proxying is not supported for method {method}",
        reboots_to_apply=True,
    ),
    flags=MappingProxyType({}),
)
