"""Keeps what the service knows in a State, so that a restart forgets nothing.

What is kept is what clients may not have: sealed data, and ids. A record is written before the call that
changed it is answered.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
from collections.abc import Callable
from typing import Final

import attrs

from talos_resources.discovery.server.checks import MAX_TTL_NS
from talos_resources.discovery.server.registry import Entry, Registry
from talos_resources.model.errors import NotFoundError
from talos_resources.model.kind import Column, kind
from talos_resources.model.resource import Resource
from talos_resources.model.spec import Unknown, unknown_field, wire
from talos_resources.model.timestamp import Timestamp
from talos_resources.state.aio import AioState
from talos_resources.state.contract import State
from talos_resources.state.derived import modify

OWNER: Final = "discovery.Server"

_LOG: Final = logging.getLogger("talos_resources.discovery")
_NS: Final = 1e9


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
    expires: Timestamp = wire(4, default=Timestamp.ZERO, doc="When it is forgotten.")
    endpoints: tuple[KeptEndpoint, ...] = wire(5, default=(), doc="Where it can be reached, sealed.")
    unknown: Unknown | None = unknown_field()


class Store:
    """Writes entries of a registry to a State, and reads them at the start."""

    def __init__(self, state: State, registry: Registry, *, now: Callable[[], float], wall: Callable[[], int]) -> None:
        """Takes the time of the registry, in seconds, and the time of day, in nanoseconds, that records have."""
        self._state = AioState(state)
        self._registry = registry
        self._now = now
        self._wall = wall
        self._writing = asyncio.Lock()

    async def load(self) -> None:
        """Brings back what was kept and has not expired; nothing stays longer than a TTL, whatever the clock did.

        Raises:
            TalosResourcesError: the State cannot be read.
        """
        now, wall = self._now(), self._wall()

        def seconds(expires: Timestamp) -> float:
            return now + min(max(expires - wall, 0), MAX_TTL_NS) / _NS

        for resource in await self._state.list(DiscoveryRecord):
            record = resource.spec
            if record.expires <= wall:
                await self.keep(record.cluster_id, record.affiliate_id)
                continue
            endpoints = {kept.sealed: seconds(kept.expires) for kept in record.endpoints if kept.sealed}
            entry = Entry(data=record.data, expires=seconds(record.expires), endpoints=endpoints)
            self._registry.put(record.cluster_id, record.affiliate_id, entry)
        _LOG.info("brought %d affiliates back", self._registry.affiliates)

    async def keep(self, cluster_id: str, affiliate_id: str) -> None:
        """Makes the record of an affiliate what the registry has now; removes it if there is none.

        Raises:
            TalosResourcesError: it cannot be written.
        """
        try:
            name = hashlib.sha256(f"{len(cluster_id)} {cluster_id}{affiliate_id}".encode()).hexdigest()
        except UnicodeEncodeError:
            return  # ids that are no text live in memory only
        async with self._writing:
            entry = self._registry.get(cluster_id, affiliate_id)
            if entry is None:
                with contextlib.suppress(NotFoundError):
                    await self._state.destroy(DiscoveryRecord, name, owner=OWNER)
                return
            spec = self._record(cluster_id, affiliate_id, entry)
            empty = Resource.new(DiscoveryRecord(), id=name)
            await self._state.call(modify, empty, lambda old: old.with_spec(spec), owner=OWNER)

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
        )
