"""`top`, driven: what it shows, its keys, secrets."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.text import Text
from textual.pilot import Pilot
from textual.widgets import Input, OptionList

from talos_resources.backends.memory import MemoryState
from talos_resources.cli.main import main
from talos_resources.model.net import AddrPort
from talos_resources.model.resource import Resource
from talos_resources.model.timestamp import Timestamp
from talos_resources.resources import KubeSpanIdentity, KubeSpanPeerStatus, PeerState
from talos_resources.sources import Cluster, open_source
from talos_resources.state.derived import update_with_conflicts
from talos_resources.tui.app import Top
from talos_resources.tui.arranging import Arrangement
from talos_resources.tui.bars import KeyBar
from talos_resources.tui.cells import TextScreen, sparkline
from talos_resources.tui.link import LinkScreen
from talos_resources.tui.rows import Rows
from tests.tui.driving import cells, drive, peer, screen_text, shown, until

SECRET = "gNoasoKOJzl+/B+uXhvsBVxv81OcVLrlcmQ5jQwZO08="


def test_the_demo_at_80_by_24() -> None:
    async def act(app: Top, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: "20 of 20 links up" in shown(app, "#status"))
        await until(pilot, lambda: "talos-default-worker-2" in screen_text(app))
        await pilot.press("2")
        await until(pilot, lambda: len(cells(app, "#peer-table")) == 20)
        # Nothing is pushed out: the summary on the first line, the keys on the last.
        assert app.screen.max_scroll_y == 0
        assert app.query_one("#status").region.y == 0
        assert app.query_one(KeyBar).region.y == 23
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, LinkScreen))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, TextScreen))
        assert "receiveBytes: " in shown(app, "#text")
        await pilot.press("escape", "escape")
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
        await until(pilot, lambda: [row[1:3] for row in cells(app, "#peer-table")][:1] == [["node-b", "down"]])
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
        await pilot.press("5", "slash", *"kubespanidentit")
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


def test_sparklines() -> None:
    assert sparkline([0, 1, 4, 8], 6) == "   ▁▄█"
    assert sparkline([], 3) == "   "
    assert sparkline([0, 0], 3) == "   "
    assert sparkline(range(9), 4) == "▅▆▇█"


def test_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["top", "--from", "demo"]) == 1
    assert "top needs a terminal" in capsys.readouterr().err


def test_a_terminal_that_only_appends_lines_is_written_no_codes(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for stream in ("stdin", "stdout"):
        monkeypatch.setattr(f"sys.{stream}.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "dumb")
    assert main(["top", "--from", "demo"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "which TERM=dumb cannot" in err


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
        end = time.monotonic() + 120
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


@pytest.mark.parametrize(
    ("width", "id"), [(80, "06D9QQOydzK…  63 "), (120, "06D9QQOydzK…  63 "), (160, "06D9QQOydzKrOL7oeLiqHy9OWE8KtmJzZII2A5/FLFI=  63 ")]
)
def test_columns_are_as_wide_as_what_is_in_them_and_ids_yield(width: int, id: str) -> None:
    async def act(app: Top, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: app.query_one("#type-list", OptionList).option_count > 5)
        await pilot.press("5", "slash", *"kubespanpeerstatus", "enter", "enter")
        table = app.query_one("#resource-table", Rows)
        await until(pilot, lambda: table.row_count == 4)
        assert table.render_line(1).text.lstrip().startswith(id)
        table.rearrange(Arrangement(group="LABEL"))
        assert table.render_line(1).text.strip() == "talos-default-controlplane-2 (1)"
        table.rearrange(Arrangement())
        assert table.texts(0)[0] == "06D9QQOydzKrOL7oeLiqHy9OWE8KtmJzZII2A5/FLFI=", "for whoever copies it"
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
        await pilot.press("5", "slash", *"kubespanpeer", "enter", "down")
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
