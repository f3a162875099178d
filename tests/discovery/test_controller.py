"""Nodes, each with a State and the controller, over a real service."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from talos_resources.backends.memory import MemoryState
from talos_resources.discovery import payload
from talos_resources.discovery.client import DiscoveryClient
from talos_resources.discovery.controller import DiscoveryServiceController, Settings, _Service
from talos_resources.discovery.server.server import DiscoveryServer
from talos_resources.discovery.translate import to_payload
from talos_resources.kubespan.controllers import RAW
from talos_resources.kubespan.host import PUBLIC_ADDRESSES
from talos_resources.model.net import AddrPort, IPPrefix, parse_address
from talos_resources.model.resource import Resource
from talos_resources.resources.cluster.affiliate import Affiliate, KubeSpanAffiliate, MachineType
from talos_resources.resources.cluster.config import DiscoveryConfig, ServiceEndpoint
from talos_resources.resources.cluster.identity import ClusterIdentity
from talos_resources.resources.kubespan.endpoint import KubeSpanEndpoint
from talos_resources.runtime.runtime import Runtime
from talos_resources.runtime.scheduler import RealTime
from talos_resources.state.events import Created, Updated
from talos_resources.state.waiting import GONE, Condition, watch_for

KEY = bytes(range(32))
CLUSTER_ID = "cluster of the controller"
LONG = 60.0
THERE: Condition[Any] = Condition(events=(Created, Updated))


def announced(name: str, *endpoints: str) -> Affiliate:
    return Affiliate(
        node_id=name,
        addresses=(parse_address("10.0.0.1"),),
        hostname=name,
        nodename=name,
        machine_type=MachineType.WORKER,
        operating_system="Talos (v1.12.3)",
        kubespan=KubeSpanAffiliate(
            public_key=f"key of {name}", address=parse_address("fd00::1"), endpoints=tuple(map(AddrPort.parse, endpoints))
        ),
    )


class Node:
    """A node that has only what the controller needs."""

    def __init__(self, name: str, address: str) -> None:
        self.name = name
        self.state = MemoryState()
        self.state.create(Resource.new(ClusterIdentity(node_id=name), id="local"))
        config = DiscoveryConfig(
            discovery_enabled=True,
            registry_service_enabled=True,
            service_endpoint=address,
            service_endpoint_insecure=True,
            service_encryption_key=KEY,
            service_cluster_id=CLUSTER_ID,
        )
        self.config = self.state.create(Resource.new(config, id="cluster"))
        self.controller = DiscoveryServiceController()
        self.clock = RealTime(seed=1)
        self.runtime = Runtime(self.state, [self.controller], self.clock)
        self.clock.start()
        self.runtime.start()

    def announce(self, affiliate: Affiliate) -> None:
        self.state.create(Resource.new(affiliate, id=self.name))

    def sees(self, other: str, condition: Condition[Affiliate] = THERE) -> Affiliate:
        found = watch_for(self.state, Affiliate, f"service/{other}", condition, namespace=RAW, timeout=LONG)
        assert found is not None
        return found.spec

    def loses(self, other: str) -> None:
        assert watch_for(self.state, Affiliate, f"service/{other}", GONE, namespace=RAW, timeout=LONG) is None

    def stop(self) -> None:
        self.runtime.stop()
        self.clock.stop()


@pytest.fixture
def service() -> Iterator[DiscoveryServer]:
    with DiscoveryServer() as server:
        yield server


@pytest.fixture
def nodes(service: DiscoveryServer) -> Iterator[list[Node]]:
    made = [Node(name, service.address) for name in ("alder", "birch", "cedar")]
    for number, node in enumerate(made):
        node.announce(announced(node.name, f"10.0.0.{number}:51820"))
    yield made
    for node in made:
        node.stop()


def with_endpoints(*texts: str) -> Condition[Affiliate]:
    wanted = tuple(map(AddrPort.parse, texts))
    return Condition(predicate=lambda found: found.spec.kubespan is not None and found.spec.kubespan.endpoints == wanted)


def test_nodes_find_each_other_and_their_address(nodes: list[Node]) -> None:
    for node in nodes:
        for number, other in enumerate(nodes):
            if other is not node:
                assert node.sees(other.name) == announced(other.name, f"10.0.0.{number}:51820")
        found = watch_for(node.state, PUBLIC_ADDRESSES.kind, "service", THERE, namespace="cluster", timeout=LONG)
        assert found is not None
        assert PUBLIC_ADDRESSES.value(found) == IPPrefix.parse("127.0.0.1/32")
    assert "service/alder" not in {resource.id for resource in nodes[0].state.list(Affiliate, namespace=RAW)}


def test_what_a_node_has_seen_reaches_the_others(nodes: list[Node]) -> None:
    alder, birch, cedar = nodes
    alder.sees("cedar")  # the service has endpoints in the order in which they came
    seen = KubeSpanEndpoint(affiliate_id="cedar", endpoint=AddrPort.parse("203.0.113.7:40112"))
    birch.state.create(Resource.new(seen, id="key of cedar"))
    alder.sees("cedar", with_endpoints("10.0.0.2:51820", "203.0.113.7:40112"))
    assert not list(cedar.state.list(KubeSpanEndpoint))


def test_a_change_is_announced(nodes: list[Node]) -> None:
    alder, birch, _ = nodes
    birch.sees("alder")
    own = alder.state.get(Affiliate, "alder")
    alder.state.update(own.with_spec(hostname="renamed"))
    birch.sees("alder", Condition(predicate=lambda found: found.spec.hostname == "renamed"))


def test_a_node_that_leaves_is_gone_for_the_others(nodes: list[Node]) -> None:
    alder, birch, cedar = nodes
    birch.sees("alder")
    cedar.sees("alder")
    assert alder.controller.leave(timeout=LONG)
    birch.loses("alder")
    cedar.loses("alder")


def test_discovery_that_is_switched_off_and_on(nodes: list[Node]) -> None:
    alder, birch, _ = nodes
    alder.sees("birch")
    birch.sees("alder")
    off = alder.state.update(alder.config.with_spec(discovery_enabled=False, registry_service_enabled=False))
    alder.loses("birch")
    birch.sees("alder")  # nobody is told; the service forgets it in time
    assert alder.state.get(PUBLIC_ADDRESSES.kind, "service", namespace="cluster").version >= 1  # Talos keeps it too
    alder.state.update(off.with_spec(discovery_enabled=True, registry_service_enabled=True))
    alder.sees("birch")
    birch.sees("alder")


def test_several_services_are_one_to_the_node(service: DiscoveryServer) -> None:
    """One client each, the union of what they tell; where they disagree, what came last."""
    with DiscoveryServer() as second:
        endpoints = tuple(ServiceEndpoint(name=name, endpoint=one.address, insecure=True) for name, one in (("a", service), ("b", second)))
        alder, birch, cedar = Node("alder", service.address), Node("birch", service.address), Node("cedar", second.address)
        both = alder.state.update(alder.config.with_spec(service_endpoints=endpoints))
        try:
            for node in (alder, birch, cedar):
                node.announce(announced(node.name, "10.0.0.1:51820"))
            for here, there in ((alder, "birch"), (alder, "cedar"), (birch, "alder"), (cedar, "alder")):
                here.sees(there)
            assert list(alder.controller.clients) == ["a", "b"]
            assert [found.id for found in birch.state.list(Affiliate, namespace=RAW)] == ["service/alder"]
            # birch is at b too now, and says something else there.
            twin = Node("birch", second.address)
            twin.announce(announced("birch", "10.0.0.2:51820"))
            alder.sees("birch", with_endpoints("10.0.0.2:51820"))
            alder.state.update(both.with_spec(service_endpoints=endpoints[:1]))
            alder.loses("cedar")
            alder.sees("birch", with_endpoints("10.0.0.1:51820"))
            twin.stop()
        finally:
            for node in (alder, birch, cedar):
                node.stop()


@pytest.mark.parametrize("name", ["legacy", "renamed"])
def test_a_service_that_moves_or_is_renamed_costs_the_node_nothing(nodes: list[Node], service: DiscoveryServer, name: str) -> None:
    """What the old one told stays until the new one has told who is there."""
    alder, birch, _ = nodes
    for other in ("birch", "cedar"):
        alder.sees(other)
    with socket.socket() as silent, alder.state.watch_kind(Affiliate, namespace=RAW, bootstrap=False) as events:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        config = alder.config
        for step, address in ((name, f"127.0.0.1:{silent.getsockname()[1]}"), ("again", service.address)):
            endpoint = ServiceEndpoint(name=step, endpoint=address, insecure=True)
            config = alder.state.update(config.with_spec(service_endpoints=(endpoint,)))
            if step == name:
                silent.settimeout(LONG)
                silent.accept()[0].close()  # the new client is there, and hears nothing
        birch.state.update(birch.state.get(Affiliate, "birch").with_spec(hostname="another"))
        for event in events:
            assert isinstance(event, Updated)
            if event.resource.spec.hostname == "another":
                break
    with DiscoveryServer() as empty:
        endpoint = ServiceEndpoint(name="empty", endpoint=empty.address, insecure=True)
        alder.state.update(config.with_spec(service_endpoints=(endpoint,)))
        alder.loses("birch")  # it has told that nobody is there
        alder.loses("cedar")


def test_another_cluster_secret_shows_nobody_and_harms_nobody(nodes: list[Node], caplog: pytest.LogCaptureFixture) -> None:
    alder, birch, cedar = nodes
    alder.sees("birch")
    alder.state.update(alder.config.with_spec(service_encryption_key=bytes(32)))
    alder.loses("birch")
    client = birch.controller.client
    assert client is not None
    assert client.wait(lambda: client.refused == {"alder": "cipher: message authentication failed"}, timeout=LONG)
    birch.sees("cedar")
    cedar.sees("birch")
    assert "refused affiliate 'alder': cipher: message authentication failed" in caplog.text
    assert KEY.hex() not in caplog.text


def test_a_copy_under_another_id_is_nobody(nodes: list[Node], service: DiscoveryServer) -> None:
    """Sealed data does not say whose it is; whoever has the cluster id can post it again under an id that is merged later."""
    alder = nodes[0]
    alder.sees("birch")
    with DiscoveryClient(service.address, cluster_id=CLUSTER_ID, key=KEY, affiliate_id="zz", insecure=True) as copier:
        copier.set_local(*to_payload(announced("birch", "198.51.100.1:1")))
        fence = DiscoveryClient(service.address, cluster_id=CLUSTER_ID, key=KEY, affiliate_id="fence", insecure=True)
        assert copier.wait(lambda: copier.status.connected, timeout=LONG)
        with fence:
            fence.set_local(payload.Affiliate(node_id="fence"))
            alder.sees("fence")
    assert alder.sees("birch") == announced("birch", "10.0.0.1:51820")
    assert {resource.id for resource in alder.state.list(Affiliate, namespace=RAW)} == {"service/birch", "service/cedar", "service/fence"}


def goodbyes() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "discovery goodbye"]


def test_a_service_is_let_go_without_waiting_for_it(caplog: pytest.LogCaptureFixture) -> None:
    released = threading.Event()

    class Slow(DiscoveryClient):
        def close(self) -> None:
            released.wait(LONG)
            super().close()
            raise RuntimeError("it cannot be closed")

    client = Slow("127.0.0.1:1", cluster_id=CLUSTER_ID, key=KEY, affiliate_id="a", insecure=True)
    settings = Settings(endpoint="127.0.0.1:1", insecure=True, cluster_id=CLUSTER_ID, key=KEY, affiliate_id="a")
    _Service(settings, client).drop()
    [thread] = goodbyes()  # it waits, and nobody else does
    released.set()
    thread.join(LONG)
    assert not goodbyes()
    [record] = caplog.records
    assert "was not closed in order" in record.getMessage()


def test_a_service_that_hangs_delays_no_other(service: DiscoveryServer) -> None:
    """The node is told of another service while the goodbye to one that says nothing goes on."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        node = Node("alder", f"127.0.0.1:{silent.getsockname()[1]}")
        try:
            node.announce(announced("alder", "10.0.0.1:51820"))
            node.state.update(node.config.with_spec(service_endpoint=service.address))
            with DiscoveryClient(service.address, cluster_id=CLUSTER_ID, key=KEY, affiliate_id="birch", insecure=True) as other:
                assert other.wait(lambda: "alder" in other.affiliates, timeout=LONG)
        finally:
            node.stop()
    for thread in goodbyes():
        thread.join(LONG)
    assert not goodbyes()
