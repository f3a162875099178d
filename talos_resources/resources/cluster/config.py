"""DiscoveryConfig: what the machine configuration says about cluster discovery."""

from __future__ import annotations

import attrs

from talos_resources.model.kind import kind
from talos_resources.model.spec import Unknown, unknown_field, wire


@kind(type="DiscoveryConfigs.cluster.talos.dev", namespace="config", sensitive=True)
@attrs.frozen(kw_only=True, weakref_slot=False)
class DiscoveryConfig:
    """The discovery settings of a node, id `cluster`; written by cluster.ConfigController.

    Source: Talos v1.13.3 (whose Go code calls it the cluster's Config).
    """

    discovery_enabled: bool = wire(1, default=False, doc="Whether the node announces itself and looks for others.")
    registry_kubernetes_enabled: bool = wire(2, default=False, doc="Through annotations of Kubernetes nodes; trouble with KubeSpan.")
    registry_service_enabled: bool = wire(3, default=False, doc="Through the discovery service.")
    service_endpoint: str = wire(4, default="", doc="The discovery service, HOST:PORT.")
    service_endpoint_insecure: bool = wire(5, default=False, omit_empty=True, doc="Plaintext instead of TLS.")
    service_encryption_key: bytes = wire(6, default=b"", secret=True, doc="The AES key: the decoded cluster secret.")
    service_cluster_id: str = wire(7, default="", doc="The cluster id, as the service knows it.")
    unknown: Unknown | None = unknown_field()
