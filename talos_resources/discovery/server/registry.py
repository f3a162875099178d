"""What the service knows: clusters, their affiliates, when each expires, and who watches.

No clock and no I/O: the time is a parameter, in seconds, and watchers are told at once.

Source: discovery service v1.1.0; golden/discovery/sessions.json, scripts. What is different is in
docs/differences.md.
"""

from __future__ import annotations

import itertools
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

CLUSTER_BYTES: Final = 500
AFFILIATE_BYTES: Final = 350
ENDPOINT_BYTES: Final = 90
"""About what the process spends on each, beside ids and what is sealed; as measured with CPython 3.11 on x86-64."""

_NS: Final = 1e9


class Watcher(Protocol):
    """Somebody who follows a cluster."""

    def tell(self, message: bytes) -> None:
        """Takes one change, framed, the same bytes for all; must not block."""
        ...


@attrs.define
class Entry:
    """An affiliate: its sealed data, empty before its node has spoken, and its sealed endpoints, each with its expiration.

    Attributes:
        announced: how often its node has spoken; others are told each time.
        mark: which writing of a shared state this is; see `Store`.
        counted: how many bytes of it its cluster has counted.
        cost: how many bytes of memory it has been counted for.
    """

    data: bytes = b""
    expires: float = float("-inf")
    endpoints: dict[bytes, float] = attrs.Factory(dict)
    announced: int = 0
    mark: tuple[int, int] = (0, 0)
    counted: int = 0
    cost: int = 0

    def sealed(self, affiliate_id: str) -> SealedAffiliate:
        """As it is sent."""
        return SealedAffiliate(id=affiliate_id, data=self.data, endpoints=tuple(self.endpoints))

    def update(self, request: UpdateRequest, *, now: float) -> bool:
        """Takes what a node says of itself or of another one.

        Returns:
            Whether all was taken: from the endpoint on for which there is no room, none is.
        """
        expires = now + (0.0 if request.ttl is None else request.ttl.ns / _NS)
        if request.affiliate_data:
            self.data, self.expires = request.affiliate_data, expires
            self.announced += 1
        self.expires = max(self.expires, expires)
        for endpoint in request.affiliate_endpoints:
            known = self.endpoints.get(endpoint)
            if known is None and len(self.endpoints) >= MAX_ENDPOINTS:
                return False
            self.endpoints[endpoint] = expires if known is None else max(known, expires)
        return True

    def forget_endpoints(self, *, now: float) -> bool:
        """Forgets the endpoints that have expired; whether there were any."""
        old = [endpoint for endpoint, expires in self.endpoints.items() if expires <= now]
        for endpoint in old:
            del self.endpoints[endpoint]
        return bool(old)

    def tells(self) -> tuple[int, tuple[bytes, ...]]:
        """What watchers are told of, when it is another than before."""
        return self.announced, tuple(self.endpoints)


def too_many_endpoints() -> RpcError:
    """What is answered when not all endpoints were taken; those before the first one too many have been."""
    return RpcError(Code.RESOURCE_EXHAUSTED, "too many endpoints in the affiliate")


_versions = itertools.count(1)


@attrs.define
class _Cluster:
    entries: dict[str, Entry] = attrs.Factory(dict)
    watchers: dict[Watcher, None] = attrs.Factory(dict)
    bytes: int = 0
    version: int = attrs.Factory(lambda: next(_versions))

    def count(self, affiliate_id: str, entry: Entry, old: Entry | None) -> int:
        """Counts what an affiliate has now in place of what it had; returns how much more memory that is."""
        size = len(affiliate_id) + len(entry.data) + sum(map(len, entry.endpoints))
        cost = size + AFFILIATE_BYTES + ENDPOINT_BYTES * len(entry.endpoints)
        more = cost - (0 if old is None else old.cost)
        self.bytes += size - (0 if old is None else old.counted)
        entry.counted, entry.cost = size, cost
        return more

    def tell(self, affiliate_id: str, entry: Entry | None) -> None:
        self.version = next(_versions)
        if self.watchers:
            affiliate = SealedAffiliate(id=affiliate_id) if entry is None else entry.sealed(affiliate_id)
            message = frame(encode(WatchResponse(affiliates=(affiliate,), deleted=entry is None)))
            for watcher in tuple(self.watchers):
                watcher.tell(message)


class Registry:
    """All clusters.

    Attributes:
        affiliates: how many there are, in all clusters together.
        cost: about how many bytes of memory they take.
    """

    def __init__(self, *, capacity: int, capacity_bytes: int) -> None:
        """Takes how many affiliates there may be, in all clusters together, and about how much memory they may take."""
        self._clusters: dict[str, _Cluster] = {}
        self._capacity = capacity
        self._capacity_bytes = capacity_bytes
        self.affiliates = 0
        self.cost = 0

    def update(self, request: UpdateRequest, *, now: float) -> None:
        """Takes what a node says of itself or of another one.

        Not all or nothing, as the real one is not: before an endpoint too many is refused, the rest is taken.

        Raises:
            RpcError: RESOURCE_EXHAUSTED, there is no room.
        """
        self.admit(request)
        entry = self.get(request.cluster_id, request.affiliate_id)
        before = None if entry is None else entry.tells()
        entry = Entry() if entry is None else entry
        taken = entry.update(request, now=now)
        self.put(request.cluster_id, request.affiliate_id, entry, news=entry.tells() != before)
        if not taken:
            raise too_many_endpoints()

    def admit(self, request: UpdateRequest) -> None:
        """Whether there is room for what a node says; there is always for what it has said before.

        Raises:
            RpcError: RESOURCE_EXHAUSTED, there is none.
        """
        cluster = self._clusters.get(request.cluster_id)
        entries = {} if cluster is None else cluster.entries
        entry = entries.get(request.affiliate_id)
        if entry is None:
            if len(entries) >= MAX_AFFILIATES:
                raise RpcError(Code.RESOURCE_EXHAUSTED, "too many affiliates in the cluster")
            if self.affiliates >= self._capacity:
                raise RpcError(Code.RESOURCE_EXHAUSTED, "too many affiliates on this server")
        more = _growth(request, entry) + (0 if entries else CLUSTER_BYTES + len(request.cluster_id))
        if more > 0 and self.cost + more > self._capacity_bytes:
            raise RpcError(Code.RESOURCE_EXHAUSTED, "the affiliates on this server are too large together")

    def delete(self, cluster_id: str, affiliate_id: str) -> None:
        """Forgets an affiliate; that there is none is no error."""
        cluster = self._clusters.get(cluster_id)
        entry = None if cluster is None else cluster.entries.pop(affiliate_id, None)
        if cluster is not None and entry is not None:
            self.affiliates -= 1
            self.cost -= entry.cost + (0 if cluster.entries else CLUSTER_BYTES + len(cluster_id))
            cluster.bytes -= entry.counted
            cluster.tell(affiliate_id, None)
            self._drop_if_empty(cluster_id)

    def bytes_of(self, cluster_id: str) -> int:
        """About how many bytes the affiliates of a cluster are."""
        cluster = self._clusters.get(cluster_id)
        return 0 if cluster is None else cluster.bytes

    def version(self, cluster_id: str) -> int:
        """Another number whenever a cluster has other affiliates to tell than before; 0 if there is none."""
        cluster = self._clusters.get(cluster_id)
        return 0 if cluster is None else cluster.version

    def get(self, cluster_id: str, affiliate_id: str) -> Entry | None:
        """An affiliate; not to be changed."""
        cluster = self._clusters.get(cluster_id)
        return None if cluster is None else cluster.entries.get(affiliate_id)

    def put(self, cluster_id: str, affiliate_id: str, entry: Entry, *, news: bool) -> None:
        """Holds an affiliate as it is now; watchers are told if it is news."""
        cluster = self._clusters.setdefault(cluster_id, _Cluster())
        old = cluster.entries.get(affiliate_id)
        self.affiliates += old is None
        self.cost += cluster.count(affiliate_id, entry, old) + (0 if cluster.entries else CLUSTER_BYTES + len(cluster_id))
        cluster.entries[affiliate_id] = entry
        if news:
            cluster.tell(affiliate_id, entry)

    def names(self) -> set[tuple[str, str]]:
        """Cluster and id of every affiliate."""
        return {(cluster_id, affiliate_id) for cluster_id, cluster in self._clusters.items() for affiliate_id in cluster.entries}

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

    def collect(self, *, now: float) -> None:
        """Forgets what has expired.

        Who loses only endpoints is told as changed. The real service tells it as deleted.
        """
        for cluster_id, affiliate_id, entry in self.due(now=now):
            if entry.expires <= now:
                self.delete(cluster_id, affiliate_id)
            elif entry.forget_endpoints(now=now):
                self.cost += self._clusters[cluster_id].count(affiliate_id, entry, entry)
                self._clusters[cluster_id].tell(affiliate_id, entry)

    def due(self, *, now: float) -> list[tuple[str, str, Entry]]:
        """Cluster, id and entry of every affiliate that has expired, or an endpoint of which has."""
        return [
            (cluster_id, affiliate_id, entry)
            for cluster_id, cluster in self._clusters.items()
            for affiliate_id, entry in cluster.entries.items()
            if entry.expires <= now or any(expires <= now for expires in entry.endpoints.values())
        ]

    def _drop_if_empty(self, cluster_id: str) -> None:
        cluster = self._clusters[cluster_id]
        if not cluster.entries and not cluster.watchers:
            del self._clusters[cluster_id]


def _growth(request: UpdateRequest, entry: Entry | None) -> int:
    """About how many bytes of memory more an affiliate takes with what a node says of it."""
    known = {} if entry is None else entry.endpoints
    data = len(request.affiliate_data or b"") - (0 if entry is None else len(entry.data))
    fresh = [endpoint for endpoint in dict.fromkeys(request.affiliate_endpoints) if endpoint not in known]
    more = sum(ENDPOINT_BYTES + len(endpoint) for endpoint in fresh[: MAX_ENDPOINTS - len(known)])
    return more + (max(data, 0) if entry is not None else data + AFFILIATE_BYTES + len(request.affiliate_id))
