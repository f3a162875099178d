"""ClusterIdentity: who a node is in its cluster."""

from __future__ import annotations

import attrs

from talos_resources.model.kind import Column, kind
from talos_resources.model.spec import Unknown, unknown_field, wire


@kind(type="Identities.cluster.talos.dev", namespace="cluster", columns=[Column("ID", "{.nodeId}")])
@attrs.frozen(kw_only=True, weakref_slot=False)
class ClusterIdentity:
    """The node's own id, made once and kept; id `local`, written by cluster.NodeIdentityController.

    Source: Talos v1.13.3.
    """

    node_id: str = wire(1, default="", doc="32 random bytes in base62.")
    unknown: Unknown | None = unknown_field()
