"""KubeSpanEndpoint: an address at which a peer was really reached."""

from __future__ import annotations

import attrs

from talos_resources.model.kind import Column, kind
from talos_resources.model.net import AddrPort
from talos_resources.model.spec import Unknown, unknown_field, wire


@kind(
    type="KubeSpanEndpoints.kubespan.talos.dev",
    namespace="kubespan",
    columns=[Column("Endpoint", "{.endpoint}"), Column("Affiliate ID", "{.affiliateID}")],
)
@attrs.frozen(kw_only=True, weakref_slot=False)
class KubeSpanEndpoint:
    """An observed endpoint, sent back to discovery for others to try; the id is the peer's public key.

    Written by kubespan.EndpointController if `harvestExtraEndpoints` is on. Source: Talos v1.13.3.
    """

    affiliate_id: str = wire(1, default="", doc="The node id of the peer.")
    endpoint: AddrPort | None = wire(2, default=None, doc="Where the peer was reached.")
    unknown: Unknown | None = unknown_field()
