"""The connection to a discovery service, kept up: made, watched, refreshed, made again.

Source: discovery client v0.1.15; golden/discovery/sessions.json.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Final

import attrs

from talos_resources.discovery import payload
from talos_resources.discovery.announced import Announced
from talos_resources.discovery.messages import HelloResponse, WatchResponse
from talos_resources.discovery.pace import Backoff, Clock
from talos_resources.discovery.session import Connect, ServiceError, Session
from talos_resources.discovery.view import View
from talos_resources.model.errors import ConfigError
from talos_resources.model.net import IPAddress

SNAPSHOT_S: Final = 30.0
"""A watch that has said nothing by then is made anew: the service sends what it has at once."""
FAITH: Final = 3
"""Failures in a row after which a service that was redirected to is left for the one that was configured."""

_LONGEST: Final = 200
"""Of the words of a service that are logged."""

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


class Upkeep:
    """Keeps up one connection, in the thread that calls `run`.

    Attributes:
        endpoint: that it talks to, after redirects.
        client_ip: the node's address as the service sees it; None before the first hello.
    """

    def __init__(
        self,
        endpoints: Sequence[str],
        connect: Connect,
        announced: Announced,
        view: View,
        changed: threading.Condition,
        *,
        hello: tuple[str, str],
        every_s: float,
        on_change: Callable[[], None] | None,
        clock: Clock,
        backoff: Backoff,
    ) -> None:
        """Nothing is sent before `run`.

        Args:
            endpoints: of the service; another one is tried when one fails.
            connect: the way to endpoints.
            announced: what is said.
            view: gets what the service says.
            changed: guards all of it, and is told of every change.
            hello: the cluster's name there, and what the service counts us as.
            every_s: how often everything is said again, in seconds.
            on_change: see `DiscoveryClient`.
            clock: of the pauses.
            backoff: how long they are.
        """
        self._configured = tuple(endpoints)
        self.endpoint = self._configured[0]
        self.client_ip: IPAddress | None = None
        self._connect, self._announced, self._view, self._changed = connect, announced, view, changed
        self._hello, self._every_s, self._on_change = hello, every_s, on_change
        self._clock, self._backoff = clock, backoff
        self._news = self._closing = self._fresh = False
        self._error = ""
        self._session: Session | None = None

    @property
    def status(self) -> Status:
        """How it is now."""
        with self._changed:
            session = self._session
            connected = self._fresh and session is not None and session.watching and session.ended is None
            return Status(endpoint=self.endpoint, connected=connected, error=self._error)

    def close(self) -> None:
        """Ends `run`."""
        with self._changed:
            self._closing = True
            session = self._session
            self._changed.notify_all()
        if session is not None:
            session.close()

    def wake(self) -> None:
        """There is something to say; call it with the lock held."""
        self._news = True
        self._changed.notify_all()

    def run(self) -> None:
        """Connects again and again, until `close`."""
        failures = 0
        while self._pause(self._backoff.next()):
            endpoint, redirected = self.endpoint, False
            try:
                redirected = self._once()
                failures = 0
            except ServiceError as error:
                failures += 1
                self._failed(f"{endpoint}: {error}")
            except Exception:  # noqa: BLE001  # whatever it is, the node goes on trying
                failures += 1
                if not self._closing:
                    _LOG.exception("discovery with %s failed", endpoint)
            if failures and not redirected:
                failures = self._elsewhere(failures)

    def _once(self) -> bool:
        """One connection; True if the service sends us elsewhere."""
        session = Session(self.endpoint, self._connect)
        try:
            with self._changed:
                if self._closing:
                    return False
                self._session = session
            return self._connected(session)
        finally:
            with self._changed:
                self._session, self._fresh = None, False
            session.close()

    def _elsewhere(self, failures: int) -> int:
        """Goes to the next endpoint, or back from one that we were sent to; how many failures count from then on."""
        if self.endpoint in self._configured:
            self.endpoint = self._configured[(self._configured.index(self.endpoint) + 1) % len(self._configured)]
        elif failures >= FAITH:
            _LOG.warning("discovery goes back from %s to %s", self.endpoint, self._configured[0])
            self.endpoint, failures = self._configured[0], 0
        return failures

    def _connected(self, session: Session) -> bool:
        """One connection, from the hello to its end; True if the service sends us elsewhere."""
        hello = session.hello(*self._hello)
        self._take_address(hello)
        target = hello.redirect.endpoint if hello.redirect is not None else ""
        if target and target != session.endpoint:
            self._check(target)
            _LOG.info("the discovery service %s redirects to %s", session.endpoint, target)
            self.endpoint = target
            return True
        session.watch(self._hello[0], self._received, self._ended)
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

    def _check(self, target: str) -> None:
        """Whether we may be sent there: a service chooses its words itself.

        Raises:
            ServiceError: it is no address of a host.
        """
        try:
            if target.startswith("unix:"):
                raise ConfigError("it is a socket of this host")  # noqa: TRY301
            self._connect(target).close()
        except ConfigError as error:
            raise ServiceError(f"it redirects to {target[:_LONGEST]!r}, which cannot be used: {error.message[:_LONGEST]}") from None

    def _refreshed(self, session: Session) -> float:
        """Says what there is to say; returns when to say it again.

        Raises:
            ServiceError: the connection must be made anew.
        """
        with self._changed:
            self._news = False
        try:
            self._announced.say(session)
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
        return self._clock.now() + self._every_s

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
        if address != self.client_ip:
            self.client_ip = address
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
