"""A client that asks the service, and times that a test sets."""

from __future__ import annotations

from talos_resources.discovery.messages import (
    LIST,
    UPDATE,
    ClusterRequest,
    Duration,
    ListResponse,
    SealedAffiliate,
    UpdateRequest,
)
from talos_resources.discovery.wire import decode, encode
from talos_resources.rpc.client.call import Channel
from talos_resources.rpc.transport.http2 import Http2Transport
from tests.discovery.conftest import LONG

S = 1_000_000_000


class Asking:
    """A client with an address of its own each time, so that no rate limit is met."""

    def __init__(self, address: str) -> None:
        self._transport = Http2Transport(address)
        self._calls = 0

    def __call__(self, method: str, request: object) -> bytes:
        self._calls += 1
        metadata = (("x-real-ip", f"2001:db8:0:{self._calls:x}::1"),)
        return Channel((self._transport,), metadata=metadata, timeout=LONG).unary(method, encode(request))

    def update(self, affiliate_id: str, data: bytes | None = None, *endpoints: bytes, ttl: int = 600, cluster: str = "c") -> None:
        request = UpdateRequest(
            cluster_id=cluster, affiliate_id=affiliate_id, affiliate_data=data, affiliate_endpoints=endpoints, ttl=Duration(seconds=ttl)
        )
        self(UPDATE, request)

    def listed(self, cluster: str = "c") -> list[SealedAffiliate]:
        return list(decode(ListResponse, self(LIST, ClusterRequest(cluster_id=cluster))).affiliates)

    def close(self) -> None:
        self._transport.close()


class Times:
    """The clock of the service, and the time of day."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.of_day = 1_800_000_000 * S

    def pass_by(self, seconds: float) -> None:
        self.seconds += seconds
        self.of_day += round(seconds * S)
