"""KubeSpanPeerSpec: what is known of a peer before WireGuard is asked."""

from __future__ import annotations

import attrs

from talos_resources.model.kind import Column, kind
from talos_resources.model.net import AddrPort, IPAddress, IPPrefix
from talos_resources.model.spec import Unknown, unknown_field, wire


@kind(
    type="KubeSpanPeerSpecs.kubespan.talos.dev",
    namespace="kubespan",
    columns=[Column("Label", "{.label}"), Column("Endpoints", "{.endpoints}")],
)
@attrs.frozen(kw_only=True, weakref_slot=False)
class KubeSpanPeerSpec:
    """A peer as cluster discovery describes it; the id is the peer's WireGuard public key.

    Written by kubespan.PeerSpecController. None in a list stands for an empty entry, which the wire
    can carry. Source: Talos v1.13.3.
    """

    address: IPAddress | None = wire(1, default=None, doc="The peer's KubeSpan address.")
    allowed_ips: tuple[IPPrefix | None, ...] = wire(
        2, default=(), doc="What is routed to the peer: its addresses and its KubeSpan address, merged; no two peers share any."
    )
    endpoints: tuple[AddrPort | None, ...] = wire(3, default=(), doc="Where WireGuard may reach the peer, in the order they are tried.")
    label: str = wire(4, default="", doc="The peer's node name.")
    unknown: Unknown | None = unknown_field()
