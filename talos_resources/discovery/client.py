"""The client of the discovery service: announces a node, and knows the others.

Source: discovery client v0.1.15; golden/discovery/sessions.json. What is different is in
docs/differences.md.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from functools import partial
from random import SystemRandom
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

import attrs

from talos_resources.discovery import payload
from talos_resources.discovery.crypto import ClusterCipher
from talos_resources.discovery.messages import DELETE, UPDATE, DeleteRequest, Duration, HelloResponse, UpdateRequest, WatchResponse
from talos_resources.discovery.pace import Backoff, Clock, MachineClock
from talos_resources.discovery.session import REFRESH_S, Connect, ServiceError, Session
from talos_resources.discovery.view import Discovered, View
from talos_resources.discovery.wire import encode
from talos_resources.model.errors import ConfigError
from talos_resources.model.net import IPAddress
from talos_resources.model.version import __version__
from talos_resources.rpc.transport.contract import Credentials
from talos_resources.rpc.transport.http2 import Http2Transport

if TYPE_CHECKING:
    from random import Random

TTL: Final = timedelta(minutes=30)
"""How long an announcement lasts, as Talos has it; the service allows no more."""
SNAPSHOT_S: Final = 30.0
"""A watch that has said nothing by then is made anew: the service sends what it has at once."""
FAITH: Final = 3
"""Failures in a row after which a service that was redirected to is left for the one that was configured."""

_LOG: Final = logging.getLogger("talos_resources.discovery")


@attrs.frozen(kw_only=True)
class Status:
    """How the client is.

    Attributes:
        endpoint: that it talks to, `HOST:PORT`, after redirects.
        connected: the watch runs and the last refresh was taken.
        error: what failed last, empty after a success.
    """

    endpoint: str
    connected: bool
    error: str


@attrs.frozen
class _Announcement:
    """What is said of the node itself, sealed once: refreshes repeat the bytes."""

    affiliate: payload.Affiliate
    endpoints: tuple[payload.Endpoint, ...]
    data: bytes = attrs.field(repr=False)
    sealed: tuple[bytes, ...] = attrs.field(repr=False)


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
        endpoint: str,
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
            endpoint: of the service, `HOST:PORT`.
            cluster_id: the name of the cluster there.
            key: the decoded cluster secret, of 16, 24 or 32 bytes; it seals what is sent and stays here.
            affiliate_id: the node id.
            insecure: plaintext instead of TLS.
            ca: PEM of the authorities that the service's certificate may come from; None for the system's.
            ttl: how long announcements last; they are repeated after half of it.
            version: that the service counts us as.
            on_change: called after each change of `affiliates` or `client_ip`, in a thread of the client; must not block.
            connect: another way to endpoints than TCP, with TLS or without; `insecure` and `ca` are not used then.
            clock: None for the machine's.
            random: spreads the pauses.

        Raises:
            ConfigError: a key, a TTL or certificates that cannot be used.
        """
        if ttl <= timedelta(0):
            raise ConfigError(f"announcements cannot last {ttl.total_seconds():g} s; Talos has them last 30 min")
        self._cipher = ClusterCipher(key)
        self._configured = self._endpoint = endpoint
        credentials = None if insecure else Credentials(ca=ca, source="the client")
        usual: Connect = partial(Http2Transport, credentials=credentials, service="a discovery service")
        self._connect = usual if connect is None else connect
        self._connect(endpoint).close()  # what cannot be used is said now
        self._cluster_id, self._affiliate_id, self._version = cluster_id, affiliate_id, version
        self._ttl = ttl
        self._clock: Clock = MachineClock() if clock is None else clock
        self._backoff = Backoff(SystemRandom() if random is None else random)
        self._on_change = on_change
        self._changed = threading.Condition(threading.RLock())
        self._view = View(self._cipher, affiliate_id)
        self._local: _Announcement | None = None
        self._others: dict[str, tuple[bytes, ...]] = {}
        self._deleting = self._deleted = self._news = self._closing = self._fresh = False
        self._client_ip: IPAddress | None = None
        self._error = ""
        self._session: Session | None = None
        self._thread = threading.Thread(target=self._run, name="discovery client", daemon=True)

    @property
    def affiliates(self) -> Mapping[str, Discovered]:
        """The other nodes by affiliate id; never changed, only replaced."""
        return self._view.affiliates

    @property
    def refused(self) -> Mapping[str, str]:
        """Why affiliates are left out that the service has, by id."""
        return self._view.refused

    @property
    def client_ip(self) -> IPAddress | None:
        """The node's address as the service sees it; None before the first hello."""
        return self._client_ip

    @property
    def status(self) -> Status:
        """How it is now."""
        with self._changed:
            session = self._session
            connected = self._fresh and session is not None and session.watching and session.ended is None
            return Status(endpoint=self._endpoint, connected=connected, error=self._error)

    def set_local(self, affiliate: payload.Affiliate, endpoints: Iterable[payload.Endpoint] = ()) -> None:
        """Announces the node, at once and then again and again; the same as before changes nothing.

        Endpoints without an address, and those with a zone, are left out: the service would refuse all.
        """
        found = tuple(endpoints)
        with self._changed:
            local = self._local
            if local is not None and not self._deleting and (local.affiliate, local.endpoints) == (affiliate, found):
                return
            self._local = _Announcement(affiliate, found, self._cipher.seal(encode(affiliate)), self._sealed(found))
            self._deleting = self._deleted = False
            self._wake()

    def set_other_endpoints(self, reports: Mapping[str, Iterable[payload.Endpoint]]) -> None:
        """Says where other nodes, by affiliate id, were seen; replaces what was said before."""
        sealed = {other: self._sealed(endpoints) for other, endpoints in reports.items()}
        others = {other: endpoints for other, endpoints in sealed.items() if endpoints and other != self._affiliate_id}
        with self._changed:
            if others != self._others:
                self._others = others
                self._wake()

    def delete_local(self, *, timeout: float | None = None) -> bool:
        """Takes the node out, at once and at every refresh, until `set_local` is called again.

        Args:
            timeout: seconds to wait for the service to take it; None to wait for nothing.

        Returns:
            Whether the service has taken it.
        """
        with self._changed:
            self._deleting, self._deleted = True, False
            self._local = None
            self._wake()
        return self.wait(lambda: self._deleted, timeout=timeout) if timeout is not None else False

    def wait(self, condition: Callable[[], bool], *, timeout: float) -> bool:
        """Waits until a condition about the client holds; False if it did not within so many seconds."""
        with self._changed:
            return self._changed.wait_for(condition, timeout)

    def start(self) -> None:
        """Begins; once."""
        self._thread.start()

    def close(self) -> None:
        """Ends; the announcement stays at the service until it expires. Twice is no error."""
        with self._changed:
            self._closing = True
            session = self._session
            self._changed.notify_all()
        if session is not None:
            session.close()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(SNAPSHOT_S)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<DiscoveryClient {self._endpoint}>"

    def _sealed(self, endpoints: Iterable[payload.Endpoint]) -> tuple[bytes, ...]:
        """Sealed endpoints, without those that help nobody: no address, or one with a zone, for which the service has no room."""
        return tuple(self._cipher.seal_endpoint(encode(endpoint)) for endpoint in endpoints if len(endpoint.ip) in (4, 16))

    def _wake(self) -> None:
        self._news = True
        self._changed.notify_all()

    def _run(self) -> None:
        failures = 0
        while self._pause(self._backoff.next()):
            session = Session(self._endpoint, self._connect)
            with self._changed:
                if self._closing:
                    break
                self._session = session
            try:
                redirected = self._connected(session)
                failures = 0
            except ServiceError as error:
                redirected = False
                failures += 1
                self._failed(f"{session.endpoint}: {error}")
            except Exception:  # noqa: BLE001  # whatever it is, the node goes on trying
                redirected = False
                failures += 1
                if not self._closing:
                    _LOG.exception("discovery with %s failed", session.endpoint)
            finally:
                with self._changed:
                    self._session, self._fresh = None, False
                session.close()
            if failures >= FAITH and not redirected and self._endpoint != self._configured:
                _LOG.warning("discovery goes back from %s to %s", self._endpoint, self._configured)
                self._endpoint, failures = self._configured, 0

    def _connected(self, session: Session) -> bool:
        """One connection, from the hello to its end; True if the service sends us elsewhere."""
        hello = session.hello(self._cluster_id, self._version)
        self._take_address(hello)
        target = hello.redirect.endpoint if hello.redirect is not None else ""
        if target and target != session.endpoint:
            _LOG.info("the discovery service %s redirects to %s", session.endpoint, target)
            self._endpoint = target
            return True
        session.watch(self._cluster_id, self._received, self._ended)
        watch_by = self._clock.now() + SNAPSHOT_S
        due = self._refreshed(session)
        while True:
            with self._changed:
                while not (self._closing or self._news or session.ended is not None):
                    now = self._clock.now()
                    limit = due if session.watching else min(due, watch_by)
                    if now >= limit:
                        break
                    self._clock.wait(self._changed, limit - now)
                if self._closing:
                    return False
            if session.ended is not None:
                raise ServiceError(f"the watch ended: {session.ended}")
            if not session.watching and self._clock.now() >= watch_by:
                raise ServiceError(f"the watch said nothing within {SNAPSHOT_S:g} s")
            if self._news or self._clock.now() >= due:
                due = self._refreshed(session)

    def _refreshed(self, session: Session) -> float:
        """Says what there is to say; returns when to say it again.

        Raises:
            ServiceError: the connection must be made anew.
        """
        with self._changed:
            self._news = False
        try:
            self._say(session)
        except ServiceError as error:
            if not error.refused:
                raise
            # The connection is good, so the watch goes on; only the announcement is tried again.
            self._fresh = False
            self._failed(f"{session.endpoint}: {error}")
            return self._clock.now() + self._backoff.next()
        self._backoff.reset()
        with self._changed:
            self._fresh, self._error = True, ""
            self._changed.notify_all()
        return self._clock.now() + self._ttl.total_seconds() / 2

    def _say(self, session: Session) -> None:
        with self._changed:
            local, others, deleting = self._local, dict(self._others), self._deleting
        end = self._clock.now() + REFRESH_S
        if deleting:
            session.call(DELETE, DeleteRequest(cluster_id=self._cluster_id, affiliate_id=self._affiliate_id), timeout=REFRESH_S)
            with self._changed:
                self._deleted = self._deleting
                self._changed.notify_all()
            return
        ttl = Duration.of(self._ttl.total_seconds())
        if local is not None:
            session.call(UPDATE, self._update(self._affiliate_id, local.data, local.sealed, ttl), timeout=REFRESH_S)
        for other, endpoints in others.items():
            try:
                session.call(UPDATE, self._update(other, None, endpoints, ttl), timeout=max(end - self._clock.now(), 1.0))
            except ServiceError as error:
                # Whoever fills another node's endpoints must not silence this one.
                if not error.refused:
                    raise
                _LOG.warning("the discovery service takes no endpoints of affiliate %.100r: %s", other, error)

    def _update(self, id: str, data: bytes | None, endpoints: tuple[bytes, ...], ttl: Duration) -> UpdateRequest:
        return UpdateRequest(cluster_id=self._cluster_id, affiliate_id=id, affiliate_data=data, affiliate_endpoints=endpoints, ttl=ttl)

    def _pause(self, seconds: float) -> bool:
        """Waits between two connections; False if there is to be no other."""
        end = self._clock.now() + seconds
        with self._changed:
            while not self._closing:
                left = end - self._clock.now()
                if left <= 0:
                    return True
                self._clock.wait(self._changed, left)
        return False

    def _failed(self, reason: str) -> None:
        with self._changed:
            if self._closing:
                return
            if reason != self._error:
                _LOG.warning("discovery: %s", reason)
            self._error = reason
            self._changed.notify_all()

    def _take_address(self, hello: HelloResponse) -> None:
        try:
            address = payload.unpacked(hello.client_ip)
        except ValueError:
            address = None
        if address != self._client_ip:
            self._client_ip = address
            self._tell()

    def _received(self, session: Session, message: WatchResponse, snapshot: bool) -> None:
        with self._changed:
            if session is not self._session:
                return
            changed = self._view.apply(message, snapshot=snapshot)
            session.watching = True
        if changed:
            self._tell()
        else:
            self._notify()

    def _ended(self, session: Session) -> None:
        del session
        self._notify()

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _tell(self) -> None:
        self._notify()
        if self._on_change is not None:
            self._on_change()
