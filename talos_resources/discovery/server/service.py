"""The service's methods over a registry. Source: discovery service v1.1.0."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from talos_resources.discovery import payload
from talos_resources.discovery.messages import (
    DELETE,
    HELLO,
    LIST,
    UPDATE,
    WATCH,
    ClusterRequest,
    DeleteRequest,
    Empty,
    HelloRequest,
    HelloResponse,
    ListResponse,
    Redirect,
    SealedAffiliate,
    UpdateRequest,
    WatchResponse,
)
from talos_resources.discovery.server.calls import Caller, Method
from talos_resources.discovery.server.checks import check_affiliate, check_cluster, check_update
from talos_resources.discovery.server.rate import RateLimit
from talos_resources.discovery.server.registry import Registry
from talos_resources.discovery.server.store import Store
from talos_resources.discovery.wire import encode
from talos_resources.rpc.framing import frame
from talos_resources.rpc.server.call import Call
from talos_resources.rpc.status import Code, RpcError

BUFFER: Final = 32
"""Changes that a watcher may be behind."""
LONGEST_DELAY_S: Final = 60.0
"""A call that would have to wait longer than this for its turn is refused, whatever its deadline."""
SNAPSHOT_BYTES: Final = 1 << 20
"""About how much is in one message of a snapshot: Go clients take 4 MiB, and a full cluster has more."""


class _Subscription:
    """The changes that a watcher has not been sent yet."""

    def __init__(self) -> None:
        self._frames: deque[bytes] = deque()
        self._news = asyncio.Event()
        self.lost = False

    def tell(self, message: bytes) -> None:
        """See `Watcher`."""
        if len(self._frames) >= BUFFER:
            self.lost = True
        else:
            self._frames.append(message)
        self._news.set()

    async def take(self) -> bytes:
        """All that waits, framed; waits for the first."""
        await self._news.wait()
        self._news.clear()
        taken = b"".join(self._frames)
        self._frames.clear()
        return taken


class ClusterService:
    """The methods, each an answer to one request."""

    def __init__(
        self,
        registry: Registry,
        store: Store | None,
        *,
        now: Callable[[], float],
        redirect: str,
        rate: RateLimit,
        watches: int,
    ) -> None:
        """Serves a registry.

        Args:
            registry: what is known.
            store: keeps it through restarts, and shares it with other servers; None for nothing.
            now: the time in seconds.
            redirect: where Hello sends clients; empty for nowhere.
            rate: how often clients may call.
            watches: at the same time.
        """
        self._registry = registry
        self._store = store
        self._now = now
        self._redirect = Redirect(endpoint=redirect) if redirect else None
        self._rate = rate
        self._watches_left = watches

    def methods(self) -> Mapping[str, Method]:
        """By path."""
        return {HELLO: self._hello, UPDATE: self._update, DELETE: self._delete, LIST: self._list, WATCH: self._watch}

    async def _hello(self, call: Call, caller: Caller, request: HelloRequest) -> None:
        await self._admit(caller)
        check_cluster(request.cluster_id)
        await call.send(encode(HelloResponse(redirect=self._redirect, client_ip=payload.packed(caller.address))))

    async def _update(self, call: Call, caller: Caller, request: UpdateRequest) -> None:
        await self._admit(caller)
        check_update(request)
        if self._store is None:
            self._registry.update(request, now=self._now())
        else:
            await self._store.update(request)
        await call.send(encode(Empty()))

    async def _delete(self, call: Call, caller: Caller, request: DeleteRequest) -> None:
        await self._admit(caller)
        check_affiliate(request.cluster_id, request.affiliate_id)
        if self._store is None:
            self._registry.delete(request.cluster_id, request.affiliate_id)
        else:
            await self._store.delete(request.cluster_id, request.affiliate_id)
        await call.send(encode(Empty()))

    async def _list(self, call: Call, caller: Caller, request: ClusterRequest) -> None:
        await self._admit(caller)
        check_cluster(request.cluster_id)
        # Not made before the client takes it: thousands of answers that wait would be gigabytes.
        await call.send_made(self._registry.bytes_of(request.cluster_id), lambda: [self._listed(request.cluster_id)])

    async def _watch(self, call: Call, caller: Caller, request: ClusterRequest) -> None:
        await self._admit(caller)
        check_cluster(request.cluster_id)
        if self._watches_left <= 0:
            raise RpcError(Code.RESOURCE_EXHAUSTED, "the server has as many watches as it takes; try again later")
        self._watches_left -= 1
        subscription = _Subscription()
        try:
            await call.send_made(2 * SNAPSHOT_BYTES, lambda: self._snapshot(request.cluster_id, subscription))
            while not subscription.lost:
                await call.send_framed(await subscription.take())
            raise RpcError(Code.ABORTED, "subscription canceled: lost update")
        finally:
            self._watches_left += 1
            self._registry.unsubscribe(request.cluster_id, subscription)

    def _listed(self, cluster_id: str) -> bytes:
        return frame(encode(ListResponse(affiliates=tuple(self._registry.affiliates_of(cluster_id)))))

    def _snapshot(self, cluster_id: str, subscription: _Subscription) -> Iterator[bytes]:
        """Subscribes, and gives what there is."""
        for affiliates in _parts(self._registry.subscribe(cluster_id, subscription)):
            yield frame(encode(WatchResponse(affiliates=affiliates)))

    async def _admit(self, caller: Caller) -> None:
        """Lets a caller wait for its turn.

        Raises:
            RpcError: it would not come in time.
        """
        most = LONGEST_DELAY_S if caller.deadline is None else min(caller.deadline, LONGEST_DELAY_S)
        delay = self._rate.delay(caller.address, now=self._now(), most=most)
        if delay is None:
            raise RpcError(Code.RESOURCE_EXHAUSTED, "rate limit exceeds request timeout")
        if delay:
            await asyncio.sleep(delay)


def _parts(affiliates: Sequence[SealedAffiliate]) -> Iterator[tuple[SealedAffiliate, ...]]:
    """A snapshot in messages of a size that every client takes; there is always one.

    Clients clear what they know at the first and add what the others bring.
    """
    part: list[SealedAffiliate] = []
    size = 0
    for affiliate in affiliates:
        part.append(affiliate)
        size += len(affiliate.id) + len(affiliate.data) + sum(map(len, affiliate.endpoints))
        if size >= SNAPSHOT_BYTES:
            yield tuple(part)
            part, size = [], 0
    if part or not affiliates:
        yield tuple(part)
