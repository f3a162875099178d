"""The client of the discovery service: announces a node, and knows the others.

Source: discovery client v0.1.15; golden/discovery/sessions.json. What is different is in
docs/differences.md.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from random import SystemRandom
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from talos_resources.discovery import payload
from talos_resources.discovery.announced import Announced
from talos_resources.discovery.crypto import ClusterCipher
from talos_resources.discovery.pace import Backoff, Clock, MachineClock
from talos_resources.discovery.session import Connect
from talos_resources.discovery.upkeep import SNAPSHOT_S, Status, Upkeep
from talos_resources.discovery.view import Discovered, View
from talos_resources.model.errors import ConfigError
from talos_resources.model.net import IPAddress
from talos_resources.model.version import __version__
from talos_resources.rpc.transport.contract import Credentials
from talos_resources.rpc.transport.http2 import Http2Transport

if TYPE_CHECKING:
    from random import Random

TTL: Final = timedelta(minutes=30)
"""How long an announcement lasts, as Talos has it; the service allows no more."""

_LOG: Final = logging.getLogger("talos_resources.discovery")


class DiscoveryClient:
    """Announces a node and watches the others, from `start` to `close`, in threads of its own.

    ```python
    with DiscoveryClient("discovery.talos.dev:443", cluster_id=id, key=secret, affiliate_id=node_id) as client:
        client.set_local(*to_payload(affiliate))
        client.wait(lambda: len(client.affiliates) == 3, timeout=60)
    ```

    All methods may be called from any thread. A lost connection, a service that says no, a service that is
    restarted: the client goes on trying, with growing pauses, and shows what it knew until it knows better.
    """

    def __init__(
        self,
        endpoint: str | Sequence[str],
        *,
        cluster_id: str,
        key: bytes,
        affiliate_id: str,
        insecure: bool = False,
        ca: bytes | None = None,
        ttl: timedelta = TTL,
        version: str = f"talos-resources {__version__}",
        on_change: Callable[[], None] | None = None,
        connect: Connect | None = None,
        clock: Clock | None = None,
        random: Random | None = None,
    ) -> None:
        """Nothing is sent before `start`.

        Args:
            endpoint: of the service, `HOST:PORT`, or several where it has several: when one fails, the next is tried.
            cluster_id: the name of the cluster there.
            key: the decoded cluster secret, of 16, 24 or 32 bytes; it seals what is sent and stays here.
            affiliate_id: the node id.
            insecure: plaintext instead of TLS.
            ca: PEM of the authorities that the service's certificate may come from; None for the system's.
            ttl: how long announcements last; they are repeated after half of it.
            version: that the service counts us as.
            on_change: called after each change of `affiliates` or `client_ip`, in a thread of the client; must not block.
            connect: another way to endpoints than TCP, with TLS or without, that does not connect again by itself: what was
                said on one connection is said again on the next. `insecure` and `ca` are not used then.
            clock: None for the machine's.
            random: spreads the pauses.

        Raises:
            ConfigError: a key, a TTL or certificates that cannot be used.
        """
        if ttl <= timedelta(0):
            raise ConfigError(f"announcements cannot last {ttl.total_seconds():g} s; Talos has them last 30 min")
        cipher = ClusterCipher(key)
        credentials = None if insecure else Credentials(ca=ca, source="the client")
        usual: Connect = partial(Http2Transport, credentials=credentials, service="a discovery service", reconnects=False)
        connect = usual if connect is None else connect
        endpoints = _usable(endpoint, connect)
        clock = MachineClock() if clock is None else clock
        self._changed = threading.Condition(threading.RLock())
        self._view = View(cipher, affiliate_id)
        self._announced = Announced(cipher, self._changed, cluster_id=cluster_id, affiliate_id=affiliate_id, ttl=ttl, clock=clock)
        self._upkeep = Upkeep(
            endpoints,
            connect,
            self._announced,
            self._view,
            self._changed,
            hello=(cluster_id, version),
            every_s=ttl.total_seconds() / 2,
            on_change=on_change,
            clock=clock,
            backoff=Backoff(SystemRandom() if random is None else random),
        )
        self._thread = threading.Thread(target=self._upkeep.run, name="discovery client", daemon=True)

    @property
    def affiliates(self) -> Mapping[str, Discovered]:
        """The other nodes by affiliate id; never changed, only replaced."""
        return self._view.affiliates

    @property
    def is_told(self) -> bool:
        """Whether the service has said who is there, once at least; before, `affiliates` is empty because nobody knows."""
        return self._view.is_told

    @property
    def refused(self) -> Mapping[str, str]:
        """Why affiliates are left out that the service has, by id."""
        return self._view.refused

    @property
    def client_ip(self) -> IPAddress | None:
        """The node's address as the service sees it; None before the first hello."""
        return self._upkeep.client_ip

    @property
    def status(self) -> Status:
        """How it is now."""
        return self._upkeep.status

    def set_local(self, affiliate: payload.Affiliate, endpoints: Iterable[payload.Endpoint] = ()) -> None:
        """Announces the node, at once and then again and again; the same as before changes nothing.

        Endpoints without an address, and those with a zone, are left out: the service would refuse all.
        """
        with self._changed:
            if self._announced.set_local(affiliate, tuple(endpoints)):
                self._upkeep.wake()

    def set_other_endpoints(self, reports: Mapping[str, Iterable[payload.Endpoint]]) -> None:
        """Says where other nodes, by affiliate id, were seen; replaces what was said before."""
        with self._changed:
            if self._announced.set_others(reports):
                self._upkeep.wake()

    def delete_local(self, *, timeout: float | None = None) -> bool:
        """Takes the node out, at once and at every refresh, until `set_local` is called again.

        Args:
            timeout: seconds to wait for the service to take it; None to wait for nothing.

        Returns:
            Whether the service has taken it.
        """
        with self._changed:
            self._announced.delete()
            self._upkeep.wake()
        return self.wait(lambda: self._announced.deleted, timeout=timeout) if timeout is not None else False

    def wait(self, condition: Callable[[], bool], *, timeout: float) -> bool:
        """Waits until a condition about the client holds; False if it did not within so many seconds."""
        with self._changed:
            return self._changed.wait_for(condition, timeout)

    def start(self) -> None:
        """Begins; once."""
        self._thread.start()

    def close(self) -> None:
        """Ends; the announcement stays at the service until it expires. Twice is no error."""
        self._upkeep.close()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(SNAPSHOT_S)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<DiscoveryClient {self._upkeep.endpoint}>"


def _usable(endpoint: str | Sequence[str], connect: Connect) -> tuple[str, ...]:
    """The endpoints; what cannot be used is said now.

    Raises:
        ConfigError: there is none, or one that cannot be reached in this way.
    """
    endpoints = (endpoint,) if isinstance(endpoint, str) else tuple(endpoint)
    if not endpoints:
        raise ConfigError("a discovery client needs an endpoint")
    for each in endpoints:
        connect(each).close()
    return endpoints
