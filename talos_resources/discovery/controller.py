"""The controller that connects a node's State to its discovery services, of which there may be several.

Source: Talos v1.14.0-rc.1, cluster.DiscoveryServiceController.
"""

from __future__ import annotations

import ipaddress
import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Mapping
from typing import Final

import attrs

from talos_resources.discovery import payload
from talos_resources.discovery.client import DiscoveryClient
from talos_resources.discovery.translate import from_payload, to_payload
from talos_resources.discovery.view import Discovered
from talos_resources.kubespan.controllers import CLUSTER, LOCAL, RAW
from talos_resources.kubespan.host import PUBLIC_ADDRESSES
from talos_resources.model.net import AddrPort, IPPrefix
from talos_resources.resources.cluster.affiliate import Affiliate
from talos_resources.resources.cluster.config import DiscoveryConfig
from talos_resources.resources.cluster.identity import ClusterIdentity
from talos_resources.resources.kubespan.endpoint import KubeSpanEndpoint
from talos_resources.runtime.context import Context
from talos_resources.runtime.controller import Controller, Input, Output

SERVICE: Final = "service"
"""The id of the node's public address, and the first part of the ids of raw affiliates."""
PUBLIC: Final = "cluster"
"""The namespace of the node's public address."""
LEAVE_S: Final = 5.0

_LOG: Final = logging.getLogger("talos_resources.discovery")


@attrs.frozen(kw_only=True)
class Settings:
    """What a client is made with; another one is needed when any of it changes."""

    endpoint: str
    insecure: bool
    cluster_id: str
    key: bytes = attrs.field(repr=False)
    affiliate_id: str

    @property
    def membership(self) -> Hashable:
        """Of which cluster it is, and as whom: what is heard of another one means nothing here."""
        return self.cluster_id, self.key, self.affiliate_id


Heard = tuple[int, Discovered, Affiliate]
"""When something of a node came (a number that grows), as it came, and as a resource."""

MakeClient = Callable[[Settings, Callable[[], None]], DiscoveryClient]
"""Makes a client that calls back after each change; the controller starts it."""


def make_client(settings: Settings, on_change: Callable[[], None], *, ca: bytes | None = None) -> DiscoveryClient:
    """The client for these settings.

    Args:
        settings: as the configuration has them.
        on_change: called after each change.
        ca: PEM of the authorities of the service's certificate; None for the system's.

    Raises:
        ConfigError: the settings cannot be used.
    """
    return DiscoveryClient(
        settings.endpoint,
        cluster_id=settings.cluster_id,
        key=settings.key,
        affiliate_id=settings.affiliate_id,
        insecure=settings.insecure,
        ca=ca,
        on_change=on_change,
    )


class DiscoveryServiceController(Controller):
    """Announces the node, with where it has seen others, and writes down what the service says of the others."""

    name = "cluster.DiscoveryServiceController"
    inputs = (
        Input(kind=DiscoveryConfig, id=CLUSTER),
        Input(kind=ClusterIdentity, id=LOCAL),
        Input(kind=Affiliate),
        Input(kind=KubeSpanEndpoint),
    )
    outputs = (
        Output(kind=Affiliate, namespace=RAW, shared=True),
        Output(kind=PUBLIC_ADDRESSES.kind, namespace=PUBLIC, shared=True),
    )

    def __init__(self, make: MakeClient = make_client) -> None:
        """Takes how to make a client, `functools.partial(make_client, ca=…)` for an authority of one's own."""
        self._make = make
        self._services: dict[str, _Service] = {}
        self._former: dict[str, Heard] = {}
        self._leaving = False
        self._arrivals = 0

    @property
    def clients(self) -> Mapping[str, DiscoveryClient]:
        """The client of each service, by the name of the service, in the order of the settings."""
        return {name: service.client for name, service in self._services.items()}

    @property
    def client(self) -> DiscoveryClient | None:
        """The client of the first service, None while discovery is off."""
        return next(iter(self.clients.values()), None)

    def reconcile(self, context: Context) -> None:
        """See `Controller`; what is known stays while a service cannot be reached."""
        self._follow(_settings(context), context)
        if not self._services:
            context.replace(Affiliate, {}, namespace=RAW)
            return
        seen = _seen(context)
        for service in self._services.values():
            own = context.get(Affiliate, service.settings.affiliate_id)
            service.announce(None if own is None or self._leaving else own.spec)
            service.client.set_other_endpoints(seen)
            self._arrivals = service.hear(self._arrivals)
        context.replace(Affiliate, self._found(), namespace=RAW)
        for client in self.clients.values():
            if client.client_ip is not None:
                bare = ipaddress.ip_address(client.client_ip.packed)  # a prefix has no zone
                address = IPPrefix(bare, bare.max_prefixlen)
                context.put(PUBLIC_ADDRESSES.kind, SERVICE, PUBLIC_ADDRESSES.spec(address), namespace=PUBLIC)
                break

    def leave(self, *, timeout: float = LEAVE_S) -> bool:
        """Takes the node out of every service, before it stops for good; call it before the runtime is stopped.

        Returns:
            Whether all services have taken it within so many seconds.
        """
        self._leaving = True
        end = time.monotonic() + timeout
        told = [client.delete_local(timeout=max(0.0, end - time.monotonic())) for client in self.clients.values()]
        return bool(told) and all(told)

    def release(self) -> None:
        """See `Controller`."""
        services, self._services = self._services, {}
        for service in services.values():
            service.client.close()

    def _follow(self, wanted: Mapping[str, Settings], context: Context) -> None:
        """A client for each service that is wanted; one whose settings changed is made anew.

        What one that goes has told stays until those that come in its place have told who is there: a service that is
        renamed or moves must not cost the node its mesh. Of another cluster nothing stays.
        """
        meant = {settings.membership for settings in wanted.values()}
        kept: dict[str, _Service] = {}
        for name, settings in wanted.items():
            known = self._services.pop(name, None)
            if known is not None and known.settings == settings:
                kept[name] = known
                continue
            if known is not None:
                self._dismiss(known, meant)
            client = self._make(settings, context.call_again)
            client.start()
            kept[name] = _Service(settings, client)
        for service in self._services.values():
            self._dismiss(service, meant)
        self._services = kept

    def _dismiss(self, service: _Service, meant: Collection[Hashable]) -> None:
        if service.settings.membership in meant:
            for key, heard in service.heard.items():
                if key not in self._former or heard[0] > self._former[key][0]:
                    self._former[key] = heard
        else:
            self._former = {}
        service.drop()

    def _found(self) -> dict[str, Affiliate]:
        """The raw affiliates by id: what all services say; where they disagree about a node, what came last."""
        latest: dict[str, tuple[int, Affiliate]] = {}
        if all(service.is_told for service in self._services.values()):
            self._former = {}
        for heard in (self._former, *(service.heard for service in self._services.values())):
            for key, (arrival, _, affiliate) in heard.items():
                if affiliate.node_id == key and (key not in latest or arrival > latest[key][0]):
                    latest[key] = arrival, affiliate
        return {f"{SERVICE}/{key}": affiliate for key, (_, affiliate) in latest.items()}


class _Service:
    """One service: its client, and what it has told.

    Attributes:
        settings: of the client.
        client: runs.
        heard: by node.
        is_told: the service has said what it has, and `heard` has that.
    """

    def __init__(self, settings: Settings, client: DiscoveryClient) -> None:
        self.settings = settings
        self.client = client
        self.heard: dict[str, Heard] = {}
        self.is_told = False
        self._announced = False

    def announce(self, own: Affiliate | None) -> None:
        """Says what the node is, or that it is gone."""
        if own is not None:
            self.client.set_local(*to_payload(own))
            self._announced = True
        elif self._announced:
            self.client.delete_local()
            self._announced = False

    def hear(self, arrivals: int) -> int:
        """Takes up what is new; what did not change is the very object of the last time.

        Returns:
            How many arrivals there were until now, at all services.
        """
        self.is_told = self.client.is_told  # first: what comes meanwhile is taken up next time
        heard: dict[str, Heard] = {}
        for key, discovered in self.client.affiliates.items():
            known = self.heard.get(key)
            if known is not None and known[1] is discovered:
                heard[key] = known
                continue
            affiliate = from_payload(discovered.affiliate, discovered.endpoints)
            if affiliate.node_id != key:
                # Sealed data does not say for which id it was: this is a copy of somebody else's.
                _LOG.warning("discovery left affiliate %.100r out: its data is that of %.100r", key, affiliate.node_id)
            # What only comes again, as after a new connection, is no news.
            same = known is not None and known[2] == affiliate
            arrivals += not same
            heard[key] = known[0] if known is not None and same else arrivals, discovered, affiliate
        self.heard = heard
        return arrivals

    def drop(self) -> None:
        """Lets the client go, without waiting for it; the service is not told and forgets the node in time."""
        threading.Thread(target=_let_go, args=(self.client,), name="discovery goodbye", daemon=True).start()


def _let_go(client: DiscoveryClient) -> None:
    try:
        client.close()
    except Exception:  # noqa: BLE001 - nobody waits for this thread
        _LOG.exception("the connection to a discovery service was not closed in order")


def _settings(context: Context) -> dict[str, Settings]:
    """What a client is made with, by the name of its service."""
    config = context.get(DiscoveryConfig, CLUSTER)
    identity = context.get(ClusterIdentity, LOCAL)
    if config is None or identity is None:
        return {}
    spec = config.spec
    return {
        service.name: Settings(
            endpoint=service.endpoint,
            insecure=service.insecure,
            cluster_id=spec.service_cluster_id,
            key=spec.service_encryption_key,
            affiliate_id=identity.spec.node_id,
        )
        for service in spec.services
    }


def _seen(context: Context) -> dict[str, list[payload.Endpoint]]:
    """Where the node has seen others, by affiliate."""
    seen = defaultdict(list)
    for resource in context.list(KubeSpanEndpoint):
        spec = resource.spec
        if spec.endpoint is not None and spec.affiliate_id:
            seen[spec.affiliate_id].append(_endpoint(spec.endpoint))
    return seen


def _endpoint(endpoint: AddrPort) -> payload.Endpoint:
    return payload.Endpoint(ip=payload.packed(endpoint.address), port=endpoint.port)
