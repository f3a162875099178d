"""The controller that connects a node's State to the discovery service.

Source: Talos v1.12.3, cluster.DiscoveryServiceController.
"""

from __future__ import annotations

import ipaddress
import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
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
        self._settings: Settings | None = None
        self._client: DiscoveryClient | None = None
        self._announced = self._leaving = False
        self._told: dict[str, tuple[Discovered, Affiliate]] = {}

    @property
    def client(self) -> DiscoveryClient | None:
        """The client, None while discovery is off."""
        return self._client

    def reconcile(self, context: Context) -> None:
        """See `Controller`; what is known stays while the service cannot be reached."""
        settings = _settings(context)
        if settings != self._settings:
            self._drop(leave=settings is None)
            if settings is not None:
                self._client = self._make(settings, context.call_again)
                self._client.start()
            self._settings = settings
        client = self._client
        if client is None or settings is None:
            context.replace(Affiliate, {}, namespace=RAW)
            context.destroy(PUBLIC_ADDRESSES.kind, SERVICE, namespace=PUBLIC)
            return
        self._announce(context, client, settings.affiliate_id)
        context.replace(Affiliate, self._found(client.affiliates), namespace=RAW)
        if client.client_ip is not None:
            bare = ipaddress.ip_address(client.client_ip.packed)  # a prefix has no zone
            address = IPPrefix(bare, bare.max_prefixlen)
            context.put(PUBLIC_ADDRESSES.kind, SERVICE, PUBLIC_ADDRESSES.spec(address), namespace=PUBLIC)

    def leave(self, *, timeout: float = LEAVE_S) -> bool:
        """Takes the node out of the service, before it stops for good; call it before the runtime is stopped.

        Returns:
            Whether the service has taken it within so many seconds.
        """
        self._leaving = True
        client = self._client
        return client is not None and client.delete_local(timeout=timeout)

    def release(self) -> None:
        """See `Controller`."""
        client, self._client, self._settings = self._client, None, None
        self._announced = False
        if client is not None:
            client.close()

    def _announce(self, context: Context, client: DiscoveryClient, node_id: str) -> None:
        own = context.get(Affiliate, node_id)
        if own is not None and not self._leaving:
            client.set_local(*to_payload(own.spec))
            self._announced = True
        elif self._announced:
            client.delete_local()
            self._announced = False
        seen = defaultdict(list)
        for resource in context.list(KubeSpanEndpoint):
            spec = resource.spec
            if spec.endpoint is not None and spec.affiliate_id:
                seen[spec.affiliate_id].append(_endpoint(spec.endpoint))
        client.set_other_endpoints(seen)

    def _found(self, affiliates: Mapping[str, Discovered]) -> dict[str, Affiliate]:
        """The raw affiliates by id; what did not change is the very object of the last time."""
        told: dict[str, tuple[Discovered, Affiliate]] = {}
        for key, discovered in affiliates.items():
            known = self._told.get(key)
            if known is not None and known[0] is discovered:
                told[key] = known
                continue
            affiliate = from_payload(discovered.affiliate, discovered.endpoints)
            if affiliate.node_id != key:
                # Sealed data does not say for which id it was: this is a copy of somebody else's.
                _LOG.warning("discovery left affiliate %.100r out: its data is that of %.100r", key, affiliate.node_id)
            told[key] = discovered, affiliate
        self._told = told
        return {f"{SERVICE}/{key}": affiliate for key, (_, affiliate) in told.items() if affiliate.node_id == key}

    def _drop(self, *, leave: bool) -> None:
        """Lets the client go, without waiting for it."""
        client, self._client = self._client, None
        if client is None:
            return
        self._announced = False

        def work() -> None:
            if leave:
                client.delete_local(timeout=LEAVE_S)
            client.close()

        threading.Thread(target=work, name="discovery goodbye", daemon=True).start()


def _settings(context: Context) -> Settings | None:
    config = context.get(DiscoveryConfig, CLUSTER)
    identity = context.get(ClusterIdentity, LOCAL)
    if config is None or identity is None or not config.spec.registry_service_enabled:
        return None
    spec = config.spec
    return Settings(
        endpoint=spec.service_endpoint,
        insecure=spec.service_endpoint_insecure,
        cluster_id=spec.service_cluster_id,
        key=spec.service_encryption_key,
        affiliate_id=identity.spec.node_id,
    )


def _endpoint(endpoint: AddrPort) -> payload.Endpoint:
    return payload.Endpoint(ip=payload.packed(endpoint.address), port=endpoint.port)
