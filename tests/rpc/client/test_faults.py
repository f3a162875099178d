"""Connections that break in every way: every event is accounted for."""

from __future__ import annotations

import queue
import random
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from talos_resources.backends.memory import MemoryState
from talos_resources.model.errors import ConnectError, TalosResourcesError
from talos_resources.model.resource import Resource
from talos_resources.resources import KubeSpanPeerStatus
from talos_resources.rpc.client.connect import Endpoints, connect_plain
from talos_resources.rpc.server.server import BackgroundServer
from talos_resources.sources.away import Interruptible
from talos_resources.state.events import Created
from tests.rpc.client.events_seen import Ledger


class Proxy:
    """Passes bytes on, in pieces of any size, until it is told to cut."""

    def __init__(self, target: str, *, piece: int = 65536, budget: Callable[[], int | None] = lambda: None) -> None:
        """Listens.

        Args:
            target: `HOST:PORT` to pass on to.
            piece: bytes at a time, at most.
            budget: bytes that a new connection may bring from the target before it is cut; None for no limit.
        """
        self._target = target
        self._piece = piece
        self._budget = budget
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.half_close = False
        self._threads.append(threading.Thread(target=self._accept, daemon=True))
        self._threads[0].start()

    def cut(self) -> None:
        """Resets all connections."""
        with self._lock:
            sockets = tuple(self._sockets)
        for each in sockets:
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self) -> None:
        if self._listener.fileno() != -1:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
        self.cut()
        for thread in self._threads:
            thread.join(30)
        for each in self._sockets:
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            host, _, port = self._target.rpartition(":")
            try:
                server = socket.create_connection((host, int(port)))
            except OSError:
                client.close()
                continue
            with self._lock:
                self._sockets += [client, server]
            for arguments in ((client, server, None), (server, client, self._budget())):
                self._threads.append(threading.Thread(target=self._pass, args=arguments, daemon=True))
                self._threads[-1].start()

    def _pass(self, source: socket.socket, sink: socket.socket, budget: int | None) -> None:
        passed = 0
        try:
            while data := source.recv(self._piece):
                passed += len(data)
                if budget is not None and passed > budget:
                    break
                sink.sendall(data)
        except OSError:
            pass
        for each in (sink,) if self.half_close else (source, sink):
            try:
                each.shutdown(socket.SHUT_WR if self.half_close else socket.SHUT_RDWR)
            except OSError:
                pass


@pytest.fixture
def proxied() -> Iterator[Callable[..., tuple[MemoryState, Any, Proxy]]]:
    closing: list[Any] = []

    def start(**options: Any) -> tuple[MemoryState, Any, Proxy]:
        state = MemoryState(capacity=100_000, gap=0)
        server = BackgroundServer(state, "127.0.0.1:0")
        proxy = Proxy(server.address, **options)
        client = connect_plain(proxy.address, timeout=30)
        closing.extend([client, proxy, server])
        return state, client, proxy

    yield start
    for item in closing:
        item.close()


def fill(state: MemoryState, count: int) -> None:
    for number in range(count):
        state.create(Resource.new(KubeSpanPeerStatus(label="x" * 200), id=f"{number:05}"))


@pytest.mark.parametrize("piece", [1, 7, 1000])
def test_bytes_may_come_in_any_pieces(proxied: Any, piece: int) -> None:
    state, client, _ = proxied(piece=piece)
    fill(state, 20)
    assert client.list(KubeSpanPeerStatus) == state.list(KubeSpanPeerStatus)


@pytest.mark.parametrize("half_close", [False, True])
def test_a_list_that_is_cut_is_an_error_never_a_part(proxied: Any, half_close: bool) -> None:
    dice = random.Random(7)
    state, client, proxy = proxied(budget=lambda: dice.randrange(100, 120_000))
    proxy.half_close = half_close
    fill(state, 300)
    whole = state.list(KubeSpanPeerStatus)
    outcomes = set()
    for _ in range(30):
        try:
            assert client.list(KubeSpanPeerStatus) == whole
            outcomes.add("whole")
        except ConnectError as error:
            assert "127.0.0.1" in str(error)
            outcomes.add("error")
    assert outcomes == {"whole", "error"} or outcomes == {"error"}


def test_watches_go_on_from_the_bookmark_when_the_connection_is_cut(proxied: Any) -> None:
    state, client, proxy = proxied()
    fill(state, 5)
    ledger = Ledger()
    with client.watch_kind(KubeSpanPeerStatus) as watch:
        for _ in range(10):
            for resource in state.list(KubeSpanPeerStatus):
                state.update(resource.with_spec(receive_bytes=resource.spec.receive_bytes + 1))
            proxy.cut()
            ledger.follow(watch, lambda: ledger.known == {r.id: r for r in state.list(KubeSpanPeerStatus)})


def test_a_second_endpoint_takes_over(proxied: Any) -> None:
    state, _, proxy = proxied()
    with BackgroundServer(state, "127.0.0.1:0") as second:
        client = Endpoints([proxy.address, second.address], timeout=30).node()
        fill(state, 2)
        assert len(client.list(KubeSpanPeerStatus)) == 2
        proxy.close()
        assert len(client.list(KubeSpanPeerStatus)) == 2
        client.close()


def test_whoever_asks_is_told_of_interruptions() -> None:
    told: list[TalosResourcesError] = []
    heard = threading.Event()

    def tell(error: TalosResourcesError) -> None:
        told.append(error)
        heard.set()

    state = MemoryState()
    with BackgroundServer(state, "127.0.0.1:0") as server:
        proxy = Proxy(server.address)
        client = connect_plain(proxy.address, timeout=30, on_interruption=tell)
        with client.watch_kind(KubeSpanPeerStatus) as watch:
            watch.next(30)
            proxy.cut()
            assert heard.wait(30)
            assert isinstance(told[0], ConnectError)
            state.create(Resource.new(KubeSpanPeerStatus(), id="a"))
            assert isinstance(watch.next(30), Created)
        client.close()
        proxy.close()


def test_a_watch_tells_that_it_is_interrupted_and_goes_on(tmp_path: Path) -> None:
    told: queue.Queue[TalosResourcesError | None] = queue.Queue()
    state = MemoryState()
    address = f"unix:{tmp_path}/state.sock"
    with BackgroundServer(state, address):
        client = connect_plain(address, timeout=30)
        watch = client.watch_kind(KubeSpanPeerStatus)
        assert isinstance(watch, Interruptible)
        watch.next(30)
    late: queue.Queue[TalosResourcesError | None] = queue.Queue()
    watch.tell_interruptions(told.put)
    assert isinstance(told.get(timeout=30), TalosResourcesError)
    watch.tell_interruptions(late.put)  # at once, for it is interrupted
    assert isinstance(late.get(timeout=30), TalosResourcesError)
    again = MemoryState()  # it knows nothing of the bookmark, and tells all anew
    again.create(Resource.new(KubeSpanPeerStatus(), id="a"))
    with BackgroundServer(again, address):
        assert isinstance(watch.next(30), Created)
        while not late.empty():
            assert late.get() is not None, "it goes on when what was missed has been taken and more is asked for"
        with pytest.raises(TimeoutError):
            watch.next(0.5)
        assert late.get(timeout=30) is None
        watch.close()
        client.close()
