"""Clients of thousands of addresses: what is known of each goes with it."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest

from talos_resources.backends.memory import MemoryState
from talos_resources.discovery.messages import LIST as LIST_AFFILIATES
from talos_resources.discovery.messages import ClusterRequest
from talos_resources.discovery.server.rate import BURST, RateLimit
from talos_resources.discovery.server.server import DiscoveryServer
from talos_resources.discovery.wire import encode
from talos_resources.rpc.framing import frame
from talos_resources.rpc.server.addresses import client_of, owner_of
from talos_resources.rpc.server.server import BackgroundServer
from tests.rpc.server.attacking import EVERYTHING, settled
from tests.rpc.server.raw import LIST, Raw


def known(server: Any) -> list[object]:
    """All that a server knows by address."""
    listener = getattr(server, "_listener", None) or server._server
    connections, dispatch = listener._connections, listener._dispatch
    turns, shares = connections.turns, (dispatch._requests, dispatch._answers)
    tables = [connections._each, connections._calls, connections._idle_of, connections.arriving._waiting]
    tables += [turns._waiting, turns._at_work, turns._held_back, *(share._held for share in shares), *(share._waiting for share in shares)]
    return [table for table in tables if table]


def test_nothing_stays_of_addresses_that_are_gone() -> None:
    with BackgroundServer(MemoryState(), "127.0.0.1:0") as serve, DiscoveryServer() as discovery:
        for server, path, data in (
            (serve, LIST, EVERYTHING),
            (discovery, LIST_AFFILIATES, frame(encode(ClusterRequest(cluster_id="c")))),
        ):
            for n in range(400):
                raw = Raw(server.address, source=f"127.{n % 200}.{n // 200}.7")
                stream = raw.request(path, data)
                if n % 2:
                    raw.answer(stream)
                raw.socket.close()
            assert settled(lambda server=server: not known(server))  # type: ignore[misc]


def test_made_up_addresses_have_a_bound() -> None:
    limit = RateLimit()
    for n in range(30_000):
        assert limit.delay(ipaddress.IPv6Address((0x20010DB8 << 96) + (n << 64)), now=0.0, most=0.0) == 0.0
    assert len(limit) == 10_000
    limit.forget(now=60.0)
    assert not len(limit)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("::1", "0.0.0.1", False),
        ("fe80::1%lo", "fe80::2", True),
    ],
)
def test_whose_an_address_is(one: str, other: str, same: bool) -> None:
    assert (client_of(one) == client_of(other)) is same
    assert (owner_of(ipaddress.ip_address(one)) == owner_of(ipaddress.ip_address(other))) is same


def test_a_network_has_one_allowance_and_mapped_clients_one_each() -> None:
    limit = RateLimit()
    mapped = [ipaddress.ip_address(f"::ffff:192.0.2.{n}") for n in range(int(BURST) + 10)]
    assert all(limit.delay(address, now=0.0, most=0.0) == 0.0 for address in mapped)
    network = [limit.delay(ipaddress.ip_address(f"2001:db8::{n:x}"), now=0.0, most=0.0) for n in range(int(BURST) + 10)]
    assert network.count(None) == 10


def test_who_has_no_address_is_nobody_else() -> None:
    assert client_of("") is None
