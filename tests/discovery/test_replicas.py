"""Several servers on one state are one service: whoever talks to any of them sees what was said to all."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from random import Random

import pytest

from talos_resources.backends.memory import MemoryState
from talos_resources.discovery.messages import (
    DELETE,
    WATCH,
    ClusterRequest,
    DeleteRequest,
    SealedAffiliate,
    WatchResponse,
)
from talos_resources.discovery.server.record import DiscoveryRecord, gone, mark, name
from talos_resources.discovery.server.registry import MAX_ENDPOINTS
from talos_resources.discovery.server.server import DiscoveryServer
from talos_resources.discovery.server.store import OWNER
from talos_resources.discovery.wire import decode, encode
from talos_resources.rpc.client.call import Channel
from talos_resources.rpc.server.server import BackgroundServer
from talos_resources.rpc.status import Code, RpcError
from talos_resources.rpc.transport.http2 import Http2Transport
from talos_resources.sources import open_source
from talos_resources.state.contract import State
from talos_resources.state.derived import update_with_conflicts
from tests.discovery.asking import Asking, Times
from tests.discovery.conftest import LONG, MakeClient, at, node

Told = tuple[bool, str, bytes, tuple[bytes, ...]]
"""Whether it was deleted, and of whom what was said."""


class Watching:
    """All that a watcher of a server is told."""

    def __init__(self, address: str, cluster: str = "c") -> None:
        self._transport = Http2Transport(address)
        self.told: list[Told] = []
        self._news = threading.Condition()
        self._stream = Channel((self._transport,)).stream(WATCH, encode(ClusterRequest(cluster_id=cluster)))
        self._first = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._first.wait(LONG)

    def _run(self) -> None:
        try:
            for messages in self._stream:
                for response in (decode(WatchResponse, message) for message in messages):
                    with self._news:
                        self.told += [(response.deleted, one.id, one.data, one.endpoints) for one in response.affiliates]
                        self._news.notify_all()
                    self._first.set()
        except Exception:  # noqa: BLE001 - the test has closed it
            return

    def wait(self, count: int) -> list[Told]:
        with self._news:
            assert self._news.wait_for(lambda: len(self.told) >= count, LONG), self.told
            return list(self.told)

    def close(self) -> None:
        self._stream.close()
        self._thread.join(LONG)
        self._transport.close()


class Replicas:
    """Servers on one state, with the times of a test."""

    def __init__(self, stack: ExitStack, state: State, count: int = 3) -> None:
        self.times = Times()
        self.state = state
        self.servers = [
            stack.enter_context(
                DiscoveryServer(state=state, now=lambda: self.times.seconds, wall=lambda: self.times.of_day, gc_interval_s=3600)
            )
            for _ in range(count)
        ]
        self.asks = [Asking(server.address) for server in self.servers]
        self.watches = [Watching(server.address) for server in self.servers]
        for ask in self.asks:
            stack.callback(ask.close)
        for watch in self.watches:
            stack.callback(watch.close)

    def told(self, count: int) -> list[Told]:
        """What every watcher was told, which is the same."""
        each = [watch.wait(count) for watch in self.watches]
        assert all(told == each[0] for told in each)
        return each[0]


@pytest.fixture
def replicas() -> Iterator[Replicas]:
    with ExitStack() as stack:
        yield Replicas(stack, MemoryState())


def test_what_is_said_to_one_is_seen_at_all(replicas: Replicas) -> None:
    first, second, third = replicas.asks
    first.update("a", b"data", b"endpoint")
    replicas.told(1)
    assert second.listed() == third.listed() == [SealedAffiliate(id="a", data=b"data", endpoints=(b"endpoint",))]
    second.update("a", None, b"seen")
    third.update("a", b"again")
    third(DELETE, DeleteRequest(cluster_id="c", affiliate_id="a"))
    third(DELETE, DeleteRequest(cluster_id="c", affiliate_id="a"))
    assert replicas.told(4) == [
        (False, "a", b"data", (b"endpoint",)),
        (False, "a", b"data", (b"endpoint", b"seen")),
        (False, "a", b"again", (b"endpoint", b"seen")),
        (True, "a", b"", ()),
    ]
    assert [ask.listed() for ask in replicas.asks] == [[], [], []]
    assert list(replicas.state.list(DiscoveryRecord)) == []


def test_what_was_written_is_read_at_once_where_it_was_written(replicas: Replicas) -> None:
    for number in range(50):
        ask = replicas.asks[number % 3]
        ask.update(f"n{number}", b"data")
        assert f"n{number}" in {one.id for one in ask.listed()}


def test_who_is_refreshed_at_one_does_not_expire_at_another(replicas: Replicas) -> None:
    first, second, _ = replicas.asks
    first.update("a", b"data", b"old", ttl=60)
    first.update("gone", b"data", ttl=60)
    replicas.told(2)
    replicas.times.pass_by(50)
    second.update("a", None, b"new", ttl=60)
    replicas.told(3)
    replicas.times.pass_by(20)
    for server in replicas.servers:
        server.collect()
    told = replicas.told(5)[3:]
    assert sorted(told) == [(False, "a", b"data", (b"new",)), (True, "gone", b"", ())]
    replicas.times.pass_by(60)
    for server in reversed(replicas.servers):
        server.collect()
    assert replicas.told(6)[5:] == [(True, "a", b"", ())]
    assert list(replicas.state.list(DiscoveryRecord)) == []
    assert len(replicas.told(6)) == 6


def test_an_affiliate_that_comes_back_while_it_is_removed_stays(replicas: Replicas) -> None:
    """Another server has said that it is gone, and is slow to destroy the record."""
    first, second, _ = replicas.asks
    first.update("a", b"data")
    held = replicas.state.get(DiscoveryRecord, name("c", "a"))
    update_with_conflicts(replicas.state, DiscoveryRecord, held.id, gone, owner=OWNER)
    replicas.told(2)
    second.update("a", b"back")
    with pytest.raises(Exception, match="finalizers"):
        replicas.state.destroy(DiscoveryRecord, held.id, owner=OWNER)
    assert replicas.told(3)[1:] == [(True, "a", b"", ()), (False, "a", b"back", ())]
    assert mark(replicas.state.get(DiscoveryRecord, held.id))[0] == mark(held)[0]


def test_what_is_said_at_once_is_all_kept(replicas: Replicas) -> None:
    """Sixty reports of one node's endpoints, through three servers at the same time."""

    def report(which: int) -> None:
        ask = Asking(replicas.servers[which].address)
        for number in range(20):
            ask.update("a", None, b"%d-%d" % (which, number))
        ask.close()

    threads = [threading.Thread(target=report, args=(which,)) for which in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG)
    told = replicas.told(60)
    assert len(told) == 60
    assert len(told[-1][3]) == 60
    with pytest.raises(RpcError) as refused:
        replicas.asks[0].update("a", None, *(b"more-%d" % number for number in range(MAX_ENDPOINTS)))
    assert refused.value.code == Code.RESOURCE_EXHAUSTED
    assert len(replicas.told(61)[-1][3]) == MAX_ENDPOINTS


def test_a_server_that_starts_later_knows_all_and_tells_nothing_twice(replicas: Replicas) -> None:
    replicas.asks[0].update("a", b"data", b"endpoint")
    with DiscoveryServer(state=replicas.state, now=lambda: replicas.times.seconds, wall=lambda: replicas.times.of_day) as late:
        ask, watch = Asking(late.address), Watching(late.address)
        assert [one.id for one in ask.listed()] == ["a"]
        replicas.asks[1].update("b", b"data")
        assert watch.wait(2) == [(False, "a", b"data", (b"endpoint",)), (False, "b", b"data", ())]
        ask.close()
        watch.close()
    assert len(replicas.told(2)) == 2


def test_a_state_that_is_away(tmp_path: Path) -> None:
    """Reads go on from memory, changes are refused, and afterwards nothing is told twice."""
    kept, address = MemoryState(), f"unix:{tmp_path}/state.sock"
    database = BackgroundServer(kept, address)
    with open_source(f"cosi+{address}", timeout=2) as source, ExitStack() as stack:
        replicas = Replicas(stack, source.state(source.select()[0]), 2)
        first, second = replicas.asks
        first.update("a", b"data", ttl=60)
        replicas.told(1)
        database.close()
        with pytest.raises(RpcError) as refused:
            second.update("b", b"data")
        assert refused.value.code == Code.UNAVAILABLE
        assert "try again" in str(refused.value)
        replicas.times.pass_by(120)
        replicas.servers[0].collect()
        assert [one.id for one in first.listed()] == ["a"], "nobody knows whether another server was told of it"
        database = BackgroundServer(kept, address)
        stack.callback(database.close)
        deadline = time.monotonic() + LONG
        while True:
            try:
                second.update("b", b"data")
            except RpcError:
                assert time.monotonic() < deadline
                time.sleep(0.2)
            else:
                break
        replicas.told(2)
        replicas.servers[1].collect()
        assert replicas.told(3) == [(False, "a", b"data", ()), (False, "b", b"data", ()), (True, "a", b"", ())]


def test_clients_of_different_servers_find_each_other(replicas: Replicas, make_client: MakeClient) -> None:
    clients = {name: make_client(name, server.address) for name, server in zip(("alder", "birch", "cedar"), replicas.servers, strict=True)}
    for number, (name_, client) in enumerate(clients.items()):
        client.set_local(node(name_), [at(number + 1)])
    for name_, client in clients.items():
        others = set(clients) - {name_}
        assert client.wait(lambda client=client, others=others: set(client.affiliates) == others, timeout=LONG)  # type: ignore[misc]


def test_a_client_of_several_servers_goes_on_at_another(make_client: MakeClient) -> None:
    state = MemoryState()
    with DiscoveryServer(state=state) as first, DiscoveryServer(state=state) as second:
        alder = make_client("alder", (first.address, second.address))
        birch = make_client("birch", second.address)
        alder.set_local(node("alder"), [at(1)])
        assert birch.wait(lambda: "alder" in birch.affiliates, timeout=LONG)
        first.close()
        birch.set_local(node("birch"), [at(2)])
        assert alder.wait(lambda: "birch" in alder.affiliates, timeout=LONG)
        assert alder.status.endpoint == second.address


def test_random_walk(replicas: Replicas) -> None:
    """Whatever happens at whichever server, all know the same in the end, and it is what the state has."""
    random = Random(7)
    for _ in range(150):
        ask = random.choice(replicas.asks)
        who = f"n{random.randrange(8)}"
        match random.randrange(6):
            case 0:
                ask(DELETE, DeleteRequest(cluster_id="c", affiliate_id=who))
            case 1:
                replicas.times.pass_by(random.choice([1, 30, 61]))
                random.choice(replicas.servers).collect()
            case _:
                ask.update(who, random.choice([None, b"x", b"y"]), *random.sample([b"1", b"2", b"3"], random.randrange(3)), ttl=60)
    deadline = time.monotonic() + LONG
    while True:
        views = [{one.id: one for one in ask.listed()} for ask in replicas.asks]
        records = {record.spec.affiliate_id: record.spec for record in replicas.state.list(DiscoveryRecord)}
        if views[0] == views[1] == views[2] and set(views[0]) == set(records):
            break
        assert time.monotonic() < deadline, (views, records)
    for who, one in views[0].items():
        assert one.data == records[who].data
        assert set(one.endpoints) == {kept.sealed for kept in records[who].endpoints}
    assert all(watch.told == replicas.watches[0].told for watch in replicas.watches)
