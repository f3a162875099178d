"""`top` beside nodes that do not answer, die, hang or are away: they are told, and hold up nothing."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList

from talos_resources.backends.memory import MemoryState
from talos_resources.model.errors import ConnectError
from talos_resources.model.kind import kind_of
from talos_resources.model.resource import Resource
from talos_resources.model.timestamp import Timestamp
from talos_resources.resources import KubeSpanPeerSpec, KubeSpanPeerStatus, Member, PeerState
from talos_resources.rpc.server.server import BackgroundServer
from talos_resources.sources import Cluster, open_source
from talos_resources.sources.evidence import evidence
from talos_resources.sources.following import kinds_of
from talos_resources.state.derived import update_with_conflicts
from talos_resources.tui import examining
from talos_resources.tui.app import Top
from talos_resources.tui.examining import Examining
from talos_resources.tui.travel import Travel
from tests.tui.driving import PATIENCE_S, cells, drive, peer, shown, until


def test_a_node_that_does_not_answer_is_told_beside_the_others() -> None:
    state = MemoryState()
    state.create(peer("a", state=PeerState.UP, last_handshake_time=Timestamp(time.time_ns())))

    def dead() -> MemoryState:
        raise ConnectError("10.0.0.9:50000: connection refused: nothing listens there")

    async def act(app: Top, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: "1 not followed" in shown(app, "#status"))
        await until(pilot, lambda: "connection refused" in shown(app, "#mesh-text"))
        await pilot.press("2")
        await until(pilot, lambda: len(cells(app, "#peer-table")) == 1)
        await pilot.press("n", *"two", "enter")  # that node has no types to list, which is told and no more
        await until(pilot, lambda: "node: two" in shown(app, "#status"))

    drive(Cluster({"one": lambda: state, "two": dead}, source="a test"), act)


@pytest.mark.parametrize(("nodes", "others"), [(4, "1 other node that is"), (30, "27 other nodes that are")])
def test_many_nodes_that_do_not_answer_leave_room_for_the_mesh(nodes: int, others: str) -> None:
    def dead() -> MemoryState:
        raise ConnectError("connection refused: nothing listens there")

    async def act(app: Top, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: f"{nodes} not followed" in shown(app, "#status"))
        await until(pilot, lambda: f"… and {others} not followed" in shown(app, "#mesh-text"))
        assert shown(app, "#mesh-text").count("connection refused") == 3

    drive(Cluster({f"node-{number}": dead for number in range(nodes)}, source="a test"), act)


def test_nobody_to_examine_is_told_once_in_the_doctors_tab_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examining, "AGAIN_S", 0.0)
    state, asked, is_there = MemoryState(), 0, True
    state.create(peer("a", state=PeerState.UP, last_handshake_time=Timestamp(time.time_ns())))

    def answers(*arguments: Any, **options: Any) -> Any:
        nonlocal asked
        if is_there:
            return evidence(*arguments, **options)
        asked += 1
        raise ConnectError("connection refused: nothing listens there")

    monkeypatch.setattr(examining, "evidence", answers)

    async def act(app: Top, pilot: Pilot[None]) -> None:
        nonlocal is_there
        told: list[str] = []
        monkeypatch.setattr(app, "notify", lambda text, **_options: told.append(text))
        await pilot.press("3")
        await until(pilot, lambda: app.query_one(Examining).is_done and "examining" not in shown(app, "#doctor-head"))
        said = shown(app, "#doctor-head").split("\n")[0]
        is_there = False
        await pilot.press("r")
        await until(pilot, lambda: asked > 3)
        refused = f"not examined: connection refused: nothing listens there\nbefore: {said}"
        await until(pilot, lambda: shown(app, "#doctor-head") == refused)
        is_there = True
        await until(pilot, lambda: shown(app, "#doctor-head").startswith(said))
        assert not told

    drive(Cluster({"one": lambda: state}, source="a test"), act)


def _itself(state: MemoryState) -> MemoryState:
    return state


def test_nodes_are_called_as_their_cluster_calls_them() -> None:
    """As `-n w-2` names them, in a source whose nodes are addresses."""
    states = {f"10.0.0.{number}": MemoryState() for number in (1, 2)}
    for number, state in enumerate(states.values(), 1):
        state.create(peer(f"of-{number}", state=PeerState.UP))
        for name in (1, 2):
            state.create(Resource.new(Member(hostname=f"w-{name}.example.com", addresses=(ip_address(f"10.0.0.{name}"),)), id=f"w-{name}"))
    cluster = Cluster({address: partial(_itself, state) for address, state in states.items()}, source="a test")

    async def act(app: Top, pilot: Pilot[None]) -> None:
        await pilot.press("2")
        await until(pilot, lambda: cells(app, "#peer-table"))
        [row] = cells(app, "#peer-table")
        assert "node-of-2" in row

    drive(cluster, act, travel=Travel(cluster, cluster.select(["w-2"])))


@pytest.mark.parametrize("keys", [(), ("2",), ("slash",), ("2", "enter")], ids=str)
def test_ctrl_c_ends_it_everywhere(keys: tuple[str, ...]) -> None:
    state = MemoryState()
    state.create(peer("a", state=PeerState.UP))

    async def act(app: Top, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: "links up" in shown(app, "#status"))
        if "2" in keys:
            await pilot.press("2")
            await until(pilot, lambda: cells(app, "#peer-table"))
        await pilot.press(*(key for key in keys if key != "2"))
        await until(pilot, lambda: isinstance(app.screen, ModalScreen) is ("enter" in keys))
        await pilot.press("ctrl+c")
        await until(pilot, lambda: app.return_code is not None)
        assert app.return_code == 0

    drive(Cluster({"one": lambda: state}, source="a test"), act)


def test_the_only_node_is_away_at_first(tmp_path: Path) -> None:
    state = MemoryState()
    state.create(peer("a", state=PeerState.UP))
    address = f"unix:{tmp_path}/node.sock"

    async def act(app: Top, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: "1 not followed" in shown(app, "#status"))
        await until(pilot, lambda: "no node answered" in shown(app, "#status"))
        assert "did not answer" in shown(app, "#mesh-text")
        with BackgroundServer(state, address):
            await until(pilot, lambda: "1 of 1 links up" in shown(app, "#status"))
            assert "not followed" not in shown(app, "#status")
            await until(pilot, lambda: app.query_one("#type-list", OptionList).option_count > 5)

    with open_source(f"cosi+{address}") as cluster:
        drive(cluster, act)


def test_a_node_that_dies_and_comes_back(tmp_path: Path) -> None:
    state = MemoryState()
    state.create(peer("a", state=PeerState.UP))
    address = f"unix:{tmp_path}/node.sock"
    alive = ExitStack()
    alive.enter_context(BackgroundServer(state, address))

    async def act(app: Top, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: "1 of 1 links up" in shown(app, "#status"))
        await until(pilot, lambda: len(app._live._follower._watches) == len(kinds_of(state)))
        alive.close()
        await until(pilot, lambda: "1 not followed" in shown(app, "#status"))
        assert "is not followed for now" in shown(app, "#mesh-text")
        await pilot.press("2")
        await until(pilot, lambda: len(cells(app, "#peer-table")) == 1)  # what it told last
        with BackgroundServer(state, address):
            await until(pilot, lambda: "not followed" not in shown(app, "#status"))
            update_with_conflicts(state, KubeSpanPeerStatus, "a", lambda now: now.with_spec(state=PeerState.DOWN))
            await until(pilot, lambda: [row[2] for row in cells(app, "#peer-table")][:1] == ["down"])
            texts = [happening.text for happening in app._live.happenings() if not happening.change]
        # Beside the node each of its types may be told of, if its watch ended at another moment.
        own = [text.partition(":")[0] for text in texts if text.startswith("is ")]
        assert own == ["is not followed for now", "is followed again"]

    with alive, open_source(f"cosi+{address}") as cluster:
        drive(cluster, act)


def test_a_node_that_hangs_holds_up_nothing() -> None:
    """Its answer comes when something else is shown by then; it is asked once at a time; the app ends before it answers."""
    goes_on = threading.Event()
    asked: list[str] = []

    class Hanging(MemoryState):
        def list(self, kind: Any, **options: Any) -> Any:
            if "Identit" in (name := kind_of(kind).type):
                asked.append(name)
                goes_on.wait(PATIENCE_S)
            return super().list(kind, **options)

    state = Hanging()
    state.create(peer("a", state=PeerState.UP))

    async def act(app: Top, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: app.query_one("#type-list", OptionList).option_count > 5)
        await choose(app, pilot, "kubespanidentit")
        await until(pilot, lambda: asked)
        for count in (1, 2, 3):
            update_with_conflicts(state, KubeSpanPeerStatus, "a", lambda now: now.with_spec(receive_bytes=count))  # noqa: B023
            revision = app._live.revision
            await until(pilot, lambda: app._live.revision >= revision and app._revision == app._live.revision)  # noqa: B023
        assert len(asked) == 1
        await choose(app, pilot, "kubespanpeerstatus")
        await until(pilot, lambda: cells(app, "#resource-table") and cells(app, "#resource-table")[0][0] == "a")
        await pilot.press("q")
        await until(pilot, lambda: app.return_code is not None)

    async def choose(app: Top, pilot: Pilot[None], part: str) -> None:
        app.query_one("#type-filter", Input).value = ""
        await pilot.press("5", "slash", *part)
        await until(pilot, lambda: app.query_one("#type-list", OptionList).option_count == 1)
        await pilot.press("enter", "down", "enter")

    drive(Cluster({"one": lambda: state}, source="a test"), act)
    assert not goes_on.is_set()
    goes_on.set()


def test_nothing_is_absent_before_it_was_read() -> None:
    gate = threading.Event()

    def slow() -> MemoryState:
        gate.wait(PATIENCE_S)
        return MemoryState()

    with Cluster({"cp-1": slow}, source="test") as cluster:

        async def use(app: Top, pilot: Pilot[None]) -> None:
            await until(pilot, lambda: "reading 1 of 1 nodes" in shown(app, "#status"))
            assert "no node answered" not in shown(app, "#mesh-text")
            gate.set()
            await until(pilot, lambda: "reading" not in shown(app, "#status"))
            assert "there are no KubeSpan peers here" in shown(app, "#status")

        drive(cluster, use)


class Late(MemoryState):
    """Tells everything but its peers, and those when the gate is open."""

    def __init__(self, gate: threading.Event) -> None:
        super().__init__()
        self._gate = gate

    def watch_kind(self, kind: Any, **options: Any) -> Any:
        if kind_of(kind).type == kind_of(KubeSpanPeerStatus).type:
            self._gate.wait(PATIENCE_S)
        return super().watch_kind(kind, **options)


def test_what_is_still_being_read_is_no_fault() -> None:
    """Peers that are known and whose statuses have not come yet are not links that are unknown."""
    gate = threading.Event()
    late, state = Late(gate), MemoryState()
    state.create(peer("a", state=PeerState.UP))
    late.create(peer("b", state=PeerState.UP))
    late.create(Resource.new(KubeSpanPeerSpec(label="node-b"), id="b"))

    async def act(app: Top, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: "KubeSpanPeerSpecs.kubespan.talos.dev" in app._live._known["two"].held)
        await until(pilot, lambda: "1 of 1 links up" in shown(app, "#status"))
        assert shown(app, "#status").startswith("reading 1 of 2 nodes   so far: ")
        assert "not complete: 1 node still being read" in shown(app, "#mesh-text")
        assert "answer" not in shown(app, "#mesh-text")
        gate.set()
        await until(pilot, lambda: "2 of 2 links up" in shown(app, "#status"))
        assert "so far" not in shown(app, "#status")
        assert "not complete" not in shown(app, "#mesh-text")

    drive(Cluster({"one": lambda: state, "two": lambda: late}, source="a test"), act)
