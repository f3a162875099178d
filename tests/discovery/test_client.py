"""The client against a real service that is restarted, full, hostile, or gone."""

from __future__ import annotations

import logging
import os
import pickle
from collections.abc import Iterator
from datetime import timedelta
from random import Random

import pytest

from talos_resources.discovery import payload
from talos_resources.discovery.client import DiscoveryClient
from talos_resources.discovery.crypto import ClusterCipher
from talos_resources.discovery.messages import (
    LIST,
    UPDATE,
    ClusterRequest,
    Duration,
    ListResponse,
    SealedAffiliate,
    UpdateRequest,
    WatchResponse,
)
from talos_resources.discovery.pace import LONGEST_S, Backoff
from talos_resources.discovery.server.server import DiscoveryServer
from talos_resources.discovery.upkeep import FAITH
from talos_resources.discovery.view import MAX_AFFILIATES, MAX_ENDPOINTS, View
from talos_resources.discovery.wire import decode, encode
from talos_resources.model.errors import ConfigError
from talos_resources.rpc.client.call import Channel
from talos_resources.rpc.server.pki_folder import authority_in, server_credentials
from talos_resources.rpc.status import RpcError
from talos_resources.rpc.transport.http2 import Http2Transport
from tests.discovery.conftest import CLUSTER_ID, KEY, LONG, MakeClient, ManualClock, at, node


@pytest.fixture
def anybody(service: DiscoveryServer) -> Iterator[Channel]:
    """Somebody who knows the cluster id and not the secret."""
    transport = Http2Transport(service.address)
    yield Channel((transport,), timeout=LONG)
    transport.close()


def post(channel: Channel, affiliate_id: str, data: bytes | None, *endpoints: bytes) -> None:
    ttl = Duration(seconds=600)
    request = UpdateRequest(cluster_id=CLUSTER_ID, affiliate_id=affiliate_id, affiliate_data=data, affiliate_endpoints=endpoints, ttl=ttl)
    channel.unary(UPDATE, encode(request))


def listed(channel: Channel) -> dict[str, SealedAffiliate]:
    answer = decode(ListResponse, channel.unary(LIST, encode(ClusterRequest(cluster_id=CLUSTER_ID))))
    return {affiliate.id: affiliate for affiliate in answer.affiliates}


def test_a_service_that_is_restarted_empty_is_filled_again(make_client: MakeClient) -> None:
    server = DiscoveryServer()
    address = server.address
    alder, birch = make_client("alder", address), make_client("birch", address)
    alder.set_local(node("alder"), [at(1)])
    assert birch.wait(lambda: "alder" in birch.affiliates, timeout=LONG)
    server.close()
    assert birch.wait(lambda: not birch.status.connected, timeout=LONG)
    assert "alder" in birch.affiliates
    with DiscoveryServer(address):
        assert birch.wait(lambda: birch.status.connected, timeout=LONG)
        assert birch.wait(lambda: "alder" in birch.affiliates, timeout=LONG)
        assert birch.status.error == ""


def test_the_announcement_is_repeated_after_half_its_time_with_the_same_bytes(
    service: DiscoveryServer, make_client: MakeClient, anybody: Channel
) -> None:
    clock = ManualClock()
    alder = make_client("alder", clock=clock, ttl=timedelta(seconds=60))
    alder.set_local(node("alder"), [at(1)])
    clock.advance(1)
    assert alder.wait(lambda: alder.status.connected, timeout=LONG)
    before = listed(anybody)["alder"]
    watcher = make_client("birch")
    assert watcher.wait(lambda: "alder" in watcher.affiliates, timeout=LONG)
    gone = DiscoveryClient(service.address, cluster_id=CLUSTER_ID, key=KEY, affiliate_id="alder", insecure=True)
    with gone:
        assert gone.delete_local(timeout=LONG)
    assert watcher.wait(lambda: "alder" not in watcher.affiliates, timeout=LONG)
    clock.advance(29)
    fence = make_client("fence")
    fence.set_local(node("fence"))
    assert watcher.wait(lambda: "fence" in watcher.affiliates, timeout=LONG)
    assert "alder" not in watcher.affiliates
    clock.advance(1.5)
    assert watcher.wait(lambda: "alder" in watcher.affiliates, timeout=LONG)
    assert listed(anybody)["alder"] == before


def test_a_refused_announcement_is_tried_again_and_the_view_stays_alive(make_client: MakeClient) -> None:
    """The real client would be silent, and blind, for fifteen minutes."""
    with DiscoveryServer(capacity=1) as full:
        first, second = make_client("first", full.address), make_client("second", full.address)
        first.set_local(node("first"))
        assert second.wait(lambda: "first" in second.affiliates, timeout=LONG)
        second.set_local(node("second"))
        assert second.wait(lambda: "too many affiliates on this server" in second.status.error, timeout=LONG)
        first.set_local(node("first", hostname="renamed"))
        assert second.wait(lambda: second.affiliates["first"].affiliate.hostname == "renamed", timeout=LONG)
        assert first.delete_local(timeout=LONG)
        assert first.wait(lambda: "second" in first.affiliates, timeout=LONG)
        assert second.wait(lambda: second.status.error == "", timeout=LONG)


def test_who_fills_the_endpoints_of_a_node_silences_nobody(make_client: MakeClient, anybody: Channel) -> None:
    alder, birch, cedar = make_client("alder"), make_client("birch"), make_client("cedar")
    alder.set_local(node("alder"), [at(1)])
    assert birch.wait(lambda: "alder" in birch.affiliates, timeout=LONG)
    with pytest.raises(RpcError, match="too many endpoints"):
        post(anybody, "alder", None, *(os.urandom(16) for _ in range(10_000)))
    assert len(listed(anybody)["alder"].endpoints) == 64
    birch.set_other_endpoints({"alder": [at(2)], "cedar": [at(3)]})
    birch.set_local(node("birch"))
    cedar.set_local(node("cedar"))
    assert alder.wait(lambda: "birch" in alder.affiliates, timeout=LONG)
    assert alder.wait(lambda: "cedar" in alder.affiliates and alder.affiliates["cedar"].endpoints == (at(3),), timeout=LONG)
    alder.set_local(node("alder", hostname="renamed"), [at(1), at(4)])
    assert birch.wait(lambda: birch.affiliates["alder"].affiliate.hostname == "renamed", timeout=LONG)


def test_garbage_and_what_kills_go_clients_are_left_out(
    make_client: MakeClient, anybody: Channel, caplog: pytest.LogCaptureFixture
) -> None:
    cipher = ClusterCipher(KEY)
    sealed = cipher.seal(encode(node("tampered")))
    alder, birch = make_client("alder"), make_client("birch")
    alder.set_local(node("alder"), [at(1)])
    assert birch.wait(lambda: "alder" in birch.affiliates, timeout=LONG)
    post(anybody, "tampered", sealed[:-1] + bytes([sealed[-1] ^ 1]))
    post(anybody, "random", os.urandom(300))
    post(anybody, "short", b"x")
    post(anybody, "no message", cipher.seal(b"\xff\xff\xff"))
    killer = cipher.seal_endpoint(bytes(15))
    short = next(block for block in (os.urandom(16) for _ in range(10_000)) if _dies(cipher, block))
    post(anybody, "alder", None, killer, short, b"odd")
    with pytest.raises(RpcError, match="affiliate endpoint is empty"):
        post(anybody, "alder", None, b"")
    assert birch.wait(lambda: len(birch.refused) == 4, timeout=LONG)
    post(anybody, "alder", None, b"end")
    assert birch.refused["random"] == "cipher: message authentication failed"
    assert dict.keys(dict(birch.affiliates)) == {"alder"}
    assert birch.affiliates["alder"].endpoints == (at(1),)
    assert "refused affiliate 'tampered'" in caplog.text
    alder.set_local(node("alder", hostname="lives on"))
    assert birch.wait(lambda: birch.affiliates["alder"].affiliate.hostname == "lives on", timeout=LONG)


def _dies(cipher: ClusterCipher, block: bytes) -> bool:
    """Whether the real client crashes on this endpoint: its length byte says more than there is."""
    try:
        cipher.open_endpoint(block)
    except ValueError:
        return True
    return False


def test_a_bomb_of_affiliates_is_bounded(anybody: Channel) -> None:
    view = View(ClusterCipher(KEY), "self")
    sealed = ClusterCipher(KEY).seal(encode(node("copy")))
    endpoint = ClusterCipher(KEY).seal_endpoint(encode(at(1)))
    bomb = tuple(SealedAffiliate(id=f"bomb {number}", data=sealed) for number in range(10_000))
    view.apply(WatchResponse(affiliates=bomb), snapshot=True)
    assert len(view.affiliates) == MAX_AFFILIATES
    view.apply(WatchResponse(affiliates=(SealedAffiliate(id="bomb 1", data=sealed, endpoints=(endpoint,) * 10_000),)), snapshot=False)
    assert len(view.affiliates["bomb 1"].endpoints) == MAX_ENDPOINTS
    garbage = tuple(SealedAffiliate(id=f"garbage {number}", data=b"x") for number in range(10_000))
    view.apply(WatchResponse(affiliates=garbage), snapshot=True)
    assert (len(view.affiliates), len(view.refused)) == (0, MAX_AFFILIATES)


@pytest.mark.slow
def test_a_redirect_to_a_dead_service_is_taken_back(make_client: MakeClient) -> None:
    with DiscoveryServer() as dead:
        nowhere = dead.address
    first = DiscoveryServer(redirect=nowhere)
    client = make_client("alder", first.address)
    client.set_local(node("alder"))
    assert client.wait(lambda: client.status.endpoint == nowhere, timeout=LONG)
    address = first.address
    first.close()
    with DiscoveryServer(address):
        assert FAITH > 1
        assert client.wait(lambda: client.status.connected, timeout=LONG)
        assert client.status.endpoint == address


def test_tls_and_an_authority_that_is_not_ours(tmp_path_factory: pytest.TempPathFactory, make_client: MakeClient) -> None:
    folder, other = tmp_path_factory.mktemp("ours"), tmp_path_factory.mktemp("other")
    authority = authority_in(folder)
    with DiscoveryServer(credentials=server_credentials(authority, "127.0.0.1")) as server:
        good = make_client("alder", server.address, insecure=False, ca=authority.crt)
        bad = make_client("birch", server.address, insecure=False, ca=authority_in(other).crt)
        system = make_client("cedar", server.address, insecure=False)
        good.set_local(node("alder"))
        assert good.wait(lambda: good.status.connected, timeout=LONG)
        for client in (bad, system):
            assert client.wait(lambda client=client: "certificate" in client.status.error, timeout=LONG)  # type: ignore[misc]
            assert not client.status.connected


def test_a_clock_that_jumps_makes_the_client_speak_at_once(make_client: MakeClient) -> None:
    clock = ManualClock()
    server = DiscoveryServer()
    alder = make_client("alder", server.address, clock=clock)
    alder.set_local(node("alder"))
    clock.advance(1)
    assert alder.wait(lambda: alder.status.connected, timeout=LONG)
    birch = make_client("birch", server.address)
    assert birch.wait(lambda: "alder" in birch.affiliates, timeout=LONG)
    gone = make_client("alder", server.address)
    assert gone.delete_local(timeout=LONG)
    gone.close()
    assert birch.wait(lambda: "alder" not in birch.affiliates, timeout=LONG)
    clock.advance(86_400)
    assert birch.wait(lambda: "alder" in birch.affiliates, timeout=LONG)
    server.close()


def test_an_endpoint_that_the_service_would_refuse_does_not_silence_the_node(make_client: MakeClient) -> None:
    alder, birch = make_client("alder"), make_client("birch")
    zoned = payload.Endpoint(ip=bytes(16) + b"eth0", port=1)
    alder.set_local(node("alder"), [zoned, payload.Endpoint(port=1), at(1)])
    assert birch.wait(lambda: "alder" in birch.affiliates, timeout=LONG)
    assert birch.affiliates["alder"].endpoints == (at(1),)


def test_bad_settings_are_said_at_once() -> None:
    with pytest.raises(ConfigError, match="this one has 5"):
        DiscoveryClient("127.0.0.1:1", cluster_id="c", key=b"short", affiliate_id="a", insecure=True)
    with pytest.raises(ConfigError, match="cannot last 0 s"):
        DiscoveryClient("127.0.0.1:1", cluster_id="c", key=KEY, affiliate_id="a", insecure=True, ttl=timedelta(0))
    with pytest.raises(ConfigError, match="certificates"):
        DiscoveryClient("127.0.0.1:1", cluster_id="c", key=KEY, affiliate_id="a", ca=b"-----BEGIN CERTIFICATE-----\nx\n")


def test_the_secret_shows_nowhere(make_client: MakeClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    client = make_client("alder", "127.0.0.1:1")
    client.set_local(node("alder"))
    assert client.wait(lambda: "connection refused" in client.status.error, timeout=LONG)
    client.close()
    shown = f"{client!r} {client.status!r} {client._announced._cipher!r} {client._announced._local!r} {caplog.text}"
    assert repr(KEY)[2:-1] not in shown
    assert KEY.hex() not in shown
    with pytest.raises((TypeError, pickle.PicklingError, AttributeError)):
        pickle.dumps(client._announced._cipher)


def test_a_client_that_cannot_connect_closes_at_once(make_client: MakeClient) -> None:
    client = make_client("alder", "127.0.0.1:1")
    client.close()
    client.close()
    assert not client._thread.is_alive()


def test_pauses_grow_to_a_minute_and_begin_anew() -> None:
    backoff = Backoff(Random(1))
    pauses = [backoff.next() for _ in range(40)]
    assert 0.25 <= pauses[0] <= 0.75
    assert all(LONGEST_S * 0.5 <= pause <= LONGEST_S * 1.5 for pause in pauses[15:])
    backoff.reset()
    assert backoff.next() <= 0.75


@pytest.mark.parametrize(
    "target", ["no address", ":", "/dev/zero:1", "127.0.0.1:port", "unix:/run/socket", "\x1b]0;x\x07:1", "x" * 5000 + "/:1"]
)
def test_a_redirect_to_no_address_is_told_and_tried_again(make_client: MakeClient, target: str) -> None:
    """A service chooses its words itself: they must not end the thread that talks to it."""
    with DiscoveryServer(redirect=target) as service:
        client = make_client("alder", service.address)
        assert client.wait(lambda: "redirects to" in client.status.error, timeout=LONG)
        assert client.status.endpoint == service.address
        assert len(client.status.error) < 700
        assert client._thread.is_alive()
