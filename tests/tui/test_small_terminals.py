"""`top` where there is little room: what is wrong and where one is stay on the screen."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from talos_resources.model.wrapping import folded
from talos_resources.sources import open_source
from talos_resources.tui.app import Top
from talos_resources.tui.bars import TabBar
from talos_resources.tui.cells import TextScreen
from talos_resources.tui.keys import KEYS
from tests.insight.sketches import pair, sketch
from tests.tui.driving import drive, screen_text, shown, until


@pytest.mark.parametrize(("size", "is_low"), [((40, 10), True), ((80, 24), False)])
def test_a_low_terminal_leaves_its_lines_to_the_matrix(size: tuple[int, int], is_low: bool) -> None:
    async def act(app: Top, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: app.is_current)
        app._show_mesh(sketch(200, pair(57, 163), sites=4))
        await until(pilot, lambda: "  2 worker-161  " in screen_text(app))
        assert "  1 worker-55   " in screen_text(app)
        await until(pilot, lambda: "worker-55 → worker-161: down" in screen_text(app))
        assert (app.query_one("#cell-told").size.height == 1) is is_low

    with open_source("demo") as cluster:
        drive(cluster, act, size=size)


def test_the_shown_tab_is_named_and_all_have_their_numbers() -> None:
    async def act(app: Top, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: app.is_current)
        await pilot.press("5")
        await until(pilot, lambda: " 1  2  3  4 [5 Resources]" in screen_text(app))
        await pilot.click(TabBar, offset=(4, 0))
        await until(pilot, lambda: app.tab == "peers")
        await until(pilot, lambda: " 1 [2 Peers] 3  4  5\n" in screen_text(app))

    with open_source("demo") as cluster:
        drive(cluster, act, size=(40, 10))


def test_the_keys_are_wrapped_to_the_terminal() -> None:
    async def act(app: Top, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: app.is_current)
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, TextScreen))
        width = app.screen.query_one("#text").size.width
        lines = shown(app, "#text").split("\n")
        assert max(map(len, lines[: lines.index("")])) <= width
        assert lines[: len(first := folded(KEYS[0][1], width, lead=f"{KEYS[0][0]:16}", under=" " * 16))] == first

    with open_source("demo") as cluster:
        drive(cluster, act, size=(40, 10))


def test_marks_that_turn_lines_round_do_not_reach_the_terminal() -> None:
    async def act(app: Top, pilot: Pilot[None]) -> None:
        screen = TextScreen("a text", lambda _secrets: "label: a\u202eb\n\tmore")
        await app.push_screen(screen)
        assert shown(app, "#text") == "label: a\\u202eb\n\tmore"
        await pilot.press("s", "y")
        await until(pilot, lambda: app.clipboard == "label: a\u202eb\n\tmore")
        assert shown(app, "#text") == "label: a\\u202eb\n\tmore"

    with open_source("demo") as cluster:
        drive(cluster, act)
