"""Keeps what the service knows in a State: a restart forgets nothing, and several servers on one state are one service.

The state decides. A change is written there, as a change of what is there now, before the call that asked for it is
answered; each server learns from its watch what was written, by itself or by another one, and tells its own watchers
then. So all servers tell everything once and in the same order, and while the state is away they go on with what they
know, tell nothing new, and refuse changes.

A record is not destroyed while its affiliate lives: it has a finalizer. Who finds that the affiliate is gone takes it
away in the same writing that says so, and destroys the record only then; an affiliate that comes back in between puts it
on again, and the record stays. That is how no server takes away what another one has just been told.

What is kept is what clients may not have: sealed data, and ids.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
from collections.abc import Callable, Iterator
from typing import Final

from talos_resources.discovery.messages import UpdateRequest
from talos_resources.discovery.server.checks import MAX_TTL_NS
from talos_resources.discovery.server.record import DiscoveryRecord, KeptEndpoint, gone, mark, name
from talos_resources.discovery.server.registry import Entry, Registry, too_many_endpoints
from talos_resources.model.errors import NotFoundError, PendingFinalizersError, TalosResourcesError
from talos_resources.model.resource import Resource
from talos_resources.model.timestamp import Timestamp
from talos_resources.rpc.status import Code, RpcError
from talos_resources.state.aio import AioState
from talos_resources.state.aio_watch import AioWatch
from talos_resources.state.contract import State
from talos_resources.state.derived import modify, update_with_conflicts
from talos_resources.state.events import Bootstrapped, Created, Destroyed, Updated

OWNER: Final = "discovery.Server"
OWN_NEWS_S: Final = 2.0
"""How long a change waits for its own echo."""
AGAIN_S: Final = 0.5
"""Between two tries to follow the state."""

_LOG: Final = logging.getLogger("talos_resources.discovery")
_NS: Final = 1e9


class Store:
    """What the servers of one state know, in the registry of one of them."""

    def __init__(self, state: State, registry: Registry, *, now: Callable[[], float], wall: Callable[[], int]) -> None:
        """Takes the time of the registry, in seconds, and the time of day, in nanoseconds, that records have."""
        self._state = AioState(state)
        self._registry = registry
        self._now = now
        self._wall = wall
        self._following: asyncio.Task[None] | None = None
        self._waiting: dict[str, set[asyncio.Future[None]]] = {}

    async def load(self) -> None:
        """Brings back what was kept and has not expired, and follows the state from then on.

        Nothing stays longer than a TTL, whatever the clock did.

        Raises:
            TalosResourcesError: the State cannot be read.
        """
        loaded: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._following = asyncio.create_task(self._follow(loaded))
        await loaded
        _LOG.info("brought %d affiliates back", self._registry.affiliates)

    async def close(self) -> None:
        """Follows the state no more."""
        following, self._following = self._following, None
        if following is not None:
            following.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await following

    async def update(self, request: UpdateRequest) -> None:
        """Takes what a node says; returns when this server's watchers have been told.

        Raises:
            RpcError: RESOURCE_EXHAUSTED, there is no room; UNAVAILABLE, the state cannot be written.
        """
        record_id = _record_id(request.cluster_id, request.affiliate_id)
        self._registry.admit(request)
        taken = True

        def change(held: Resource[DiscoveryRecord]) -> Resource[DiscoveryRecord]:
            nonlocal taken
            entry = Entry() if held.spec.is_gone else self._entry(held.spec)
            taken = entry.update(request, now=self._now())
            return held.with_spec(self._record(request.cluster_id, request.affiliate_id, entry)).with_finalizers(OWNER)

        with _honestly():
            written = await self._state.call(modify, Resource.new(DiscoveryRecord(), id=record_id), change, owner=OWNER)
        await self._seen(written)
        if not taken:
            raise too_many_endpoints()

    async def delete(self, cluster_id: str, affiliate_id: str) -> None:
        """Forgets an affiliate; that there is none is no error.

        Raises:
            RpcError: UNAVAILABLE, the state cannot be written.
        """
        with _honestly():
            await self._forget(cluster_id, affiliate_id, gone)

    async def collect(self) -> None:
        """Forgets what has expired, unless another server has been told something of it meanwhile."""
        for cluster_id, affiliate_id, entry in self._registry.due(now=self._now()):
            try:
                await self._forget(cluster_id, affiliate_id, functools.partial(self._expired, entry))
            except _MovedError:
                continue
            except TalosResourcesError as error:
                _LOG.warning("what has expired cannot be removed, and stays until it can: %s", error)
                return

    def _expired(self, entry: Entry, held: Resource[DiscoveryRecord]) -> Resource[DiscoveryRecord]:
        """What is left of a record."""
        if mark(held) != entry.mark:
            raise _MovedError
        now = self._now()
        if entry.expires <= now:
            return gone(held)
        left = tuple(kept for kept in held.spec.endpoints if entry.endpoints.get(kept.sealed, now) > now)
        return held.with_spec(endpoints=left)

    async def _forget(
        self, cluster_id: str, affiliate_id: str, change: Callable[[Resource[DiscoveryRecord]], Resource[DiscoveryRecord]]
    ) -> None:
        record_id = _record_id(cluster_id, affiliate_id)
        try:
            written = await self._state.call(update_with_conflicts, DiscoveryRecord, record_id, change, owner=OWNER)
        except NotFoundError:
            return
        if written.spec.is_gone:
            # Another server has done it, or the affiliate is back.
            with contextlib.suppress(NotFoundError, PendingFinalizersError):
                await self._state.destroy(DiscoveryRecord, record_id, owner=OWNER)
        await self._seen(written)

    async def _seen(self, written: Resource[DiscoveryRecord]) -> None:
        """Waits until our own watch has told of a writing, so that who has written also reads it; not for ever."""
        record = written.spec
        entry = self._registry.get(record.cluster_id, record.affiliate_id)
        if entry is None if record.is_gone else entry is not None and entry.mark >= mark(written):
            return
        told: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault(written.id, set())
        waiting.add(told)
        try:
            async with asyncio.timeout(OWN_NEWS_S):
                await told
        except TimeoutError:
            _LOG.warning("the state has not told of what was written there; it is told when it does")
        finally:
            waiting.discard(told)
            if not waiting:
                self._waiting.pop(written.id, None)

    async def _follow(self, loaded: asyncio.Future[None]) -> None:
        """Follows the state, again and again."""
        while True:
            try:
                async with self._state.watch_kind(DiscoveryRecord) as events:
                    await self._take(events, loaded)
            except TalosResourcesError as error:
                if not loaded.done():
                    loaded.set_exception(error)
                    return
                _LOG.warning("the state cannot be followed: %s; trying again", error)
            await asyncio.sleep(AGAIN_S)

    async def _take(self, events: AioWatch[DiscoveryRecord], loaded: asyncio.Future[None]) -> None:
        """Takes all that there is, then what changes."""
        found: set[tuple[str, str]] = set()
        past = []
        async for event in events:
            if isinstance(event, Bootstrapped):
                break
            if isinstance(event, Created):
                record = event.resource.spec
                if record.expires > self._wall():
                    found.add((record.cluster_id, record.affiliate_id))
                    self._put(event.resource)
                else:
                    past.append(event.resource)
        for cluster_id, affiliate_id in self._registry.names() - found:
            self._registry.delete(cluster_id, affiliate_id)
        for old in past:
            await self._bury(old)
        if not loaded.done():
            loaded.set_result(None)
        async for event in events:
            if isinstance(event, Created | Updated):
                self._put(event.resource)
            elif isinstance(event, Destroyed) and event.resource is not None:
                self._registry.delete(event.resource.spec.cluster_id, event.resource.spec.affiliate_id)

    async def _bury(self, old: Resource[DiscoveryRecord]) -> None:
        """Removes a record that had expired before we came."""
        with contextlib.suppress(_MovedError):
            change = functools.partial(self._expired, Entry(mark=mark(old)))
            await self._forget(old.spec.cluster_id, old.spec.affiliate_id, change)

    def _put(self, resource: Resource[DiscoveryRecord]) -> None:
        """Makes an affiliate what a record says, and tells of it if it is another than before."""
        record = resource.spec
        known = self._registry.get(record.cluster_id, record.affiliate_id)
        if not record.is_gone:
            entry = self._entry(record)
            entry.mark = mark(resource)
            self._registry.put(record.cluster_id, record.affiliate_id, entry, news=known is None or known.tells() != entry.tells())
        else:
            self._registry.delete(record.cluster_id, record.affiliate_id)
        for told in self._waiting.get(resource.id, ()):
            if not told.done():
                told.set_result(None)

    def _entry(self, record: DiscoveryRecord) -> Entry:
        now, wall = self._now(), self._wall()

        def seconds(expires: Timestamp) -> float:
            return now + min(max(expires - wall, 0), MAX_TTL_NS) / _NS

        endpoints = {kept.sealed: seconds(kept.expires) for kept in record.endpoints if kept.sealed}
        return Entry(data=record.data, expires=seconds(record.expires), endpoints=endpoints, announced=record.announced)

    def _record(self, cluster_id: str, affiliate_id: str, entry: Entry) -> DiscoveryRecord:
        offset = self._wall() - round(self._now() * _NS)

        def stamp(expires: float) -> Timestamp:
            return Timestamp(round(expires * _NS) + offset)

        return DiscoveryRecord(
            cluster_id=cluster_id,
            affiliate_id=affiliate_id,
            data=entry.data,
            expires=stamp(entry.expires),
            endpoints=tuple(KeptEndpoint(sealed=sealed, expires=stamp(expires)) for sealed, expires in entry.endpoints.items()),
            announced=entry.announced,
        )


class _MovedError(Exception):
    """Somebody has written the record since."""


def _record_id(cluster_id: str, affiliate_id: str) -> str:
    try:
        return name(cluster_id, affiliate_id)
    except UnicodeEncodeError:
        raise RpcError(Code.INVALID_ARGUMENT, "an ID that is no UTF-8 cannot be kept by this service") from None


@contextlib.contextmanager
def _honestly() -> Iterator[None]:
    """Says to clients that nothing was changed, and why."""
    try:
        yield
    except TalosResourcesError as error:
        _LOG.warning("refused a change, as the state cannot be written: %s", error)
        raise RpcError(Code.UNAVAILABLE, "the service cannot keep this at the moment, try again") from None
