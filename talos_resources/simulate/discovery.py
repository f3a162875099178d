"""The discovery service of a simulated cluster, and the controller that talks to it.

It holds what the real service holds, without its encryption: what each node announces, the endpoints
that others have seen it at, and when that expires.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import attrs

from talos_resources.kubespan.controllers import CLUSTER, LOCAL, RAW
from talos_resources.model.net import AddrPort
from talos_resources.model.timestamp import Timestamp
from talos_resources.resources.cluster.affiliate import Affiliate
from talos_resources.resources.cluster.config import DiscoveryConfig
from talos_resources.resources.cluster.identity import ClusterIdentity
from talos_resources.resources.kubespan.endpoint import KubeSpanEndpoint
from talos_resources.runtime.context import Context
from talos_resources.runtime.controller import Controller, Input, Output
from talos_resources.runtime.scheduler import VirtualTime
from talos_resources.simulate.network import Host

_S: Final = 1_000_000_000
TTL_S: Final = 1800
_REFRESH: Final = TTL_S // 2 * _S
_NEWS_DELAY: Final = _S // 5
_RETRY: Final = 5 * _S


@attrs.frozen
class _Entry:
    affiliate: Affiliate
    expires: Timestamp


class DiscoveryService:
    """What nodes announce, for `TTL_S` seconds each time.

    News reach all listeners together, a fifth of a second after the first of them.
    """

    def __init__(self, clock: VirtualTime) -> None:
        self._clock = clock
        self._entries: dict[str, _Entry] = {}
        self._seen: dict[str, dict[AddrPort, Timestamp]] = {}
        self._told: dict[str, Affiliate] = {}
        self._untold: dict[str, None] = {}
        self._listeners: dict[str, Callable[[], None]] = {}

    def listen(self, node_id: str, call: Callable[[], None]) -> None:
        """Calls back when there are news."""
        self._listeners[node_id] = call

    def forget(self, node_id: str) -> None:
        """Stops to call back."""
        self._listeners.pop(node_id, None)

    def announce(self, affiliate: Affiliate, seen: Mapping[str, AddrPort]) -> None:
        """Takes what a node says of itself, and where it has seen others (by node id)."""
        now = self._clock.now()
        expires = Timestamp(now + TTL_S * _S)
        known = self._entries.get(affiliate.node_id)
        self._entries[affiliate.node_id] = _Entry(affiliate, expires)
        if known is None or known.affiliate != affiliate:
            self._news(affiliate.node_id)
        for other, endpoint in seen.items():
            endpoints = self._seen.setdefault(other, {})
            if endpoint not in endpoints:
                self._news(other)
            endpoints[endpoint] = expires
        self._clock.at(expires, self._expire)

    def withdraw(self, node_id: str) -> None:
        """Forgets a node at once."""
        if self._entries.pop(node_id, None) is not None:
            self._seen.pop(node_id, None)
            self._news(node_id)

    def affiliates(self) -> Mapping[str, Affiliate]:
        """Every node with all its endpoints, by node id, as of the last news; the same objects for everybody."""
        return self._told

    def _with_seen(self, affiliate: Affiliate) -> Affiliate:
        seen = self._seen.get(affiliate.node_id)
        if not seen or affiliate.kubespan is None:
            return affiliate
        endpoints = tuple(dict.fromkeys((*affiliate.kubespan.endpoints, *seen)))
        return attrs.evolve(affiliate, kubespan=attrs.evolve(affiliate.kubespan, endpoints=endpoints))

    def _news(self, node_id: str) -> None:
        if not self._untold:
            self._clock.at(Timestamp(self._clock.now() + _NEWS_DELAY), self._tell)
        self._untold[node_id] = None

    def _tell(self) -> None:
        for node_id in self._untold:
            entry = self._entries.get(node_id)
            if entry is None:
                self._told.pop(node_id, None)
            else:
                self._told[node_id] = self._with_seen(entry.affiliate)
        self._untold.clear()
        for call in tuple(self._listeners.values()):
            call()

    def _expire(self) -> None:
        now = self._clock.now()
        for node_id in [node_id for node_id, entry in self._entries.items() if entry.expires <= now]:
            self.withdraw(node_id)
        for node_id, endpoints in self._seen.items():
            old = [endpoint for endpoint, expires in endpoints.items() if expires <= now]
            for endpoint in old:
                del endpoints[endpoint]
            if old:
                self._news(node_id)


class SimulatedDiscoveryController(Controller):
    """Announces the node and writes down what the service says of the others."""

    name = "cluster.DiscoveryServiceController"
    inputs = (
        Input(kind=DiscoveryConfig, id=CLUSTER),
        Input(kind=ClusterIdentity, id=LOCAL),
        Input(kind=Affiliate),
        Input(kind=KubeSpanEndpoint),
    )
    outputs = (Output(kind=Affiliate, namespace=RAW, shared=True),)

    def __init__(self, service: DiscoveryService, host: Host) -> None:
        """Takes the service, and the host by whose connection it is reached."""
        self._service = service
        self._host = host
        self._said: tuple[Affiliate, dict[str, AddrPort]] | None = None
        self._refresh = Timestamp.ZERO

    def reconcile(self, context: Context) -> None:
        """See `Controller`; what is known stays while the service cannot be reached."""
        config = context.get(DiscoveryConfig, CLUSTER)
        identity = context.get(ClusterIdentity, LOCAL)
        if identity is None or config is None or not config.spec.services:
            context.replace(Affiliate, {}, namespace=RAW)
            return
        node_id = identity.spec.node_id
        if not self._host.discovery or not self._host.online:
            context.wake_at(Timestamp(context.now + _RETRY))
            return
        own = context.get(Affiliate, node_id)
        if own is not None:
            self._announce(context, own.spec)
        found = {f"service/{other}": affiliate for other, affiliate in self._service.affiliates().items() if other != node_id}
        context.replace(Affiliate, found, namespace=RAW)

    def _announce(self, context: Context, own: Affiliate) -> None:
        endpoints = (resource.spec for resource in context.list(KubeSpanEndpoint))
        seen = {spec.affiliate_id: spec.endpoint for spec in endpoints if spec.endpoint is not None}
        if self._said != (own, seen) or self._refresh <= context.now:
            self._service.announce(own, seen)
            self._said = (own, seen)
            self._refresh = Timestamp(context.now + _REFRESH)
        context.wake_at(self._refresh)
