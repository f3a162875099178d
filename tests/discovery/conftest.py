"""A service, and clients that end with the test."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest

from talos_resources.discovery import payload
from talos_resources.discovery.client import DiscoveryClient
from talos_resources.discovery.server.server import DiscoveryServer

KEY = bytes(range(32))
CLUSTER_ID = "cluster"
LONG = 60.0

MakeClient = Callable[..., DiscoveryClient]


class Quick(Random):
    """Chance that makes every pause as short as it may be."""

    def uniform(self, a: float, b: float) -> float:
        return min(a, b)


class ManualClock:
    """Time that the test moves; who waits is woken to look again."""

    def __init__(self) -> None:
        self._now = 1000.0
        self._waiting: set[threading.Condition] = set()

    def now(self) -> float:
        return self._now

    def wait(self, changed: threading.Condition, seconds: float | None) -> None:
        self._waiting.add(changed)
        changed.wait()

    def advance(self, seconds: float) -> None:
        """Once somebody waits: a thread that has just been started counts from when it looks first."""
        end = time.monotonic() + LONG
        while not self._waiting:
            assert time.monotonic() < end
            time.sleep(0.001)
        self._now += seconds
        for changed in tuple(self._waiting):
            with changed:
                changed.notify_all()


@pytest.fixture
def service() -> Iterator[DiscoveryServer]:
    with DiscoveryServer() as server:
        yield server


@pytest.fixture
def make_client(service: DiscoveryServer) -> Iterator[MakeClient]:
    """Makes and starts a client of the service."""
    made: list[DiscoveryClient] = []

    def make(name: str, endpoint: str | None = None, **options: Any) -> DiscoveryClient:
        settings: dict[str, Any] = {"cluster_id": CLUSTER_ID, "key": KEY, "insecure": True, "random": Quick(name), **options}
        client = DiscoveryClient(service.address if endpoint is None else endpoint, affiliate_id=name, **settings)
        made.append(client)
        client.start()
        return client

    yield make
    for client in made:
        client.close()


def node(name: str, **fields: Any) -> payload.Affiliate:
    return payload.Affiliate(node_id=name, **fields)


def at(port: int) -> payload.Endpoint:
    return payload.Endpoint(ip=bytes([10, 0, 0, 1]), port=port)
