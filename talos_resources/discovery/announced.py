"""What a client announces: its node, where other nodes were seen, or that the node is gone.

Source: discovery client v0.1.15; golden/discovery/sessions.json.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Final

import attrs

from talos_resources.discovery import payload
from talos_resources.discovery.crypto import ClusterCipher
from talos_resources.discovery.messages import DELETE, UPDATE, DeleteRequest, Duration, UpdateRequest
from talos_resources.discovery.pace import Clock
from talos_resources.discovery.session import REFRESH_S, ServiceError, Session
from talos_resources.discovery.wire import encode

_LOG: Final = logging.getLogger("talos_resources.discovery")


@attrs.frozen
class _Announcement:
    """What is said of the node itself, sealed once: refreshes repeat the bytes."""

    affiliate: payload.Affiliate
    endpoints: tuple[payload.Endpoint, ...]
    data: bytes = attrs.field(repr=False)
    sealed: tuple[bytes, ...] = attrs.field(repr=False)


class Announced:
    """What is to be said to the service, again and again.

    Attributes:
        deleted: the service has taken the node out and nobody has announced it since.
    """

    def __init__(
        self, cipher: ClusterCipher, changed: threading.Condition, *, cluster_id: str, affiliate_id: str, ttl: timedelta, clock: Clock
    ) -> None:
        """Nothing is announced yet.

        Args:
            cipher: seals what is said.
            changed: held by whoever changes what is said; told when something has been taken.
            cluster_id: the name of the cluster there.
            affiliate_id: the node id.
            ttl: how long announcements last.
            clock: bounds how long one round takes.
        """
        self.deleted = False
        self._cipher, self._changed, self._clock = cipher, changed, clock
        self._cluster_id, self._affiliate_id = cluster_id, affiliate_id
        self._ttl = Duration.of(ttl.total_seconds())
        self._local: _Announcement | None = None
        self._others: dict[str, tuple[bytes, ...]] = {}
        self._deleting = False

    def set_local(self, affiliate: payload.Affiliate, endpoints: tuple[payload.Endpoint, ...]) -> bool:
        """Announces the node; whether that is something else than before."""
        local = self._local
        if local is not None and not self._deleting and (local.affiliate, local.endpoints) == (affiliate, endpoints):
            return False
        self._local = _Announcement(affiliate, endpoints, self._cipher.seal(encode(affiliate)), self._sealed(endpoints))
        self._deleting = self.deleted = False
        return True

    def set_others(self, reports: Mapping[str, Iterable[payload.Endpoint]]) -> bool:
        """Says where other nodes were seen; whether that is something else than before."""
        sealed = {other: self._sealed(endpoints) for other, endpoints in reports.items()}
        others = {other: endpoints for other, endpoints in sealed.items() if endpoints and other != self._affiliate_id}
        if others == self._others:
            return False
        self._others = others
        return True

    def delete(self) -> None:
        """Says that the node is gone."""
        self._deleting, self.deleted = True, False
        self._local = None

    def say(self, session: Session) -> None:
        """Says all of it over a connection.

        Raises:
            ServiceError: it was not taken.
        """
        with self._changed:
            local, others, deleting = self._local, dict(self._others), self._deleting
        end = self._clock.now() + REFRESH_S
        if deleting:
            session.call(DELETE, DeleteRequest(cluster_id=self._cluster_id, affiliate_id=self._affiliate_id), timeout=REFRESH_S)
            with self._changed:
                self.deleted = self._deleting
                self._changed.notify_all()
            return
        if local is not None:
            session.call(UPDATE, self._update(self._affiliate_id, local.data, local.sealed), timeout=REFRESH_S)
        for other, endpoints in others.items():
            try:
                session.call(UPDATE, self._update(other, None, endpoints), timeout=max(end - self._clock.now(), 1.0))
            except ServiceError as error:
                # Whoever fills another node's endpoints must not silence this one.
                if not error.refused:
                    raise
                _LOG.warning("the discovery service takes no endpoints of affiliate %.100r: %s", other, error)

    def _sealed(self, endpoints: Iterable[payload.Endpoint]) -> tuple[bytes, ...]:
        """Sealed endpoints, without those that help nobody: no address, or one with a zone, for which the service has no room."""
        return tuple(self._cipher.seal_endpoint(encode(endpoint)) for endpoint in endpoints if len(endpoint.ip) in (4, 16))

    def _update(self, id: str, data: bytes | None, endpoints: tuple[bytes, ...]) -> UpdateRequest:
        return UpdateRequest(
            cluster_id=self._cluster_id, affiliate_id=id, affiliate_data=data, affiliate_endpoints=endpoints, ttl=self._ttl
        )
