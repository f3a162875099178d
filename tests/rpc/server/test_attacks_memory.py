"""What strangers have a server hold: bounded, and freed when they are gone."""

from __future__ import annotations

import gc
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from h2.settings import SettingCodes

from talos_resources._generated import cosi_resource_pb2 as pb
from talos_resources.backends.memory import MemoryState
from talos_resources.backends.sqlite.state import SqliteState
from talos_resources.model.errors import NotFoundError
from talos_resources.model.resource import Resource
from talos_resources.resources import KubeSpanPeerStatus, Member
from talos_resources.rpc.client.connect import connect_plain
from talos_resources.rpc.client.state import RemoteState
from talos_resources.rpc.framing import frame
from talos_resources.rpc.server.call import Call
from talos_resources.rpc.server.server import BackgroundServer
from talos_resources.testing.conformance.parts import told
from tests.rpc.server.attacking import EVERYTHING, LIMITS, STRANGER, Attack, held, settled
from tests.rpc.server.raw import LIST, WATCH, Raw


@pytest.mark.parametrize("window", [0, 1])
def test_answers_that_nobody_takes_are_not_made(server: BackgroundServer, client: RemoteState, attack: Attack, window: int) -> None:
    raws = [attack(INITIAL_WINDOW_SIZE=window) for _ in range(3)]
    for raw in raws:
        for _ in range(100):
            raw.request(LIST, EVERYTHING)
    for _ in range(5):
        assert len(client.list(KubeSpanPeerStatus)) == 3000
        assert held(server)[1] <= (0 if window == 0 else LIMITS.answers_bytes // 4)
    for raw in raws:
        raw.socket.close()
    assert settled(lambda: held(server) == (0, 0))


def test_what_a_lost_connection_held_is_freed_at_once(state: MemoryState) -> None:
    def calls() -> int:
        return sum(type(found) is Call for found in gc.get_objects())

    with BackgroundServer(state, "127.0.0.1:0") as server:
        raw = Raw(server.address, settings={SettingCodes.INITIAL_WINDOW_SIZE: 0})
        gc.collect()
        gc.disable()  # nothing may wait for it
        try:
            before = calls()
            for _ in range(90):
                raw.request(LIST, EVERYTHING)
            assert settled(lambda: calls() >= before + 90)
            raw.socket.close()
            assert settled(lambda: calls() <= before)
        finally:
            gc.enable()


def test_what_is_announced_takes_nothing_from_others(server: BackgroundServer, client: RemoteState, attack: Attack) -> None:
    raw = attack()
    for _ in range(90):
        raw.request(LIST, b"\0\0\x40\0\0" + bytes(80), end=False)
    assert settled(lambda: held(server)[0] == 0 or held(server)[0] <= 90 * 80)
    with pytest.raises(NotFoundError):
        client.get(Member, "x" * 100_000)
    with pytest.raises(Exception, match="no member"):  # a request of 2 MB is read to its end
        client.update(Resource.new(Member(hostname="x" * (1 << 20)), id="no member"))


def test_one_client_sends_its_share_at_most(server: BackgroundServer, client: RemoteState, attack: Attack) -> None:
    raw = attack()
    raw.socket.settimeout(2)
    with suppress(OSError, Exception):
        for _ in range(20):
            raw.request(LIST, b"\0\0\x40\0\0" + bytes(60_000), end=False)
    assert held(server)[0] <= LIMITS.requests_bytes // 4
    assert len(client.list(KubeSpanPeerStatus)) == 3000


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_nothing_that_is_only_named_outlives_its_call(kind: str, tmp_path: Path) -> None:
    with ExitStack() as stack:
        state: Any = stack.enter_context(MemoryState() if kind == "memory" else SqliteState(tmp_path / "state.db"))
        server = stack.enter_context(BackgroundServer(state, "127.0.0.1:0"))
        raw = Raw(server.address, source=STRANGER)
        stack.callback(raw.socket.close)
        for n in range(50):
            request = pb.WatchRequest(namespace=f"made up {n}", type="T", api_version=1)
            stream = raw.request(WATCH, frame(request.SerializeToString()))
            raw.subscribed()
            raw.h2.reset_stream(stream)
            raw.flush()
        request = pb.WatchRequest(namespace="x" * 1001, type="T", api_version=1)
        assert raw.answer(raw.request(WATCH, frame(request.SerializeToString())))["grpc-status"] == "3"
        assert settled(lambda: not (state._awaited or state._namespaces if kind == "memory" else state._tail._rings))
        # And who watches before anything is written is told of it.
        with connect_plain(server.address, timeout=30) as honest, honest.watch_kind(Member, bootstrap=False) as events:
            with honest.watch_kind(Member, bootstrap=False):
                pass
            state.create(Resource.new(Member(), id="a"))
            assert told(events, 1) == ["+a1"]
