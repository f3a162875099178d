"""Affiliate: a node as discovery knows it."""

from __future__ import annotations

import attrs

from talos_resources.model.enums import NumberedEnum
from talos_resources.model.kind import Column, kind
from talos_resources.model.natural import checked
from talos_resources.model.net import AddrPort, IPAddress, IPPrefix
from talos_resources.model.spec import Unknown, unknown_field, wire


class MachineType(NumberedEnum):
    """What a machine is in its cluster."""

    UNKNOWN = "unknown", 0
    INIT = "init", 1
    CONTROL_PLANE = "controlplane", 2
    WORKER = "worker", 3

    @classmethod
    def unnamed(cls, number: int) -> str:
        """As Go prints it, whose type is `machine.Type`."""
        return f"Type({number})"


@checked
@attrs.frozen(kw_only=True, weakref_slot=False)
class ControlPlane:
    """What only control-plane nodes announce."""

    port: int = wire(1, default=0, unit="port", doc="The port of the node's own Kubernetes API server.")
    unknown: Unknown | None = unknown_field()


@checked
@attrs.frozen(kw_only=True, weakref_slot=False)
class KubeSpanAffiliate:
    """What a node announces about itself for the mesh."""

    public_key: str = wire(1, default="", doc="WireGuard public key, base64.")
    address: IPAddress | None = wire(2, default=None, doc="KubeSpan address.")
    additional_addresses: tuple[IPPrefix | None, ...] = wire(3, default=(), doc="Pod networks behind the node, if it announces them.")
    endpoints: tuple[AddrPort | None, ...] = wire(4, default=(), doc="Where WireGuard may reach the node.")
    exclude_advertised_networks: tuple[IPPrefix | None, ...] = wire(
        5, default=(), doc="Networks that peers must not route to the node (Talos 1.13 and later)."
    )
    unknown: Unknown | None = unknown_field()


@kind(
    type="Affiliates.cluster.talos.dev",
    namespace="cluster",
    columns=[
        Column("Hostname", "{.hostname}"),
        Column("Machine Type", "{.machineType}"),
        Column("Addresses", "{.addresses}"),
    ],
)
@attrs.frozen(kw_only=True, weakref_slot=False)
class Affiliate:
    """A node of the cluster, or one that would be: what the registries say, merged; the id is the node id.

    Written by cluster.AffiliateMergeController (in namespace `cluster-raw`, one per registry).
    Source: Talos v1.13.3.
    """

    node_id: str = wire(1, default="", doc="The node id, base62.")
    addresses: tuple[IPAddress | None, ...] = wire(2, default=(), doc="The node's addresses.")
    hostname: str = wire(3, default="", doc="Fully qualified host name.")
    nodename: str = wire(4, default="", omit_empty=True, doc="The name of its Kubernetes node; without one it is no member.")
    operating_system: str = wire(5, default="", doc="Operating system and version.")
    machine_type: MachineType = wire(6, default=MachineType.UNKNOWN, doc="Control plane or worker.")
    kubespan: KubeSpanAffiliate | None = wire(7, default=None, omit_empty=True, doc="What it announces for the mesh.")
    control_plane: ControlPlane | None = wire(8, default=None, omit_empty=True, doc="Only for control-plane nodes.")
    unknown: Unknown | None = unknown_field()
