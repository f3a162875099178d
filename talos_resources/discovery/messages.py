"""What clients and the discovery service say to each other.

Whoever listens learns cluster and node ids, sizes and times; `data` and endpoints are sealed.

Source: discovery API v0.1.8, package sidero.discovery.server.
"""

from __future__ import annotations

from typing import Any, Final

import attrs

from talos_resources.discovery.wire import field, unknown

SERVICE: Final = "sidero.discovery.server.Cluster"
HELLO: Final = f"/{SERVICE}/Hello"
UPDATE: Final = f"/{SERVICE}/AffiliateUpdate"
DELETE: Final = f"/{SERVICE}/AffiliateDelete"
LIST: Final = f"/{SERVICE}/List"
WATCH: Final = f"/{SERVICE}/Watch"

_LONGEST_NS: Final = (1 << 63) - 1


@attrs.frozen(kw_only=True)
class Redirect:
    """Where to go instead; an empty endpoint is none."""

    endpoint: str = field(1, "text")
    unknown: bytes = unknown()


@attrs.frozen(kw_only=True)
class HelloRequest:
    """Opens a conversation."""

    cluster_id: str = field(1, "text")
    client_version: str = field(2, "text")
    unknown: bytes = unknown()


@attrs.frozen(kw_only=True)
class HelloResponse:
    """The client's address as the service sees it, 4 or 16 bytes with a zone behind."""

    redirect: Redirect | None = field(1, cls=Redirect)
    client_ip: bytes = field(2, "bytes")
    unknown: bytes = unknown()


@attrs.frozen(kw_only=True)
class Duration:
    """A protobuf Duration."""

    seconds: int = field(1, "int64")
    nanos: int = field(2, "int32")
    unknown: bytes = unknown()

    @classmethod
    def of(cls, seconds: float) -> Duration:
        """The duration of so many seconds."""
        whole, nanos = divmod(round(seconds * 1e9), 1_000_000_000)
        return cls(seconds=whole, nanos=nanos)

    @property
    def ns(self) -> int:
        """Nanoseconds, as many as fit into 64 bits."""
        return max(-_LONGEST_NS - 1, min(self.seconds * 1_000_000_000 + self.nanos, _LONGEST_NS))


@attrs.frozen(kw_only=True)
class UpdateRequest:
    """What a node says of itself, or where it has seen another one.

    Attributes:
        affiliate_data: None changes nothing, as does empty data.
        affiliate_endpoints: added to those that are known.
        ttl: None as zero.
    """

    cluster_id: str = field(1, "text")
    affiliate_id: str = field(2, "text")
    affiliate_data: bytes | None = field(3, "bytes", optional=True)
    affiliate_endpoints: tuple[bytes, ...] = field(4, "bytes", repeated=True)
    ttl: Duration | None = field(5, cls=Duration)
    unknown: bytes = unknown()


@attrs.frozen(kw_only=True)
class DeleteRequest:
    """Takes a node out at once."""

    cluster_id: str = field(1, "text")
    affiliate_id: str = field(2, "text")
    unknown: bytes = unknown()


@attrs.frozen(kw_only=True)
class ClusterRequest:
    """A ListRequest and a WatchRequest: all of a cluster."""

    cluster_id: str = field(1, "text")
    unknown: bytes = unknown()


@attrs.frozen(kw_only=True)
class SealedAffiliate:
    """What the service knows of a node."""

    id: str = field(1, "text")
    data: bytes = field(2, "bytes")
    endpoints: tuple[bytes, ...] = field(3, "bytes", repeated=True)
    unknown: bytes = unknown()


@attrs.frozen(kw_only=True)
class ListResponse:
    """All affiliates."""

    affiliates: tuple[SealedAffiliate, ...] = field(1, cls=SealedAffiliate, repeated=True)
    unknown: bytes = unknown()


@attrs.frozen(kw_only=True)
class WatchResponse:
    """First all affiliates, then each that changes; of deleted ones only the id."""

    affiliates: tuple[SealedAffiliate, ...] = field(1, cls=SealedAffiliate, repeated=True)
    deleted: bool = field(2, "flag")
    unknown: bytes = unknown()


@attrs.frozen(kw_only=True)
class Empty:
    """An AffiliateUpdateResponse and an AffiliateDeleteResponse."""

    unknown: bytes = unknown()


REQUESTS: Final[dict[str, type[Any]]] = {
    HELLO: HelloRequest,
    UPDATE: UpdateRequest,
    DELETE: DeleteRequest,
    LIST: ClusterRequest,
    WATCH: ClusterRequest,
}
RESPONSES: Final[dict[str, type[Any]]] = {
    HELLO: HelloResponse,
    UPDATE: Empty,
    DELETE: Empty,
    LIST: ListResponse,
    WATCH: WatchResponse,
}
