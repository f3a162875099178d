"""The real discovery client against our service, and our client against the real service."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from talos_resources.discovery import payload
from talos_resources.discovery.client import DiscoveryClient
from talos_resources.discovery.crypto import ClusterCipher
from talos_resources.discovery.messages import UPDATE, Duration, UpdateRequest
from talos_resources.discovery.server.server import DiscoveryServer
from talos_resources.discovery.wire import encode
from talos_resources.rpc.client.call import Channel
from talos_resources.rpc.server.pki_folder import authority_in, server_credentials
from talos_resources.rpc.status import RpcError
from talos_resources.rpc.transport.http2 import Http2Transport
from tests.interop.discovery_peers import CLUSTER_ID, KEY, StartClient

pytestmark = pytest.mark.go

LONG = 60.0


@pytest.fixture
def go_service(programs: Path) -> Iterator[str]:
    """The address of a real service that forgets every 200 ms."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    options = ["-addr", address, "-landing-addr=", "-metrics-addr=", "-snapshots-enabled=false", "-gc-interval", "200ms"]
    process = subprocess.Popen([programs / "service", *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    yield address
    process.terminate()
    process.wait(LONG)


def our_client(endpoint: str, name: str, **options: Any) -> DiscoveryClient:
    return DiscoveryClient(endpoint, cluster_id=CLUSTER_ID, key=KEY, affiliate_id=name, **{"insecure": True, **options})


def at(port: int) -> payload.Endpoint:
    return payload.Endpoint(ip=bytes([10, 0, 0, 1]), port=port)


def test_real_clients_find_each_other_and_ours_through_our_service(go_client: StartClient) -> None:
    with DiscoveryServer() as service, our_client(service.address, "ours") as ours:
        alder, birch = go_client(service.address, "alder"), go_client(service.address, "birch")
        alder.tell("set", "host-a", "10.0.0.2:51820", "[2001:db8::2]:51820")
        birch.tell("set", "host-b")
        ours.set_local(payload.Affiliate(node_id="ours", hostname="host-o"), [at(1)])
        assert birch.sees({"alder": ["host-a", "10.0.0.2:51820", "[2001:db8::2]:51820"], "ours": ["host-o", "10.0.0.1:1"]})[
            "public_ip"
        ] == ("127.0.0.1")
        assert ours.wait(lambda: set(ours.affiliates) == {"alder", "birch"}, timeout=LONG)
        birch.tell("seen", "ours", "192.0.2.9:4")
        alder.sees({"birch": ["host-b"], "ours": ["host-o", "10.0.0.1:1", "192.0.2.9:4"]})
        ours.set_other_endpoints({"birch": [at(5)]})
        alder.sees({"birch": ["host-b", "10.0.0.1:5"], "ours": ["host-o", "10.0.0.1:1", "192.0.2.9:4"]})
        birch.tell("delete")
        alder.sees({"ours": ["host-o", "10.0.0.1:1", "192.0.2.9:4"]})
        assert ours.wait(lambda: set(ours.affiliates) == {"alder"}, timeout=LONG)


def test_real_clients_survive_a_restart_of_our_service(go_client: StartClient) -> None:
    service = DiscoveryServer()
    alder, birch = go_client(service.address, "alder"), go_client(service.address, "birch")
    alder.tell("set", "host-a")
    birch.tell("set", "host-b")
    alder.sees({"birch": ["host-b"]})
    service.close()
    with DiscoveryServer(service.address):
        birch.tell("set", "renamed")
        alder.sees({"birch": ["renamed"]})


def test_a_redirect_of_our_service(go_client: StartClient) -> None:
    with DiscoveryServer() as target, DiscoveryServer(redirect=target.address) as first, our_client(first.address, "ours") as ours:
        alder = go_client(first.address, "alder")
        alder.tell("set", "host-a")
        ours.set_local(payload.Affiliate(node_id="ours", hostname="host-o"))
        alder.sees({"ours": ["host-o"]})
        assert ours.status.endpoint == target.address


def test_a_real_client_over_tls_to_our_service(go_client: StartClient, tmp_path: Path) -> None:
    authority = authority_in(tmp_path)
    with (
        DiscoveryServer(credentials=server_credentials(authority, "127.0.0.1")) as service,
        our_client(service.address, "ours", insecure=False, ca=authority.crt) as ours,
    ):
        alder = go_client(service.address, "alder", ca=tmp_path / "ca.crt")
        alder.tell("set", "host-a")
        ours.set_local(payload.Affiliate(node_id="ours", hostname="host-o"))
        alder.sees({"ours": ["host-o"]})
        assert ours.wait(lambda: set(ours.affiliates) == {"alder"}, timeout=LONG)


def test_our_service_does_not_hand_on_what_kills_real_clients(go_client: StartClient) -> None:
    with DiscoveryServer() as service:
        alder, birch = go_client(service.address, "alder"), go_client(service.address, "birch")
        alder.tell("set", "host-a")
        birch.tell("set", "host-b")
        alder.sees({"birch": ["host-b"]})
        transport = Http2Transport(service.address)
        request = UpdateRequest(cluster_id=CLUSTER_ID, affiliate_id="birch", affiliate_endpoints=(b"",), ttl=Duration(seconds=60))
        with pytest.raises(RpcError, match="affiliate endpoint is empty"):
            Channel((transport,)).unary(UPDATE, encode(request))
        transport.close()
        birch.tell("set", "lives-on")
        alder.sees({"birch": ["lives-on"]})
        assert alder.alive()


def test_our_client_and_real_ones_through_the_real_service(go_service: str, go_client: StartClient) -> None:
    with our_client(go_service, "ours") as ours:
        ours.set_local(payload.Affiliate(node_id="ours", hostname="host-o"), [at(1)])
        alder = go_client(go_service, "alder")
        alder.tell("set", "host-a", "10.0.0.2:51820")
        alder.sees({"ours": ["host-o", "10.0.0.1:1"]})
        assert ours.wait(lambda: set(ours.affiliates) == {"alder"}, timeout=LONG)
        assert str(ours.client_ip) == "127.0.0.1"
        ours.set_other_endpoints({"alder": [at(9)]})
        assert ours.wait(lambda: at(9) in ours.affiliates["alder"].endpoints, timeout=LONG)
        alder.tell("seen", "ours", "192.0.2.9:4")
        alder.sees({"ours": ["host-o", "10.0.0.1:1", "192.0.2.9:4"]})
        assert ours.delete_local(timeout=LONG)
        alder.sees({})


def test_what_our_client_announces_to_the_real_service_expires_and_is_repeated(go_service: str, go_client: StartClient) -> None:
    alder = go_client(go_service, "alder")
    alder.tell("set", "host-a")
    ours = our_client(go_service, "ours", ttl=timedelta(seconds=2))
    ours.set_local(payload.Affiliate(node_id="ours", hostname="host-o"))
    with ours:
        alder.sees({"ours": ["host-o"]})
        transport = Http2Transport(go_service)
        gone = UpdateRequest(
            cluster_id=CLUSTER_ID,
            affiliate_id="guest",
            affiliate_data=ClusterCipher(KEY).seal(encode(payload.Affiliate(node_id="guest", hostname="host-g"))),
            ttl=Duration(seconds=5),
        )
        Channel((transport,)).unary(UPDATE, encode(gone))
        transport.close()
        alder.sees({"ours": ["host-o"], "guest": ["host-g"]})
        alder.sees({"ours": ["host-o"]})  # five seconds are gone, and ours has been repeated twice
    alder.sees({})
