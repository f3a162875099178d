"""Member: a node of the cluster."""

from __future__ import annotations

import attrs

from talos_resources.model.kind import Column, kind
from talos_resources.model.net import IPAddress
from talos_resources.model.spec import Unknown, unknown_field, wire
from talos_resources.resources.cluster.affiliate import ControlPlane, MachineType


@kind(
    type="Members.cluster.talos.dev",
    namespace="cluster",
    columns=[
        Column("Hostname", "{.hostname}"),
        Column("Machine Type", "{.machineType}"),
        Column("OS", "{.operatingSystem}"),
        Column("Addresses", "{.addresses}"),
    ],
)
@attrs.frozen(kw_only=True, weakref_slot=False)
class Member:
    """An affiliate that has a Kubernetes node name, which is the id; written by cluster.MemberController.

    Source: Talos v1.13.3.
    """

    node_id: str = wire(1, default="", doc="The node id, base62.")
    addresses: tuple[IPAddress | None, ...] = wire(2, default=(), doc="The node's addresses.")
    hostname: str = wire(3, default="", doc="Fully qualified host name.")
    machine_type: MachineType = wire(4, default=MachineType.UNKNOWN, doc="Control plane or worker.")
    operating_system: str = wire(5, default="", doc="Operating system and version.")
    control_plane: ControlPlane | None = wire(6, default=None, omit_empty=True, doc="Only for control-plane nodes.")
    unknown: Unknown | None = unknown_field()
