"""An affiliate as the discovery service keeps it in a State."""

from __future__ import annotations

import hashlib

import attrs

from talos_resources.model.kind import Column, kind
from talos_resources.model.resource import Resource
from talos_resources.model.spec import Unknown, unknown_field, wire
from talos_resources.model.timestamp import Timestamp


@attrs.frozen(kw_only=True, weakref_slot=False)
class KeptEndpoint:
    """A sealed endpoint and how long it is good."""

    sealed: bytes = wire(1, default=b"", doc="As its node sealed it.")
    expires: Timestamp = wire(2, default=Timestamp.ZERO, doc="When it is forgotten.")
    unknown: Unknown | None = unknown_field()


@kind(
    type="DiscoveryRecords.discovery.talos-resources.dev",
    namespace="discovery",
    columns=[Column("Cluster", "{.clusterId}"), Column("Affiliate", "{.affiliateId}"), Column("Expires", "{.expires}")],
)
@attrs.frozen(kw_only=True, weakref_slot=False)
class DiscoveryRecord:
    """An affiliate as the discovery service keeps it; the id is a digest of both ids."""

    cluster_id: str = wire(1, default="", doc="The cluster.")
    affiliate_id: str = wire(2, default="", doc="The node in it.")
    data: bytes = wire(3, default=b"", doc="What the node says of itself, sealed.")
    expires: Timestamp = wire(4, default=Timestamp.ZERO, doc="When it is forgotten; zero once it is.")
    endpoints: tuple[KeptEndpoint, ...] = wire(5, default=(), doc="Where it can be reached, sealed.")
    announced: int = wire(6, default=0, doc="How often the node has said something of itself.")
    unknown: Unknown | None = unknown_field()

    @property
    def is_gone(self) -> bool:
        """Whether the affiliate is no more, and only its record is left."""
        return self.expires == Timestamp.ZERO


def name(cluster_id: str, affiliate_id: str) -> str:
    """The id of an affiliate's record."""
    return hashlib.sha256(f"{len(cluster_id)} {cluster_id}{affiliate_id}".encode()).hexdigest()


def mark(resource: Resource[DiscoveryRecord]) -> tuple[int, int]:
    """Which writing of a record this is."""
    return resource.metadata.created, resource.metadata.version


def gone(held: Resource[DiscoveryRecord]) -> Resource[DiscoveryRecord]:
    """The record of an affiliate that is no more: it may be destroyed."""
    return held.with_spec(data=b"", expires=Timestamp.ZERO, endpoints=()).with_finalizers()
