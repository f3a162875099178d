"""A node of Talos beside our service: what its controllers make of what others announced."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any, Final

import attrs

from talos_resources.backends.memory import MemoryState
from talos_resources.codec.goyaml import read
from talos_resources.codec.plain import spec_from_plain
from talos_resources.discovery import payload
from talos_resources.discovery.client import DiscoveryClient
from talos_resources.discovery.controller import DiscoveryServiceController, Settings
from talos_resources.discovery.crypto import decode_secret
from talos_resources.kubespan.controllers import RAW, AffiliateMergeController
from talos_resources.kubespan.host import PUBLIC_ADDRESSES
from talos_resources.model.resource import Resource
from talos_resources.resources.cluster.affiliate import Affiliate
from talos_resources.resources.cluster.config import DiscoveryConfig
from talos_resources.resources.cluster.identity import ClusterIdentity
from talos_resources.runtime.runtime import Runtime
from talos_resources.runtime.scheduler import RealTime
from tests.golden.settled import settled

Case = dict[str, Any]


def plain(message: Any) -> Any:
    """A payload message as the recordings write it."""
    if isinstance(message, bytes):
        return base64.b64encode(message).decode()
    if isinstance(message, tuple):
        return [plain(item) for item in message]
    if attrs.has(type(message)):
        return {one.name: plain(getattr(message, one.name)) for one in attrs.fields(type(message)) if one.name != "unknown"}
    return message


def bare(value: Any) -> Any:
    """Without what the recordings add for readers."""
    if isinstance(value, dict):
        return {name: bare(item) for name, item in value.items() if not name.endswith("_text")}
    return [bare(item) for item in value] if isinstance(value, list) else value


class Talos:
    """The controllers of a node, as the recorded session had them."""

    def __init__(
        self, name: str, own: Affiliate, case: Case, address: str, make: Callable[[str, Callable[[], None] | None], DiscoveryClient]
    ) -> None:
        self.name = name
        self.state = MemoryState()
        self.state.create(Resource.new(ClusterIdentity(node_id=name), id="local"))
        config = DiscoveryConfig(
            discovery_enabled=True,
            registry_service_enabled=True,
            service_endpoint=address,
            service_endpoint_insecure=True,
            service_encryption_key=decode_secret(case["secret"]),
            service_cluster_id=case["cluster_id"],
        )
        self.state.create(Resource.new(config, id="cluster"))
        self._own = self.state.create(Resource.new(own, id=name))

        def client(settings: Settings, on_change: Callable[[], None]) -> DiscoveryClient:
            return make(settings.affiliate_id, on_change)

        self.controller = DiscoveryServiceController(client)
        self._clock = RealTime(seed=1)
        self._runtime = Runtime(self.state, [self.controller, AffiliateMergeController()], self._clock)
        self._clock.start()
        self._runtime.start()

    def rename(self, own: Affiliate) -> None:
        self._own = self.state.update(self._own.with_spec(own))

    def compare(self, event: Case) -> str:
        """Waits for the recorded resources."""
        recorded = {
            "raw": {one["id"]: spec_of(Affiliate, one["spec_yaml"]) for one in event["raw_affiliates"]},
            "merged": {one["id"]: spec_of(Affiliate, one["spec_yaml"]) for one in event["affiliates"] if one["id"] != self.name},
            "addresses": {one["id"]: read.load(one["spec_yaml"]) for one in event["address_statuses"]},
        }

        def difference() -> str:
            ours = self._resources()
            return "" if ours == recorded else f"recorded {recorded!r:.600}, ours {ours!r:.600}"

        return settled(difference)

    def _resources(self) -> dict[str, Any]:
        raw = {one.id: _without_new_field(one.spec) for one in self.state.list(Affiliate, namespace=RAW)}
        merged = {one.id: _without_new_field(one.spec) for one in self.state.list(Affiliate) if one.id != self.name}
        addresses = {one.id: read.load(one.spec.yaml) for one in self.state.list(PUBLIC_ADDRESSES.kind, namespace="cluster")}
        return {"raw": raw, "merged": merged, "addresses": addresses}

    def stop(self) -> None:
        self._runtime.stop()
        self._clock.stop()


def _without_new_field(affiliate: Affiliate) -> Affiliate:
    """Networks to exclude are read, as Talos 1.14 does; the recorded version does not know them."""
    if affiliate.kubespan is None:
        return affiliate
    return attrs.evolve(affiliate, kubespan=attrs.evolve(affiliate.kubespan, exclude_advertised_networks=()))


def spec_of(cls: type[Any], yaml: str) -> Any:
    return spec_from_plain(cls, read.load(yaml))


def read_view(cls: type[Any], value: Any) -> Any:
    """A payload message from what the recordings write."""
    if value is None:
        return None
    values: dict[str, Any] = {}
    for name, item in bare(value).items():
        nested = _NESTED.get(name)
        if nested is not None:
            values[name] = tuple(read_view(nested, one) for one in item) if isinstance(item, list) else read_view(nested, item)
        elif name in _BYTES:
            values[name] = tuple(map(base64.b64decode, item)) if isinstance(item, list) else base64.b64decode(item)
        else:
            values[name] = item
    return cls(**values)


_NESTED: Final[dict[str, type[Any]]] = {
    "kubespan": payload.KubeSpan,
    "control_plane": payload.ControlPlane,
    "additional_addresses": payload.IPPrefix,
    "exclude_advertised_addresses": payload.IPPrefix,
}
_BYTES: Final = ("ip", "address", "addresses")
