"""`top`, driven: what it shows, its keys, nodes that die, secrets."""

from __future__ import annotations

import asyncio
import os
import pty
import select
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from rich.text import Text
from textual.pilot import Pilot
from textual.widgets import Footer, Input, OptionList, Static

from talos_resources.backends.memory import MemoryState
from talos_resources.cli.main import main
from talos_resources.model.errors import ConnectError
from talos_resources.model.kind import kind_of
from talos_resources.model.net import AddrPort
from talos_resources.model.resource import Resource
from talos_resources.model.timestamp import Timestamp
from talos_resources.resources import KubeSpanIdentity, KubeSpanPeerSpec, KubeSpanPeerStatus, PeerState
from talos_resources.rpc.server.server import BackgroundServer
from talos_resources.sources import Cluster, open_source
from talos_resources.sources.following import kinds_of
from talos_resources.state.derived import update_with_conflicts
from talos_resources.tui.app import Top
from talos_resources.tui.live import Live
from talos_resources.tui.parts import TextScreen, sparkline
from talos_resources.tui.rows import Rows

PATIENCE_S = 30.0
SECRET = "gNoasoKOJzl+/B+uXhvsBVxv81OcVLrlcmQ5jQwZO08="


def peer(id: str, **fields: Any) -> Resource[KubeSpanPeerStatus]:
    return Resource.new(KubeSpanPeerStatus(label=f"node-{id}", **fields), id=id)


def drive(cluster: Cluster, act: Callable[[Top, Pilot[None]], Awaitable[None]], *, size: tuple[int, int] = (80, 24)) -> None:
    """Runs the app without a terminal and does something with it."""

    async def go() -> None:
        app = Top(Live(cluster, cluster.nodes))
        async with app.run_test(size=size) as pilot:
            await act(app, pilot)

    asyncio.run(go())


async def until(pilot: Pilot[None], holds: Callable[[], object]) -> None:
    """Waits until the app shows something."""
    end = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < end, "it never came"
        await pilot.pause(0.05)


def shown(app: Top, where: str) -> str:
    """The text of a static part."""
    return str(app.screen.query_one(where, Static).render())


def cells(app: Top, table: str) -> list[list[str]]:
    found = app.query_one(table, Rows)
    return [found.texts(index) for index in range(found.row_count)]


def test_the_demo_at_80_by_24() -> None:
    async def act(app: Top, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: "20 of 20 links up" in shown(app, "#status"))
        await until(pilot, lambda: "talos-default-worker-2" in shown(app, "#mesh-text"))
        await pilot.press("2")
        await until(pilot, lambda: len(cells(app, "#peer-table")) == 20)
        # Nothing is pushed out: the summary on the first line, the keys on the last.
        assert app.screen.max_scroll_y == 0
        assert app.query_one("#status").region.y == 0
        assert app.query_one(Footer).region.y == 23
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, TextScreen))
        assert "receiveBytes: " in shown(app, "#text")
        await pilot.press("escape")
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, TextScreen))
        assert "lastHandshakeTime" in shown(app, "#text")
        await pilot.press("escape", "q")

    with open_source("demo") as cluster:
        drive(cluster, act)


def test_what_happens_is_shown_where_the_cursor_stays() -> None:
    state = MemoryState()
    endpoint = AddrPort.parse("10.0.0.1:51820")
    for name in "abc":
        state.create(peer(name, state=PeerState.UP, endpoint=endpoint))

    async def act(app: Top, pilot: Pilot[None]) -> None:
        await pilot.press("2")
        await until(pilot, lambda: len(cells(app, "#peer-table")) == 3)
        table = app.query_one("#peer-table", Rows)
        table.move_cursor(1)
        update_with_conflicts(state, KubeSpanPeerStatus, "b", lambda now: now.with_spec(receive_bytes=10**6))
        await until(pilot, lambda: cells(app, "#peer-table")[1][5] not in {"-", "0 B/s"})
        assert table.cursor == 1
        # The one that goes down comes to the top, and the cursor with it.
        update_with_conflicts(state, KubeSpanPeerStatus, "b", lambda now: now.with_spec(state=PeerState.DOWN))
        await until(pilot, lambda: cells(app, "#peer-table")[0][1:3] == ["node-b", "down"])
        assert table.cursor == 0
        state.destroy(KubeSpanPeerStatus, "a")
        await until(pilot, lambda: len(cells(app, "#peer-table")) == 2)
        texts = [happening.text for happening in app._live.happenings()]
        assert texts == ["state: up → down", "destroyed"]

    drive(Cluster({"one": lambda: state}, source="a test"), act)


def test_every_type_can_be_browsed_and_secrets_are_hidden() -> None:
    state = MemoryState()
    state.create(Resource.new(KubeSpanIdentity(private_key=SECRET, public_key="public"), id="local"))

    async def act(app: Top, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: app.query_one("#type-list", OptionList).option_count > 5)
        await pilot.press("slash", *"kubespanidentit")
        await until(pilot, lambda: app.query_one("#type-list", OptionList).option_count == 1)
        assert app.query_one("#type-filter", Input).value == "kubespanidentit"
        await pilot.press("enter", "down", "enter")
        await until(pilot, lambda: cells(app, "#resource-table") and cells(app, "#resource-table")[0][0] == "local")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, TextScreen))
        assert "privateKey: <REDACTED>" in shown(app, "#text")
        await pilot.press("s")
        await until(pilot, lambda: f"privateKey: {SECRET}" in shown(app, "#text"))
        await pilot.press("s")
        await until(pilot, lambda: SECRET not in shown(app, "#text"))
        await pilot.press("escape", "e")
        await until(pilot, lambda: isinstance(app.screen, TextScreen))
        assert "KubeSpanIdentity" in shown(app, "#text")

    drive(Cluster({"one": lambda: state}, source="a test"), act)


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
        await pilot.press("n")  # that node has no types to list, which is told and no more
        await until(pilot, lambda: "node: two" in shown(app, "#status"))

    drive(Cluster({"one": lambda: state, "two": dead}, source="a test"), act)


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
        await until(pilot, lambda: isinstance(app.screen, TextScreen) is ("enter" in keys))
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
        assert "no node answered" in shown(app, "#mesh-text")
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
            await until(pilot, lambda: cells(app, "#peer-table")[0][2] == "down")
            texts = [happening.text for happening in app._live.happenings() if not happening.change]
        assert [text.partition(":")[0] for text in texts] == ["is not followed for now", "is followed again"]

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
        await pilot.press("slash", *part)
        await until(pilot, lambda: app.query_one("#type-list", OptionList).option_count == 1)
        await pilot.press("enter", "down", "enter")

    drive(Cluster({"one": lambda: state}, source="a test"), act)
    assert not goes_on.is_set()
    goes_on.set()


def test_sparklines() -> None:
    assert sparkline([0, 1, 4, 8], 6) == "   ▁▄█"
    assert sparkline([], 3) == "   "
    assert sparkline([0, 0], 3) == "   "
    assert sparkline(range(9), 4) == "▅▆▇█"


def test_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["top", "--from", "demo"]) == 1
    assert "top needs a terminal" in capsys.readouterr().err


def test_without_textual(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "textual"]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, "talos_resources.tui.app", raising=False)
    assert main(["top", "--from", "demo"]) == 1
    assert "pip install 'talos-resources[tui]'" in capsys.readouterr().err


def test_on_a_real_terminal(tmp_path: Path) -> None:
    """A process on a terminal of 80 by 24: it draws the mesh, and q gives the terminal back."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "HOME": str(tmp_path), "COLUMNS": "80", "LINES": "24"}
    command = [sys.executable, "-m", "talos_resources", "top", "--from", "demo"]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as process:
        os.close(theirs)
        written = b""
        asked = False
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if select.select([ours], [], [], 1.0)[0]:
                try:
                    written += os.read(ours, 65536)
                except OSError:  # it has gone
                    break
            if not asked and b"links up" in written:
                asked = True
                os.write(ours, b"q")
        assert process.wait(60) == 0
    os.close(ours)
    assert asked
    assert b"\x1b[?1049h" in written  # the alternate screen, entered
    assert b"\x1b[?1049l" in written  # and left


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


@pytest.mark.parametrize("width", [80, 120])
def test_columns_are_as_wide_as_what_is_in_them(width: int) -> None:
    async def act(app: Top, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: app.query_one("#type-list", OptionList).option_count > 5)
        await pilot.press("slash", *"kubespanpeerstatus", "enter", "enter")
        table = app.query_one("#resource-table", Rows)
        await until(pilot, lambda: table.row_count == 4)
        assert table.render_line(1).text.lstrip().startswith("06D9QQOydzKrOL7oeLiqHy9OWE8KtmJzZII2A5/FLFI=  63 ")
        table.scroll_to(x=table.max_scroll_x, animate=False, immediate=True)
        assert table.render_line(0).text.rstrip().endswith("RX        TX")
        assert table.render_line(1).text.rstrip().endswith("up     15043220  17869488")

    with open_source("demo") as cluster:
        drive(cluster, act, size=(width, 24))


def test_the_time_since_a_handshake_is_by_the_clock_of_the_node() -> None:
    """A node of long ago, whose clock stands still until it tells something."""
    state = MemoryState(clock=lambda: Timestamp(90 * 10**9))
    state.create(peer("a", state=PeerState.UP, last_handshake_time=Timestamp(30 * 10**9)))

    async def act(app: Top, pilot: Pilot[None]) -> None:
        await pilot.press("2")
        await until(pilot, lambda: cells(app, "#peer-table"))
        assert cells(app, "#peer-table")[0][3] == "1 m"
        found = app._live.peer("one", "a")
        assert found is not None
        assert found.handshake_s == 60.0
        update_with_conflicts(state, KubeSpanPeerStatus, "a", lambda now: now.with_spec(receive_bytes=1))
        await until(pilot, lambda: ((app._live.peer("one", "a") or found).handshake_s or 0) > 60.0)  # and goes on from there

    drive(Cluster({"one": lambda: state}, source="a test"), act)


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


def test_a_table_makes_text_of_what_is_on_the_screen_alone() -> None:
    """The peers of 200 nodes: 39,800 rows."""
    asked: list[int] = []

    def texts(key: int) -> list[Text]:
        asked.append(key)
        return [Text(f"row {key}"), Text("x" * (20 if key == 39_799 else 1))]

    async def act(app: Top, pilot: Pilot[None]) -> None:
        await pilot.press("2")
        table = app.query_one("#peer-table", Rows)
        app._live.close()
        await until(pilot, lambda: "no KubeSpan peers" in shown(app, "#status"))
        table.show(["NAME", "WHAT"], range(39_800), texts)
        await pilot.pause()
        await pilot.press("end")
        await pilot.pause()
        assert table.cursor == 39_799
        assert table.render_line(table.size.height - 1).text.split() == ["row", "39799", "x" * 20]
        table.show(["NAME", "WHAT"], range(1, 39_800), texts)  # the first one goes
        assert table.cursor == 39_798
        await pilot.press("home", "down")
        assert table.texts(table.cursor) == ["row 2", "x"]
        assert len(set(asked)) < 200

    drive(Cluster({"one": MemoryState}, source="a test"), act)


def test_escape_leaves_the_filter_and_the_type_stays_chosen() -> None:
    async def act(app: Top, pilot: Pilot[None]) -> None:
        types = app.query_one("#type-list", OptionList)
        await until(pilot, lambda: types.option_count > 5)
        everything = types.option_count
        await pilot.press("slash", *"kubespanpeer", "enter", "down")
        await until(pilot, lambda: app.focused is types and types.highlighted == 1)
        chosen = types.get_option_at_index(1).id
        await pilot.press("slash", *"xyz")  # nothing is left of the list, and comes back
        await until(pilot, lambda: types.option_count == 0)
        await pilot.press("escape")
        await until(pilot, lambda: types.option_count == everything)
        assert app.focused is types
        assert types.highlighted is not None
        assert types.get_option_at_index(types.highlighted).id == chosen

    with open_source("demo") as cluster:
        drive(cluster, act)
