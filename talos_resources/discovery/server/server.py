"""The discovery service as a server: its settings, its clock, its garbage collection."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import time
from collections.abc import Callable, Mapping
from typing import Final

from talos_resources.discovery.pace import MachineClock
from talos_resources.discovery.server.calls import Calls
from talos_resources.discovery.server.limits import CAPACITY, CAPACITY_BYTES, LIMITS
from talos_resources.discovery.server.rate import RateLimit
from talos_resources.discovery.server.registry import Registry
from talos_resources.discovery.server.service import ClusterService
from talos_resources.discovery.server.store import Store
from talos_resources.model.errors import ConfigError
from talos_resources.model.net import IPAddress
from talos_resources.rpc.server.limits import Limits
from talos_resources.rpc.server.server import Background, Listener
from talos_resources.rpc.server.tls import open_context
from talos_resources.rpc.transport.contract import Credentials
from talos_resources.state.contract import State

GC_INTERVAL_S: Final = 60.0
LOOPBACK: Final = ("127.0.0.0/8", "::1/128")

_LOG: Final = logging.getLogger("talos_resources.discovery")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class DiscoveryListener(Listener):
    """The service in the event loop that starts it; see `DiscoveryServer` for the arguments."""

    def __init__(
        self,
        *,
        credentials: Credentials | None = None,
        state: State | None = None,
        gc_interval_s: float = GC_INTERVAL_S,
        redirect: str = "",
        proxies: tuple[str, ...] = LOOPBACK,
        capacity: int = CAPACITY,
        capacity_bytes: int = CAPACITY_BYTES,
        rate: RateLimit | None = None,
        limits: Limits = LIMITS,
        now: Callable[[], float] | None = None,
        wall: Callable[[], int] = time.time_ns,
    ) -> None:
        if gc_interval_s <= 0:
            raise ConfigError(f"the garbage collection cannot run every {gc_interval_s:g} s; 60 s is usual")
        try:
            self._proxies: tuple[Network, ...] = tuple(map(ipaddress.ip_network, proxies))
        except ValueError as error:
            raise ConfigError(f"not a network of proxies: {error}; write 10.0.0.0/8, for example") from None
        self._now = MachineClock().now if now is None else now
        self._interval = gc_interval_s
        self._registry = Registry(capacity=capacity, capacity_bytes=capacity_bytes)
        self._store = None if state is None else Store(state, self._registry, now=self._now, wall=wall)
        self._collector: asyncio.Task[None] | None = None
        self._rate = RateLimit() if rate is None else rate
        service = ClusterService(
            self._registry,
            self._store,
            now=self._now,
            redirect=redirect,
            rate=self._rate,
            watches=limits.watches,
        )
        calls = Calls(service.methods(), limits, address_of=self._address_of, stats=lambda: {"affiliates": self._registry.affiliates})
        super().__init__(calls, tls=None if credentials is None else open_context(credentials), limits=limits)

    async def start(self, address: str) -> str:
        """See `Listener`; what was kept is there before the first client is."""
        if self._store is not None:
            await self._store.load()
        found = await super().start(address)
        self._collector = asyncio.get_running_loop().create_task(self._collect())
        return found

    async def stop(self) -> None:
        """See `Listener`."""
        collector, self._collector = self._collector, None
        if collector is not None:
            collector.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await collector
        await super().stop()
        if self._store is not None:
            await self._store.close()

    async def collect(self) -> None:
        """Forgets what has expired; done by itself every `gc_interval_s` seconds."""
        self._rate.forget(now=self._now())
        if self._store is None:
            self._registry.collect(now=self._now())
        else:
            await self._store.collect()

    async def _collect(self) -> None:
        while True:
            await asyncio.sleep(self._interval)
            await self.collect()

    def _address_of(self, headers: Mapping[str, str], peer: str) -> IPAddress | None:
        """The client's address: what a proxy says, if it is one of ours, else who is connected."""
        connected = _parsed(peer)
        if connected is None or any(connected in network for network in self._proxies if network.version == connected.version):
            for text in (headers.get("x-real-ip", ""), headers.get("x-forwarded-for", "").partition(",")[0].strip()):
                found = _parsed(text)
                if found is not None:
                    return found
        return connected


class DiscoveryServer(Background):
    """The service in a thread with a loop of its own.

    ```python
    with DiscoveryServer("127.0.0.1:0") as server:
        print(server.address)
    ```
    """

    def __init__(
        self,
        listen: str = "127.0.0.1:0",
        *,
        credentials: Credentials | None = None,
        state: State | None = None,
        gc_interval_s: float = GC_INTERVAL_S,
        redirect: str = "",
        proxies: tuple[str, ...] = LOOPBACK,
        capacity: int = CAPACITY,
        capacity_bytes: int = CAPACITY_BYTES,
        rate: RateLimit | None = None,
        limits: Limits = LIMITS,
        now: Callable[[], float] | None = None,
        wall: Callable[[], int] = time.time_ns,
    ) -> None:
        """Starts it; the address with its port is in `address`.

        Args:
            listen: `HOST:PORT`, port 0 for any that is free, or `unix:PATH`.
            credentials: our certificate and key for TLS; None for plaintext. Clients show none.
            state: keeps what the service knows through restarts, and shares it with other servers on the same state;
                None to forget it. It stays the caller's to close.
            gc_interval_s: seconds between two looks for what has expired.
            redirect: the address to which Hello sends clients; empty for none.
            proxies: networks from which `x-real-ip` and `x-forwarded-for` are believed; () for none.
            capacity: affiliates of all clusters together.
            capacity_bytes: about the memory that they may take together.
            rate: how often an address may call; None for what the real service allows.
            limits: what clients may take beside that.
            now: seconds that never go back; None for the machine's.
            wall: the time of day in nanoseconds, for what the state keeps.

        Raises:
            ConfigError: it cannot be started.
            TalosResourcesError: the state cannot be read.
        """
        self._listener = DiscoveryListener(
            credentials=credentials,
            state=state,
            gc_interval_s=gc_interval_s,
            redirect=redirect,
            proxies=proxies,
            capacity=capacity,
            capacity_bytes=capacity_bytes,
            rate=rate,
            limits=limits,
            now=now,
            wall=wall,
        )
        super().__init__(self._listener, listen)

    def collect(self) -> None:
        """Forgets what has expired, now; done by itself every `gc_interval_s` seconds."""
        self._call(self._listener.collect)


def _parsed(text: str) -> IPAddress | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
