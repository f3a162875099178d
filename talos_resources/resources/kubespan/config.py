"""KubeSpanConfig: what the machine configuration says about KubeSpan."""

from __future__ import annotations

import attrs

from talos_resources.model.kind import kind
from talos_resources.model.net import AddrPort, IPPrefix
from talos_resources.model.spec import Unknown, unknown_field, wire


@kind(type="KubeSpanConfigs.kubespan.talos.dev", namespace="config", sensitive=True)
@attrs.frozen(kw_only=True, weakref_slot=False)
class KubeSpanConfig:
    """The KubeSpan settings of a node, id `kubespan`; written by kubespan.ConfigController.

    Source: Talos v1.13.3.
    """

    enabled: bool = wire(1, default=False, doc="Whether the node takes part in the mesh.")
    cluster_id: str = wire(2, default="", doc="The cluster id, from which the ULA prefix is made.")
    shared_secret: str = wire(3, default="", secret=True, doc="The cluster secret, used as WireGuard's preshared key.")
    force_routing: bool = wire(4, default=False, doc="Peers that are down stay routed through the mesh (not allowDownPeerBypass).")
    advertise_kubernetes_networks: bool = wire(5, default=False, doc="Announce pod networks too; not with Cilium or Calico.")
    mtu: int = wire(
        6, default=0, omit_empty=True, unit="bytes", width="uint32", doc="MTU of the kubespan link: that of the network below less 80."
    )
    endpoint_filters: tuple[str, ...] | None = wire(
        7, default=None, omit_empty=True, doc="Networks whose endpoints are announced, `!` hides; None: all, but an empty list: none."
    )
    harvest_extra_endpoints: bool = wire(8, default=False, doc="Announce at which endpoints other nodes were reached.")
    extra_endpoints: tuple[AddrPort | None, ...] = wire(9, default=(), omit_empty=True, doc="Announced beside the node's own.")
    exclude_advertised_networks: tuple[IPPrefix | None, ...] | None = wire(
        10, default=None, omit_empty=True, doc="Networks that are not announced; None where nothing is said (Talos 1.13 and later)."
    )
    unknown: Unknown | None = unknown_field()
