"""What the discovery service keeps has a bound in bytes."""

from __future__ import annotations

import gc
import tracemalloc
from typing import Any

import pytest

from talos_resources.backends.memory import MemoryState
from talos_resources.discovery.messages import Duration, UpdateRequest
from talos_resources.discovery.server.registry import Registry
from talos_resources.discovery.server.server import DiscoveryServer
from talos_resources.rpc.status import Code, RpcError
from tests.discovery.asking import Asking


def request(n: int, *, cluster: str = "c", data: int = 2048, endpoints: int = 64, ttl: int = 600) -> UpdateRequest:
    sealed = tuple(n.to_bytes(16) + end.to_bytes(16) for end in range(endpoints))
    return UpdateRequest(
        cluster_id=cluster, affiliate_id=f"{n:044}", affiliate_data=bytes(data), affiliate_endpoints=sealed, ttl=Duration(seconds=ttl)
    )


@pytest.mark.parametrize("shape", [{"data": 2048}, {"data": 1}, {"data": 2048, "endpoints": 0}, {"data": 700, "endpoints": 8}])
@pytest.mark.parametrize("clusters", [1, 500])
def test_what_is_counted_is_about_what_it_takes(shape: dict[str, Any], clusters: int) -> None:
    registry = Registry(capacity=10_000, capacity_bytes=1 << 30)
    gc.collect()
    tracemalloc.start()
    try:
        for n in range(500):
            registry.update(request(n, cluster=f"cluster {n % clusters}", **shape), now=n + 0.1)
        took = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert 0.7 < took / registry.cost < 1.2


def test_when_all_is_gone_nothing_is_counted() -> None:
    registry = Registry(capacity=1_000, capacity_bytes=1 << 30)
    for n in range(100):
        registry.update(request(n, cluster=f"{n % 7}", ttl=n + 1), now=0.0)
        registry.update(request(n, cluster=f"{n % 7}", data=n, endpoints=n % 64, ttl=100 + n), now=0.0)
    costs = []
    for now in range(0, 300, 20):
        registry.collect(now=float(now))
        costs.append(registry.cost)
    assert costs[0] > costs[5] > costs[8] > costs[-1] == 0
    registry.update(request(1), now=0.0)
    registry.delete("c", f"{1:044}")
    assert registry.cost == 0


@pytest.mark.parametrize("shared", [False, True])
def test_bytes_are_bounded_and_who_is_there_stays(shared: bool) -> None:
    with DiscoveryServer(capacity_bytes=100_000, state=MemoryState() if shared else None) as server:
        ask = Asking(server.address)
        with pytest.raises(RpcError, match="too large together") as refused:
            for n in range(100):
                ask.update(f"{n}", bytes(2048), *(bytes([n, end]) for end in range(64)))
        assert refused.value.code is Code.RESOURCE_EXHAUSTED
        assert len(ask.listed()) == 100_000 // (2049 + 350 + 64 * 92)
        with pytest.raises(RpcError, match="too large together"):
            ask.update("other", b"", *(bytes([end]) for end in range(1, 65)), cluster="another")
        ask.update("0", bytes(2048), bytes([0, 0]))  # it says what it has said before
        ask.update("0", b"less")
        ask.update("small", b"x")
        ask.close()
