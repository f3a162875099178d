"""What `top` draws: the lines of tabs and keys, the first row, and no more than has changed."""

from __future__ import annotations

import pytest
from textual.containers import VerticalScroll
from textual.pilot import Pilot

from talos_resources.backends.memory import MemoryState
from talos_resources.resources import PeerState
from talos_resources.sources import Cluster, open_source
from talos_resources.tui.app import Top
from talos_resources.tui.bars import KeyBar, TabBar
from talos_resources.tui.cells import TextScreen
from talos_resources.tui.rows import Rows
from tests.tui.driving import drive, peer, screen_text, until


def test_nothing_is_drawn_on_its_way() -> None:
    async def act(app: Top, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: app.is_current)
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, TextScreen))
        frame = app.screen.query_one(VerticalScroll)
        await until(pilot, lambda: frame.max_scroll_y > 0)
        app.screen.set_focus(frame)
        await pilot.press("pagedown")
        assert not app.animator.is_being_animated(frame, "scroll_y")
        await until(pilot, lambda: frame.scroll_y > 0)

    drive(open_source("demo"), act)


def test_tabs_and_keys_are_clicked() -> None:
    async def act(app: Top, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: app.is_current)
        assert screen_text(app).splitlines()[1] == "[1 Mesh] 2 Peers  3 Doctor  4 Events  5 Resources"
        await pilot.click(TabBar, offset=(11, 0))
        assert app.tab == "peers"
        assert screen_text(app).splitlines()[1] == " 1 Mesh [2 Peers] 3 Doctor  4 Events  5 Resources"
        await pilot.click(TabBar, offset=(70, 0))  # beside them all
        assert app.tab == "peers"
        keys = screen_text(app).splitlines()[-1]
        await pilot.click(KeyBar, offset=(keys.index("Help"), 0))
        await until(pilot, lambda: isinstance(app.screen, TextScreen))
        assert "Copy" in screen_text(app).splitlines()[-1]
        assert "Filter" not in screen_text(app).splitlines()[-1], "the keys are those of the screen"
        await pilot.click(app.screen.query_one(KeyBar), offset=(1, 0))
        await until(pilot, lambda: not isinstance(app.screen, TextScreen))

    with open_source("demo") as cluster:
        drive(cluster, act)


def test_the_cursor_is_on_the_first_row_until_somebody_moves_it() -> None:
    async def act(app: Top, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: app.is_current)
        await pilot.press("2")
        table = app.query_one("#peer-table", Rows)
        state = {"b": PeerState.UP}

        async def there(**more: PeerState) -> None:
            state.update(more)
            for name, value in more.items():
                node.create(peer(name, state=value))
            await until(pilot, lambda: table.row_count == len(state))

        await there(c=PeerState.UP)
        await there(a=PeerState.DOWN)  # comes first
        assert (table.cursor, table.texts(0)[1]) == (0, "node-a")
        await pilot.press("down")
        await there(d=PeerState.DOWN)
        assert (table.cursor, table.texts(2)[1]) == (2, "node-b"), "from then on it stays on its row"
        await pilot.press("home")
        assert table.texts(table.cursor)[1] == "node-a"
        await there(A=PeerState.DOWN)
        assert table.texts(table.cursor)[1] == "node-A", "the first one again, whichever that is"

    node = MemoryState()
    node.create(peer("b", state=PeerState.UP))
    drive(Cluster({"one": lambda: node}, source="a test"), act)


def test_only_lines_that_changed_are_drawn() -> None:
    async def act(app: Top, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: app.is_current)
        await pilot.press("2")
        table = app.query_one("#peer-table", Rows)
        await until(pilot, lambda: table.row_count == 20)
        await pilot.pause()
        drawn: list[int] = []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(table, "refresh", lambda *regions: drawn.extend(region.y for region in regions))
            table.redraw()
            assert not drawn
            table.cursor += 1
            table.redraw()
            assert drawn == [1, 2]

    with open_source("demo") as cluster:
        drive(cluster, act)
