"""What a node knows of the others: the messages of a watch, opened and put together.

Everybody who knows the cluster id can write to the service, so nothing that comes from it is trusted:
what cannot be opened is left out, with the reason, and the others live on.

Source: discovery client v0.1.15; golden/discovery/sessions.json, client_views.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import attrs

from talos_resources.discovery import payload
from talos_resources.discovery.crypto import ClusterCipher, SealError
from talos_resources.discovery.messages import SealedAffiliate, WatchResponse
from talos_resources.discovery.wire import MessageError, decode

MAX_AFFILIATES: Final = 4096
"""Four times what the service takes: one that sends more than this is not heard."""
MAX_ENDPOINTS: Final = 256
"""Of one affiliate; the service takes 64."""

_LOG: Final = logging.getLogger("talos_resources.discovery")


@attrs.frozen
class Discovered:
    """Another node: what it says of itself, and where it can be reached, in the service's order."""

    affiliate: payload.Affiliate
    endpoints: tuple[payload.Endpoint, ...]


class View:
    """The other nodes by the id under which the service has them.

    Attributes:
        affiliates: never changed, only replaced, so any thread may read it.
        is_told: the service has said what it has, once at least.
        refused: why an affiliate is not shown as the service has it now; an older one of its id stays. Replaced too.
    """

    def __init__(self, cipher: ClusterCipher, own_id: str) -> None:
        """Begins empty; the node itself is never part of it."""
        self._cipher = cipher
        self._own_id = own_id
        self._sealed: dict[str, SealedAffiliate] = {}
        self._overflown = False
        self.is_told = False
        self.affiliates: Mapping[str, Discovered] = MappingProxyType({})
        self.refused: Mapping[str, str] = MappingProxyType({})

    def apply(self, message: WatchResponse, *, snapshot: bool) -> bool:
        """Takes a message of the watch in.

        Args:
            message: affiliates that are new or changed, or those that are gone.
            snapshot: the first message of a watch, which replaces all.

        Returns:
            Whether the view is another one now; that there is nobody is news too, the first time.
        """
        # Only what a snapshot does not confirm is forgotten: the rest need not be opened again.
        affiliates = {} if snapshot else dict(self.affiliates)
        refused = {} if snapshot else dict(self.refused)
        sealed = {} if snapshot else self._sealed
        for affiliate in message.affiliates:
            if affiliate.id == self._own_id:
                continue
            if message.deleted:
                for held in (affiliates, refused, sealed):
                    held.pop(affiliate.id, None)
            elif affiliate.data:
                self._take(affiliate, affiliates, refused, sealed)
        changed = affiliates != self.affiliates
        self._sealed = sealed
        is_first = snapshot and not self.is_told
        if changed:
            self.affiliates = MappingProxyType(affiliates)
        if refused != self.refused:
            self.refused = MappingProxyType(refused)
        self.is_told = self.is_told or snapshot  # last: who finds it true finds the rest too
        return changed or is_first

    def _take(
        self, affiliate: SealedAffiliate, affiliates: dict[str, Discovered], refused: dict[str, str], sealed: dict[str, SealedAffiliate]
    ) -> None:
        key = affiliate.id
        if key not in affiliates and len(affiliates) + len(refused) >= MAX_AFFILIATES:
            if not self._overflown:
                self._overflown = True
                _LOG.warning("the discovery service has more than %d affiliates; the rest is left out", MAX_AFFILIATES)
            return
        known = self.affiliates.get(key)
        if known is not None and self._sealed.get(key) == affiliate:
            affiliates[key], sealed[key] = known, affiliate
            return
        try:
            opened = decode(payload.Affiliate, self._cipher.open(affiliate.data))
        except (SealError, MessageError) as error:
            self._refuse(key, str(error), refused)
            return
        refused.pop(key, None)
        affiliates[key] = Discovered(opened, self._endpoints(affiliate))
        sealed[key] = affiliate

    def _refuse(self, key: str, reason: str, refused: dict[str, str]) -> None:
        if self.refused.get(key) != reason:  # not at every refresh again
            _LOG.warning("discovery refused affiliate %.100r: %s", key, reason)
        refused[key] = reason

    def _endpoints(self, affiliate: SealedAffiliate) -> tuple[payload.Endpoint, ...]:
        found, reasons = [], []
        for sealed in affiliate.endpoints[:MAX_ENDPOINTS]:
            try:
                found.append(decode(payload.Endpoint, self._cipher.open_endpoint(sealed)))
            except (SealError, MessageError) as error:
                reasons.append(str(error))
        if reasons:
            _LOG.warning("discovery left %d endpoints of affiliate %.100r out: %s", len(reasons), affiliate.id, reasons[0])
        return tuple(found)
