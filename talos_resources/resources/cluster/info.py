"""ClusterInfo: which cluster a node belongs to."""

from __future__ import annotations

import attrs

from talos_resources.model.kind import Column, kind
from talos_resources.model.spec import Unknown, unknown_field, wire


@kind(
    type="Infos.cluster.talos.dev",
    namespace="cluster",
    columns=[Column("Cluster ID", "{.clusterId}"), Column("Cluster Name", "{.clusterName}")],
)
@attrs.frozen(kw_only=True, weakref_slot=False)
class ClusterInfo:
    """The cluster's id and name; id `current`, written by cluster.InfoController. Source: Talos v1.13.3."""

    cluster_id: str = wire(1, default="", doc="The cluster id, URL-safe base64.")
    cluster_name: str = wire(2, default="", doc="The name from the machine configuration.")
    unknown: Unknown | None = unknown_field()
