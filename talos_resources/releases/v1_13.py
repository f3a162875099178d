"""Talos v1.13. Source: read from the source of v1.13.9, not run; what is not said is as in v1.12."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

import attrs

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

V1_13: Final = attrs.evolve(
    V1_12,
    version="v1.13.9",
    contract=Contract(1, 13),
    yaml=YamlStyle(quote_old_words='"', hint_before_break=False, get_width=None),
    field_table="1.13",
    document_kinds=KINDS,
    load=attrs.evolve(V1_12.load, cuts_fractions=False, zero_durations=True),
    gen=attrs.evolve(V1_12.gen, kubernetes_version="1.36.3", installer_image="ghcr.io/siderolabs/installer:v1.13.9"),
    validation=attrs.evolve(V1_12.validation, forwarding_needs_host_dns=True),
    patch=attrs.evolve(V1_12.patch, inner_deletes=True, deletes_by_any_text=True),
    kubespan=attrs.evolve(
        V1_12.kubespan,
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
