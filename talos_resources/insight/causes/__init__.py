"""What `doctor` knows: a file for each cause. A new one is a file here and a line in `ORDER`."""

from __future__ import annotations

import importlib
from typing import Final

from talos_resources.insight.hypothesis import Cause

ORDER: Final[tuple[str, ...]] = (
    "kubespan_disabled",
    "different_clusters",
    "secret_differs",
    "discovery_service_differs",
    "discovery_disabled",
    "kubernetes_registry",
    "no_identity",
    "spec_without_status",
    "duplicate_key",
    "clock_skew",
    "stale_affiliate",
    "duplicate_label",
    "duplicate_address",
    "mixed_clusters",
    "discovery_unreachable",
    "unknown_peer",
    "node_left",
    "no_answer",
    "report_old",
    "unroutable_endpoint",
    "node_address_in_cluster_network",
    "no_endpoints",
    "no_common_family",
    "shared_endpoint",
    "filtered_endpoint",
    "stale_endpoint",
    "poisoned_endpoints",
    "flapping_link",
    "nat_timeout",
    "node_silent",
    "udp_blocked",
    "inbound_blocked",
    "both_behind_nat",
    "mesh_split",
    "node_isolated",
    "lan_isolation",
    "stale_nat_mapping",
    "not_recovered",
    "one_way_link",
    "path_blocked",
    "endpoint_unreachable",
    "link_down",
    "default_route_announced",
    "overlapping_networks",
    "tunnel_in_tunnel",
    "public_address_taken",
    "routing_missing",
    "status_without_spec",
    "chain_mismatch",
    "mtu_too_large",
    "mtu_differs",
    "versions_differ",
    "advertised_networks",
    "down_peer_bypass",
    "lost_bytes",
    "late_handshakes",
    "new_key",
    "machine_configuration",
)
"""The files, in the order in which their causes are proposed: of equal ones the first is taken."""


def causes() -> tuple[Cause, ...]:
    """All causes that are known, in their order."""
    return tuple(_of(file) for file in ORDER)


def _of(file: str) -> Cause:
    module = importlib.import_module(f"talos_resources.insight.causes.{file}")
    found = getattr(module, file)
    assert isinstance(found, Cause)
    return found
