"""KubeSpanIdentity: who a node is in the mesh."""

from __future__ import annotations

import attrs

from talos_resources.model.kind import Column, kind
from talos_resources.model.net import IPPrefix
from talos_resources.model.spec import Unknown, unknown_field, wire


@kind(
    type="KubeSpanIdentities.kubespan.talos.dev",
    namespace="kubespan",
    columns=[Column("Address", "{.address}"), Column("PublicKey", "{.publicKey}")],
    sensitive=True,
)
@attrs.frozen(kw_only=True, weakref_slot=False)
class KubeSpanIdentity:
    """A node's WireGuard key pair and its address within the cluster's ULA prefix.

    There is one per node, id `local`, written by kubespan.IdentityController. The private key never
    leaves the node. Source: Talos v1.13.3.
    """

    address: IPPrefix | None = wire(1, default=None, doc="The node's own KubeSpan address, always a /128.")
    subnet: IPPrefix | None = wire(2, default=None, doc="The cluster's ULA prefix, a /64 made from the cluster id.")
    private_key: str = wire(3, default="", secret=True, doc="WireGuard private key, base64.")
    public_key: str = wire(4, default="", doc="WireGuard public key, base64; the id of this node's peer resources elsewhere.")
    unknown: Unknown | None = unknown_field()
