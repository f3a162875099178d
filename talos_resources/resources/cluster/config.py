"""DiscoveryConfig: what the machine configuration says about cluster discovery."""

from __future__ import annotations

from typing import Final

import attrs

from talos_resources.model.kind import kind
from talos_resources.model.natural import checked
from talos_resources.model.spec import Unknown, unknown_field, wire

LEGACY_SERVICE: Final = "legacy"
"""The name of the service of the v1alpha1 document."""


@checked
@attrs.frozen(kw_only=True, weakref_slot=False)
class ServiceEndpoint:
    """One discovery service of a node."""

    name: str = wire(1, default="", doc="Of its document; `legacy` for that of the v1alpha1 document.")
    endpoint: str = wire(2, default="", doc="The service, HOST:PORT.")
    insecure: bool = wire(3, default=False, doc="Plaintext instead of TLS.")
    unknown: Unknown | None = unknown_field()


@kind(type="DiscoveryConfigs.cluster.talos.dev", namespace="config", sensitive=True)
@attrs.frozen(kw_only=True, weakref_slot=False)
class DiscoveryConfig:
    """The discovery settings of a node, id `cluster`; written by cluster.ConfigController.

    Source: Talos v1.14.0-rc.1 (whose Go code calls it the cluster's Config).
    """

    discovery_enabled: bool = wire(1, default=False, doc="Whether discovery is on; from Talos 1.14 on never set.")
    registry_kubernetes_enabled: bool = wire(2, default=False, doc="Through annotations of Kubernetes nodes; trouble with KubeSpan.")
    registry_service_enabled: bool = wire(3, default=False, doc="Through the discovery service.")
    service_endpoint: str = wire(4, default="", doc="The first discovery service, HOST:PORT.")
    service_endpoint_insecure: bool = wire(5, default=False, omit_empty=True, doc="Plaintext instead of TLS.")
    service_encryption_key: bytes = wire(6, default=b"", secret=True, doc="The AES key: the decoded cluster secret.")
    service_cluster_id: str = wire(7, default="", doc="The cluster id, as the services know it.")
    service_endpoints: tuple[ServiceEndpoint, ...] = wire(
        8, default=(), doc="All discovery services, in the order of their documents (Talos 1.14 and later)."
    )
    unknown: Unknown | None = unknown_field()

    @property
    def services(self) -> tuple[ServiceEndpoint, ...]:
        """The discovery services in use, whichever release of Talos wrote the settings."""
        if self.service_endpoints or not self.registry_service_enabled:
            return self.service_endpoints
        return (ServiceEndpoint(name=LEGACY_SERVICE, endpoint=self.service_endpoint, insecure=self.service_endpoint_insecure),)

    @property
    def is_on(self) -> bool:
        """Whether the node announces itself and looks for others, whichever release of Talos wrote the settings."""
        return self.registry_kubernetes_enabled or bool(self.services)
