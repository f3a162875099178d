"""What the service knows: clusters, their affiliates, when each expires, and who watches.

No clock and no I/O: the time is a parameter, in seconds, and watchers are told at once.

Source: discovery service v1.1.0; golden/discovery/sessions.json, scripts. What is different is in
docs/differences.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Protocol

import attrs

from talos_resources.discovery.messages import SealedAffiliate, UpdateRequest, WatchResponse
from talos_resources.discovery.wire import encode
from talos_resources.rpc.framing import frame
from talos_resources.rpc.status import Code, RpcError

MAX_AFFILIATES: Final = 1024
"""In one cluster."""
MAX_ENDPOINTS: Final = 64
"""Of one affiliate."""

_NS: Final = 1e9


class Watcher(Protocol):
    """Somebody who follows a cluster."""

    def tell(self, message: bytes) -> None:
        """Takes one change, framed, the same bytes for all; must not block."""
        ...


@attrs.define
class Entry:
    """An affiliate: its sealed data, empty before its node has spoken, and its sealed endpoints, each with its expiration."""

    data: bytes = b""
    expires: float = float("-inf")
    endpoints: dict[bytes, float] = attrs.Factory(dict)

    def sealed(self, affiliate_id: str) -> SealedAffiliate:
        """As it is sent."""
        return SealedAffiliate(id=affiliate_id, data=self.data, endpoints=tuple(self.endpoints))


@attrs.define
class _Cluster:
    entries: dict[str, Entry] = attrs.Factory(dict)
    watchers: dict[Watcher, None] = attrs.Factory(dict)

    def tell(self, affiliate_id: str, entry: Entry | None) -> None:
        if self.watchers:
            affiliate = SealedAffiliate(id=affiliate_id) if entry is None else entry.sealed(affiliate_id)
            message = frame(encode(WatchResponse(affiliates=(affiliate,), deleted=entry is None)))
            for watcher in tuple(self.watchers):
                watcher.tell(message)


class Registry:
    """All clusters.

    Attributes:
        affiliates: how many there are, in all clusters together.
    """

    def __init__(self, *, capacity: int) -> None:
        """Takes how many affiliates there may be, in all clusters together."""
        self._clusters: dict[str, _Cluster] = {}
        self._capacity = capacity
        self.affiliates = 0

    def update(self, request: UpdateRequest, *, now: float) -> None:
        """Takes what a node says of itself or of another one.

        Not all or nothing, as the real one is not: before an endpoint too many is refused, the rest is taken.

        Raises:
            RpcError: RESOURCE_EXHAUSTED, there is no room.
        """
        expires = now + (0.0 if request.ttl is None else request.ttl.ns / _NS)
        cluster = self._clusters.get(request.cluster_id)
        entry = None if cluster is None else cluster.entries.get(request.affiliate_id)
        news = entry is None
        if entry is None:
            cluster, entry = self._added(request)
        assert cluster is not None
        if request.affiliate_data:
            entry.data, entry.expires, news = request.affiliate_data, expires, True
        refused = False
        for endpoint in request.affiliate_endpoints:
            known = entry.endpoints.get(endpoint)
            if known is None and len(entry.endpoints) >= MAX_ENDPOINTS:
                refused = True
                break
            news = news or known is None
            entry.endpoints[endpoint] = expires if known is None else max(known, expires)
        entry.expires = max(entry.expires, expires)
        if news:
            cluster.tell(request.affiliate_id, entry)
        if refused:
            raise RpcError(Code.RESOURCE_EXHAUSTED, "too many endpoints in the affiliate")

    def delete(self, cluster_id: str, affiliate_id: str) -> None:
        """Forgets an affiliate; that there is none is no error."""
        cluster = self._clusters.get(cluster_id)
        if cluster is not None and cluster.entries.pop(affiliate_id, None) is not None:
            self.affiliates -= 1
            cluster.tell(affiliate_id, None)
            self._drop_if_empty(cluster_id)

    def bytes_of(self, cluster_id: str) -> int:
        """About how many bytes the affiliates of a cluster are."""
        cluster = self._clusters.get(cluster_id)
        entries = {} if cluster is None else cluster.entries
        return sum(len(name) + len(entry.data) + sum(map(len, entry.endpoints)) for name, entry in entries.items())

    def get(self, cluster_id: str, affiliate_id: str) -> Entry | None:
        """An affiliate; not to be changed."""
        cluster = self._clusters.get(cluster_id)
        return None if cluster is None else cluster.entries.get(affiliate_id)

    def put(self, cluster_id: str, affiliate_id: str, entry: Entry) -> None:
        """Brings back what was kept elsewhere."""
        cluster = self._clusters.setdefault(cluster_id, _Cluster())
        self.affiliates += affiliate_id not in cluster.entries
        cluster.entries[affiliate_id] = entry

    def affiliates_of(self, cluster_id: str) -> Iterator[SealedAffiliate]:
        """All affiliates of a cluster."""
        cluster = self._clusters.get(cluster_id)
        if cluster is not None:
            for affiliate_id, entry in cluster.entries.items():
                yield entry.sealed(affiliate_id)

    def subscribe(self, cluster_id: str, watcher: Watcher) -> tuple[SealedAffiliate, ...]:
        """What there is; the watcher is told of all that comes after it."""
        self._clusters.setdefault(cluster_id, _Cluster()).watchers[watcher] = None
        return tuple(self.affiliates_of(cluster_id))

    def unsubscribe(self, cluster_id: str, watcher: Watcher) -> None:
        """Tells a watcher no more; twice is no error."""
        cluster = self._clusters.get(cluster_id)
        if cluster is not None:
            cluster.watchers.pop(watcher, None)
            self._drop_if_empty(cluster_id)

    def collect(self, *, now: float) -> list[tuple[str, str]]:
        """Forgets what has expired.

        Who loses only endpoints is told as changed. The real service tells it as deleted.

        Returns:
            Cluster and affiliate id of all that changed or went.
        """
        changed = []
        for cluster_id, cluster in tuple(self._clusters.items()):
            for affiliate_id, entry in tuple(cluster.entries.items()):
                if entry.expires <= now:
                    self.delete(cluster_id, affiliate_id)
                    changed.append((cluster_id, affiliate_id))
                elif old := [endpoint for endpoint, expires in entry.endpoints.items() if expires <= now]:
                    for endpoint in old:
                        del entry.endpoints[endpoint]
                    cluster.tell(affiliate_id, entry)
                    changed.append((cluster_id, affiliate_id))
        return changed

    def _added(self, request: UpdateRequest) -> tuple[_Cluster, Entry]:
        cluster = self._clusters.get(request.cluster_id)
        if cluster is not None and len(cluster.entries) >= MAX_AFFILIATES:
            raise RpcError(Code.RESOURCE_EXHAUSTED, "too many affiliates in the cluster")
        if self.affiliates >= self._capacity:
            raise RpcError(Code.RESOURCE_EXHAUSTED, "too many affiliates on this server")
        cluster = self._clusters.setdefault(request.cluster_id, _Cluster())
        entry = cluster.entries[request.affiliate_id] = Entry()
        self.affiliates += 1
        return cluster, entry

    def _drop_if_empty(self, cluster_id: str) -> None:
        cluster = self._clusters[cluster_id]
        if not cluster.entries and not cluster.watchers:
            del self._clusters[cluster_id]
