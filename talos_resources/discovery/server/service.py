"""The service's methods over a registry. Source: discovery service v1.1.0."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping
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
    Redirect,
    UpdateRequest,
)
from talos_resources.discovery.server.calls import Caller, Method
from talos_resources.discovery.server.checks import check_affiliate, check_cluster, check_update
from talos_resources.discovery.server.rate import RateLimit
from talos_resources.discovery.server.registry import Registry
from talos_resources.discovery.server.store import Store
from talos_resources.discovery.server.told import Told, framed
from talos_resources.discovery.wire import encode
from talos_resources.rpc.framing import frame
from talos_resources.rpc.server.call import Call
from talos_resources.rpc.status import Code, RpcError

BUFFER: Final = 32
"""Changes that a watcher may be behind."""
LONGEST_DELAY_S: Final = 60.0
"""A call that would have to wait longer than this for its turn is refused, whatever its deadline."""


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
        self._told = Told(registry)
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
        await call.send_prepared(self._registry.bytes_of(request.cluster_id), lambda: self._listed(call, request.cluster_id))

    async def _watch(self, call: Call, caller: Caller, request: ClusterRequest) -> None:
        await self._admit(caller)
        check_cluster(request.cluster_id)
        if self._watches_left <= 0:
            raise RpcError(Code.RESOURCE_EXHAUSTED, "the server has as many watches as it takes; try again later")
        self._watches_left -= 1
        subscription = _Subscription()
        try:
            await call.send_prepared(
                self._registry.bytes_of(request.cluster_id), lambda: self._snapshot(call, request.cluster_id, subscription)
            )
            while not subscription.lost:
                await call.send_framed(await subscription.take())
            raise RpcError(Code.ABORTED, "subscription canceled: lost update")
        finally:
            self._watches_left += 1
            self._registry.unsubscribe(request.cluster_id, subscription)

    async def _listed(self, call: Call, cluster_id: str) -> Iterable[bytes]:
        affiliates = tuple(self._registry.affiliates_of(cluster_id))
        return framed(await self._told.pieces(call, cluster_id, affiliates, self._registry.version(cluster_id)))

    async def _snapshot(self, call: Call, cluster_id: str, subscription: _Subscription) -> Iterable[bytes]:
        """Subscribes, and gives what there is in messages of a size that every client takes; there is always one.

        Clients clear what they know at the first and add what the others bring.
        """
        affiliates = self._registry.subscribe(cluster_id, subscription)
        return map(frame, await self._told.pieces(call, cluster_id, affiliates, self._registry.version(cluster_id)))

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
