"""The service: what it refuses, and what it tells whom."""

from __future__ import annotations

import ipaddress
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talos_resources.cli.main import main
from talos_resources.discovery.messages import (
    LIST,
    WATCH,
    ClusterRequest,
    Duration,
    SealedAffiliate,
    UpdateRequest,
    WatchResponse,
)
from talos_resources.discovery.server.limits import CAPACITY_BYTES
from talos_resources.discovery.server.rate import BURST, RateLimit
from talos_resources.discovery.server.registry import Registry
from talos_resources.discovery.server.server import DiscoveryServer
from talos_resources.discovery.wire import decode, encode
from talos_resources.model.errors import ConfigError
from talos_resources.rpc.client.call import Channel
from talos_resources.rpc.framing import Deframer
from talos_resources.rpc.status import Code, RpcError
from talos_resources.rpc.transport.http2 import Http2Transport
from tests.discovery.asking import Asking, Times
from tests.discovery.conftest import LONG, MakeClient, node

Ask = Callable[..., bytes]


def test_a_bomb_is_bounded() -> None:
    with DiscoveryServer(capacity=1100) as server:
        ask = Asking(server.address)
        refused = 0
        for number in range(1100):
            try:
                ask.update(f"bomb {number}", b"x")
            except RpcError as error:
                assert error.code is Code.RESOURCE_EXHAUSTED
                refused += 1
        assert refused == 1100 - 1024
        with pytest.raises(RpcError, match="too many affiliates on this server"):
            for number in range(100):
                ask.update("one", b"x", cluster=f"cluster {number}")
        with pytest.raises(RpcError, match="too many endpoints in the affiliate"):
            ask.update("bomb 1", None, *(number.to_bytes(4) for number in range(10_000)))
        assert len(ask.listed()) == 1024
        assert max(len(one.endpoints) for one in ask.listed()) == 64
        ask.close()


def test_a_full_cluster_comes_in_messages_that_go_clients_take() -> None:
    with DiscoveryServer() as server:
        ask = Asking(server.address)
        endpoints = [bytes([number]) * 32 for number in range(64)]
        for number in range(400):
            ask.update(f"node {number}", bytes(2048), *endpoints)
        ask.close()
        transport = Http2Transport(server.address)
        stream = Channel((transport,)).stream(WATCH, encode(ClusterRequest(cluster_id="c")))
        sizes: list[int] = []
        found = 0
        for batch in stream:
            sizes += map(len, batch)
            found += sum(len(decode(WatchResponse, message).affiliates) for message in batch)
            if found == 400:
                break
        stream.close()
        transport.close()
        assert max(sizes) < 4 << 20
        assert len(sizes) == 2


def test_compressed_requests_are_refused_as_the_real_service_does() -> None:
    with DiscoveryServer() as server:
        transport = Http2Transport(server.address)
        channel = Channel((transport,), metadata=(("grpc-encoding", "gzip"),))
        with pytest.raises(RpcError, match='Decompressor is not installed for grpc-encoding "gzip"') as caught:
            channel.unary(LIST, b"")
        assert caught.value.code is Code.UNIMPLEMENTED
        transport.close()


def test_only_proxies_are_believed() -> None:
    for proxies, passed in ((("127.0.0.0/8",), 70), ((), 61), (("10.0.0.0/8",), 61)):
        times = Times()
        with DiscoveryServer(proxies=proxies, now=lambda times=times: times.seconds) as server:  # type: ignore[misc]
            transport = Http2Transport(server.address)
            asked = 0
            for number in range(70):
                asked += 1
                channel = Channel((transport,), metadata=(("x-real-ip", f"192.0.2.{number}"), ("grpc-timeout", "60m")))
                try:
                    channel.unary(LIST, encode(ClusterRequest(cluster_id="c")))
                except RpcError as error:
                    assert error.text == "rate limit exceeds request timeout"
                    break
            transport.close()
        assert asked == passed


@given(st.lists(st.tuples(st.floats(0, 10), st.floats(0, 5)), max_size=200))
@settings(max_examples=50, deadline=None)
def test_nobody_gets_more_than_the_rate(calls: list[tuple[float, float]]) -> None:
    limit, address = RateLimit(), ipaddress.ip_address("2001:db8::1")
    now = granted = 0.0
    turns = []
    for pause, most in calls:
        now += pause
        delay = limit.delay(address, now=now, most=most)
        if delay is not None:
            assert delay <= most
            granted += 1
            turns.append(now + delay)
    assert granted <= BURST + 15 * (now + 5) + 1
    assert turns == sorted(turns)


class Told:
    """A watcher that keeps what it is told, as a client would."""

    def __init__(self) -> None:
        self.seen: dict[str, SealedAffiliate] = {}

    def tell(self, message: bytes) -> None:
        response = decode(WatchResponse, Deframer().feed(message)[0])
        for affiliate in response.affiliates:
            if response.deleted:
                del self.seen[affiliate.id]
            else:
                self.seen[affiliate.id] = affiliate


STEP: st.SearchStrategy[Any] = st.one_of(
    st.tuples(
        st.just("update"), st.sampled_from("ab"), st.sampled_from([None, b"", b"1", b"2"]), st.lists(st.sampled_from([b"x", b"y", b"z"]))
    ),
    st.tuples(st.just("delete"), st.sampled_from("ab"), st.none(), st.just([])),
    st.tuples(st.just("pass"), st.sampled_from("ab"), st.none(), st.just([])),
    st.tuples(st.just("watch"), st.sampled_from("ab"), st.none(), st.just([])),
)


@given(st.lists(st.tuples(STEP, st.integers(-1, 100)), max_size=60))
@settings(max_examples=200, deadline=None)
def test_whoever_watches_knows_what_there_is(
    steps: list[tuple[tuple[str, str, bytes | None, list[bytes]], int]],
) -> None:
    """However it began: snapshot and changes together are what a list shows; nothing outlives its time."""
    registry, watchers, now = Registry(capacity=100, capacity_bytes=CAPACITY_BYTES), list[Told](), 0.0
    for (what, name, data, endpoints), seconds in steps:
        if what == "update":
            request = UpdateRequest(
                cluster_id="c", affiliate_id=name, affiliate_data=data, affiliate_endpoints=tuple(endpoints), ttl=Duration(seconds=seconds)
            )
            registry.update(request, now=now)
        elif what == "delete":
            registry.delete("c", name)
        elif what == "pass":
            now += max(seconds, 0)
            registry.collect(now=now)
            for found in registry.affiliates_of("c"):
                entry = registry.get("c", found.id)
                assert entry is not None
                assert min([entry.expires, *entry.endpoints.values()]) > now
        else:
            watcher = Told()
            watcher.seen = {one.id: one for one in registry.subscribe("c", watcher)}
            watchers.append(watcher)
        there = {one.id: one for one in registry.affiliates_of("c")}
        assert all(watcher.seen == there for watcher in watchers)
        assert registry.affiliates == len(there)
    for watcher in watchers:
        registry.unsubscribe("c", watcher)
    registry.collect(now=now + 1000)
    assert registry.affiliates == 0
    assert not registry._clusters


def test_bad_settings_are_said_at_once() -> None:
    with pytest.raises(ConfigError, match="every 0 s"):
        DiscoveryServer(gc_interval_s=0)
    with pytest.raises(ConfigError, match="not a network of proxies"):
        DiscoveryServer(proxies=("10.0.0.1/8",))
    with DiscoveryServer() as server, pytest.raises(ConfigError, match="cannot listen on"):
        DiscoveryServer(server.address)


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["--listen", "127.0.0.1:0"], 2, "name a folder for certificates with --pki"),
        (["--listen", "127.0.0.1:0", "--insecure", "--pki", "x"], 2, "exclude each other"),
        (["--listen", "nowhere"], 1, "'nowhere' is no address"),
        (["--listen", "127.0.0.1:0", "--insecure", "--gc-interval", "soon"], 2, "no duration"),
        (["--listen", "127.0.0.1:0", "--insecure", "--from", "demo"], 1, "nothing would be kept in demo"),
        (["--listen", "127.0.0.1:0", "--insecure", "--redirect", "there"], 1, "'there' is no address"),
    ],
    ids=["no protection", "both", "address", "interval", "source", "redirect"],
)
def test_a_command_that_cannot_be_run(arguments: list[str], code: int, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["discovery", "serve", *arguments]) == code
    said = capsys.readouterr().err
    assert text in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_serves_until_it_is_stopped(number: signal.Signals, tmp_path: Path, make_client: MakeClient) -> None:
    command = [sys.executable, "-m", "talos_resources", "discovery", "serve", "--listen", "127.0.0.1:0", "--pki", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("listening on 127.0.0.1:")
        client = make_client("alder", line.split()[-1], insecure=False, ca=(tmp_path / "ca.crt").read_bytes())
        client.set_local(node("alder"))
        assert client.wait(lambda: client.status.connected, timeout=LONG)
        process.send_signal(number)
        out, err = process.communicate(timeout=LONG)
    assert (process.returncode, out, err) == (0, "", "")
