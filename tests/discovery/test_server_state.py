"""What the service keeps in a state: restarts, other servers, clocks that were set."""

from __future__ import annotations

from pathlib import Path

import pytest

from talos_resources.backends.memory import MemoryState
from talos_resources.discovery.messages import (
    SealedAffiliate,
)
from talos_resources.discovery.server.record import DiscoveryRecord
from talos_resources.discovery.server.server import DiscoveryServer
from talos_resources.rpc.server.server import BackgroundServer
from talos_resources.sources import open_source
from tests.discovery.asking import Asking, S, Times
from tests.discovery.conftest import LONG, MakeClient, at, node

DAY = 86_400


def started(state: MemoryState, times: Times) -> DiscoveryServer:
    return DiscoveryServer(state=state, now=lambda: times.seconds, wall=lambda: times.of_day)


def test_what_is_kept_in_a_state_survives_a_restart_and_expires_when_it_would_have() -> None:
    state, times = MemoryState(), Times()
    with started(state, times) as server:
        ask = Asking(server.address)
        ask.update("a", b"data", b"endpoint", b"short")
        ask.update("b", None, b"endpoint", ttl=60)
        ask.update("gone", b"data", ttl=30)
        ask.close()
    times.pass_by(45)
    times.seconds = 5.0  # another start of the machine
    with started(state, times) as server:
        ask = Asking(server.address)
        assert sorted(one.id for one in ask.listed()) == ["a", "b"]
        assert {one.id: one for one in ask.listed()}["a"] == SealedAffiliate(id="a", data=b"data", endpoints=(b"endpoint", b"short"))
        times.pass_by(20)
        server.collect()
        assert [one.id for one in ask.listed()] == ["a"]
        ask.close()
    assert [record.spec.affiliate_id for record in state.list(DiscoveryRecord)] == ["a"]


@pytest.mark.parametrize(("jump", "left"), [(-DAY, ["a"]), (DAY, [])], ids=["back", "forward"])
def test_a_clock_that_was_set_while_the_service_was_down(jump: int, left: list[str]) -> None:
    state, times = MemoryState(), Times()
    with started(state, times) as server:
        ask = Asking(server.address)
        ask.update("a", b"data")
        ask.close()
    times.of_day += jump * S
    with started(state, times) as server:
        ask = Asking(server.address)
        assert [one.id for one in ask.listed()] == left
        times.pass_by(1801)
        server.collect()
        assert ask.listed() == []
        ask.close()
    assert list(state.list(DiscoveryRecord)) == []


def test_a_clock_that_jumps_expires_everything_at_once_and_nothing_twice(make_client: MakeClient) -> None:
    times = Times()
    with DiscoveryServer(now=lambda: times.seconds) as server:
        alder, birch = make_client("alder", server.address), make_client("birch", server.address)
        alder.set_local(node("alder"), [at(1)])
        assert birch.wait(lambda: "alder" in birch.affiliates, timeout=LONG)
        times.pass_by(DAY)
        server.collect()
        assert birch.wait(lambda: not birch.affiliates, timeout=LONG)
        alder.set_local(node("alder", hostname="again"), [at(1)])
        assert birch.wait(lambda: "alder" in birch.affiliates, timeout=LONG)


def test_a_state_on_another_server_keeps_it_too(tmp_path: Path) -> None:
    with (
        BackgroundServer(MemoryState(), f"unix:{tmp_path}/state.sock") as database,
        open_source(f"cosi+unix:{tmp_path}/state.sock") as kept,
    ):
        for expected in ([], ["a"]):
            with DiscoveryServer(state=kept.state(kept.select()[0])) as server:
                ask = Asking(server.address)
                assert [one.id for one in ask.listed()] == expected
                ask.update("a", b"data", b"endpoint")
                ask.close()
        assert database.address
