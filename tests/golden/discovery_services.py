"""A recorded node with several discovery services, done again with our controllers against services of ours."""

from __future__ import annotations

import base64
import threading
from typing import Any, Final

from talos_resources.backends.memory import MemoryState
from talos_resources.codec.goyaml import read
from talos_resources.codec.plain import spec_from_plain
from talos_resources.discovery.client import DiscoveryClient
from talos_resources.discovery.controller import DiscoveryServiceController
from talos_resources.discovery.messages import LIST, ClusterRequest, ListResponse
from talos_resources.discovery.server.server import DiscoveryServer
from talos_resources.discovery.translate import to_payload
from talos_resources.discovery.wire import decode, encode
from talos_resources.kubespan.controllers import RAW, AffiliateMergeController
from talos_resources.kubespan.host import PUBLIC_ADDRESSES
from talos_resources.model.net import IPPrefix
from talos_resources.model.resource import Resource
from talos_resources.resources.cluster.affiliate import Affiliate
from talos_resources.resources.cluster.config import DiscoveryConfig, ServiceEndpoint
from talos_resources.resources.cluster.identity import ClusterIdentity
from talos_resources.rpc.transport.http2 import Http2Transport
from talos_resources.runtime.runtime import Runtime
from talos_resources.runtime.scheduler import RealTime
from tests.golden.discovery_service import call
from tests.golden.settled import LONG_S, settled

Case = dict[str, Any]

_GOODBYE: Final = "discovery goodbye"
"""The threads in which the controller lets a client go; what they say is waited for."""


class Services:
    """One recording: the services `a` and `b`, the peers that announce themselves there, and a node of ours."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._keys = {name: base64.b64decode(text) for name, text in case["keys"].items()}
        self._servers = {name: DiscoveryServer() for name in ("a", "b")}
        self._transports = {name: Http2Transport(server.address) for name, server in self._servers.items()}
        self._peers = [self._peer(peer, at) for peer in case["peers"] for at in peer["at"]]
        own = _affiliate(case["local_spec_yaml"])
        self._state = MemoryState()
        self._state.create(Resource.new(ClusterIdentity(node_id=own.node_id), id="local"))
        self._state.create(Resource.new(own, id=own.node_id))
        self._controller = DiscoveryServiceController()
        self._clock = RealTime(seed=1)
        self._runtime = Runtime(self._state, [self._controller, AffiliateMergeController()], self._clock)

    def run(self) -> str:
        """The first step after which something else is there than recorded; empty without any."""
        self._clock.start()
        self._runtime.start()
        try:
            return next(filter(None, map(self._step, self._case["steps"])), "")
        finally:
            self._runtime.stop()
            self._clock.stop()
            for peer in self._peers:
                peer.close()
            for name, server in self._servers.items():
                self._transports[name].close()
                server.close()

    def _peer(self, peer: Case, at: str) -> DiscoveryClient:
        spec = _affiliate(peer["spec_yaml"])
        options: dict[str, Any] = {"cluster_id": self._case["cluster_id"], "key": self._keys["first"], "insecure": True}
        client = DiscoveryClient(self._servers[at].address, affiliate_id=spec.node_id, **options)
        client.set_local(*to_payload(spec))
        client.start()
        return client

    def _step(self, step: Case) -> str:
        if step["op"] == "reset_signal":
            self._controller.leave(timeout=LONG_S)
        else:
            self._configure(step)
        names = [name for name, _ in step["services"]]
        settled(lambda: "" if list(self._controller.clients) == names else "not yet taken up")
        for thread in threading.enumerate():
            if thread.name == _GOODBYE:
                thread.join(LONG_S)
        found = settled(lambda: self._difference(step["then"]))
        return f"{step['says']}: {found}" if found else ""

    def _configure(self, step: Case) -> None:
        endpoints = tuple(ServiceEndpoint(name=name, endpoint=self._servers[at].address, insecure=True) for name, at in step["services"])
        config = DiscoveryConfig(
            registry_service_enabled=bool(endpoints),
            service_endpoint=endpoints[0].endpoint if endpoints else "",
            service_endpoint_insecure=bool(endpoints),
            service_encryption_key=self._keys[step["key"]],
            service_cluster_id=self._case["cluster_id"],
            service_endpoints=endpoints,
        )
        known = list(self._state.list(DiscoveryConfig))
        if known:
            self._state.update(known[0].with_spec(config))
        else:
            self._state.create(Resource.new(config, id="cluster"))

    def _difference(self, recorded: Case) -> str:
        expected = {**recorded, "raw": {one["id"]: _affiliate(one["spec_yaml"]) for one in recorded["raw"]}}
        ours = {
            "raw": {one.id: one.spec for one in self._state.list(Affiliate, namespace=RAW)},
            "affiliates": sorted(one.id for one in self._state.list(Affiliate)),
            "address_statuses": [f"{one.id} {_address(one)}" for one in self._state.list(PUBLIC_ADDRESSES.kind, namespace="cluster")],
            **{f"at_{name}": self._listed(transport) for name, transport in self._transports.items()},
        }
        wrong = [name for name, value in expected.items() if ours.get(name) != value]
        return "; ".join(f"{name}: recorded {expected[name]!r:.300}, ours {ours.get(name)!r:.300}" for name in wrong)

    def _listed(self, transport: Http2Transport) -> list[str]:
        _, error, data = call(transport, LIST, encode(ClusterRequest(cluster_id=self._case["cluster_id"])), {})
        assert data is not None, error
        return sorted(one.id for one in decode(ListResponse, data).affiliates)


def _affiliate(yaml: str) -> Affiliate:
    return spec_from_plain(Affiliate, read.load(yaml))


def _address(resource: Resource[Any]) -> IPPrefix:
    found: IPPrefix = PUBLIC_ADDRESSES.value(resource)
    return found
