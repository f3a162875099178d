"""What clients are told of a cluster is encoded once, and little at a time."""

from __future__ import annotations

import asyncio
import ipaddress
from typing import Any

from talos_resources.discovery.messages import Duration, ListResponse, UpdateRequest
from talos_resources.discovery.server.limits import CAPACITY_BYTES
from talos_resources.discovery.server.rate import BURST, PER_SECOND, RateLimit
from talos_resources.discovery.server.registry import Registry
from talos_resources.discovery.server.told import CACHE_BYTES, SNAPSHOT_BYTES, Told, framed
from talos_resources.discovery.wire import decode
from talos_resources.model.net import IPAddress
from talos_resources.rpc.server.work_turns import AT_WORK, WorkTurns


class Asking:
    """A call, for its turns."""

    def __init__(self) -> None:
        self.turns = WorkTurns()
        self.client = "a"
        self.taken = 0

    async def turn(self) -> None:
        self.taken += 1
        await self.turns.turn(self.client)


def update(registry: Registry, cluster: str, affiliate: str, data: bytes = b"x" * 2048, ttl: int = 600) -> None:
    endpoints = tuple(bytes([n]) * 16 for n in range(64))
    request = UpdateRequest(
        cluster_id=cluster, affiliate_id=affiliate, affiliate_data=data, affiliate_endpoints=endpoints, ttl=Duration(seconds=ttl)
    )
    registry.update(request, now=0.0)


async def pieces(told: Told, registry: Registry, call: Any, cluster: str) -> Any:
    return await told.pieces(call, cluster, tuple(registry.affiliates_of(cluster)), registry.version(cluster))


def filled(clusters: int, affiliates: int) -> tuple[Registry, Told]:
    registry = Registry(capacity=10_000, capacity_bytes=CAPACITY_BYTES)
    for cluster in range(clusters):
        for n in range(affiliates):
            update(registry, f"c{cluster}", f"{n}")
    return registry, Told(registry)


def test_all_who_ask_are_sent_the_same_bytes_until_it_changes() -> None:
    async def ask() -> None:
        registry, told = filled(1, 600)
        call = Asking()
        first = await asyncio.gather(*(pieces(told, registry, call, "c0") for _ in range(50)))
        assert len({id(found) for found in first}) <= AT_WORK
        assert 2 <= len(first[0]) <= 3
        assert max(map(len, first[0])) < SNAPSHOT_BYTES + 4096
        listed = decode(ListResponse, b"".join(framed(first[0]))[5:])
        assert listed.affiliates == tuple(registry.affiliates_of("c0"))
        registry.delete("c0", "7")
        changed = await pieces(told, registry, call, "c0")
        assert decode(ListResponse, b"".join(changed)).affiliates == tuple(registry.affiliates_of("c0"))
        assert len(told._remembered) == 1

    asyncio.run(ask())


def test_a_change_while_it_is_encoded_is_not_remembered_as_told() -> None:
    async def ask() -> None:
        registry, told = filled(1, 600)
        call = Asking()
        asking = asyncio.create_task(pieces(told, registry, call, "c0"))
        await asyncio.sleep(0)
        update(registry, "c0", "0", b"new")
        before = decode(ListResponse, b"".join(await asking))
        after = decode(ListResponse, b"".join(await pieces(told, registry, call, "c0")))
        assert (before.affiliates[0].data, after.affiliates[0].data) == (b"x" * 2048, b"new")

    asyncio.run(ask())


def test_what_is_remembered_is_bounded_and_made_up_names_are_not() -> None:
    async def ask() -> None:
        registry, told = filled(8, 1000)
        call = Asking()
        for n in range(100):
            assert await pieces(told, registry, call, f"none {n}") == (b"",)
        assert not told._remembered
        for cluster in range(8):
            await pieces(told, registry, call, f"c{cluster}")
        assert 1 < len(told._remembered) < 8
        assert told._bytes == sum(len(piece) for _, found in told._remembered.values() for piece in found) <= CACHE_BYTES

    asyncio.run(ask())


def test_how_large_a_cluster_is_is_known_without_looking_at_it() -> None:
    registry = Registry(capacity=100, capacity_bytes=CAPACITY_BYTES)

    def counted() -> int:
        return sum(len(one.id) + len(one.data) + sum(map(len, one.endpoints)) for one in registry.affiliates_of("c"))

    for n in range(10):
        update(registry, "c", f"{n}", bytes(n * 100 + 1))
        update(registry, "c", "again", bytes(2000 - n))
        assert registry.bytes_of("c") == counted()
    registry.delete("c", "5")
    update(registry, "c", "short", ttl=60)
    registry.update(UpdateRequest(cluster_id="c", affiliate_id="short", ttl=Duration(seconds=900)), now=0.0)
    registry.collect(now=100.0)  # its endpoints have expired
    assert registry.bytes_of("c") == counted()
    registry.collect(now=1000.0)
    assert registry.bytes_of("c") == registry.version("c") == 0


def test_addresses_that_were_silent_for_long_are_forgotten() -> None:
    limit = RateLimit()

    def ask(n: int, now: float) -> float | None:
        address: IPAddress = ipaddress.ip_address(f"2001:db8:{n >> 16:x}:{n & 0xFFFF:x}::1")
        return limit.delay(address, now=now, most=60)

    for n in range(5_000):
        ask(n, 0.0)
    for _ in range(int(BURST)):
        ask(5_000, 0.0)
    for n in range(1_000):
        ask(10_000 + n % 3, 1.0)
    assert len(limit) == 4
    assert ask(5_000, 1.0) == 0  # 15 of its 60 have come back
    assert [ask(5_000, 1.0) for _ in range(int(PER_SECOND))][-1] != 0
