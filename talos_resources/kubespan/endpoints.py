"""Endpoints at which peers were really reached, to be shared with others. Source: Talos v1.12.3."""

from __future__ import annotations

from collections.abc import Iterable

from talos_resources.resources.cluster.affiliate import Affiliate
from talos_resources.resources.kubespan.config import KubeSpanConfig
from talos_resources.resources.kubespan.endpoint import KubeSpanEndpoint
from talos_resources.resources.kubespan.peer_status import KubeSpanPeerStatus, PeerState


def observed_endpoints(
    config: KubeSpanConfig | None,
    statuses: Iterable[tuple[str, KubeSpanPeerStatus]],
    affiliates: Iterable[tuple[str, Affiliate]],
) -> dict[str, KubeSpanEndpoint]:
    """The endpoints to share, by the peer's public key.

    Args:
        config: only `harvest_extra_endpoints` is looked at.
        statuses: the peer's public key and its status.
        affiliates: resource id and affiliate, in any order; of two with one key the later id is meant.
    """
    if config is None or not config.harvest_extra_endpoints:
        return {}
    owners = {
        affiliate.kubespan.public_key: affiliate.node_id
        for _, affiliate in sorted(affiliates, key=lambda item: item[0].encode())
        if affiliate.kubespan is not None and affiliate.kubespan.public_key
    }
    return {
        key: KubeSpanEndpoint(affiliate_id=owners[key], endpoint=status.endpoint)
        for key, status in statuses
        if status.state is PeerState.UP and status.endpoint is not None and key in owners
    }
