"""Many rows are arranged beside the screen: it answers meanwhile, and what comes too late is not shown."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable

from rich.text import Text
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from talos_resources.tui.arranging import Arrangement, Fact
from talos_resources.tui.rows import Rows
from tests.tui.driving import run_app, until

ROWS = 1500
HEADINGS = ("NUMBER", "STATE")


class OneTable(App[None]):
    def compose(self) -> ComposeResult:
        yield Rows(id="table")


def with_table(act: Callable[[Rows, threading.Event, Pilot[None]], Awaitable[None]]) -> None:
    """A table whose facts are not known before the gate is opened."""
    gate = threading.Event()

    def facts(key: int) -> tuple[Fact, ...]:
        assert gate.wait(30)
        return float(key), "up" if key % 2 else "down"

    def cells(key: int) -> list[Text]:
        return [Text(str(key)), Text("up" if key % 2 else "down")]

    async def go(app: OneTable, pilot: Pilot[None]) -> None:
        table = app.query_one(Rows)
        table.show(HEADINGS, range(ROWS), cells, facts)
        await act(table, gate, pilot)

    run_app(OneTable(), go)


def test_the_cursor_moves_while_rows_are_sorted() -> None:
    async def act(table: Rows, gate: threading.Event, pilot: Pilot[None]) -> None:
        table.focus()
        table.rearrange(Arrangement(column="NUMBER", is_descending=True))
        assert table.is_arranging
        await pilot.press("down", "down")
        assert table.texts(table.cursor) == ["2", "down"]
        gate.set()
        await until(pilot, lambda: table.texts(0) == ["1499", "up"])
        assert table.texts(table.cursor) == ["2", "down"], "the cursor stays on its row"

    with_table(act)


def test_the_last_of_several_wishes_is_what_is_shown() -> None:
    async def act(table: Rows, gate: threading.Event, pilot: Pilot[None]) -> None:
        table.rearrange(Arrangement(column="NUMBER", is_descending=True))
        table.rearrange(Arrangement(part="down"))
        gate.set()
        await until(pilot, lambda: not table.is_arranging and table.row_count == ROWS // 2)
        assert table.texts(0) == ["0", "down"]

    with_table(act)


def test_what_comes_too_late_is_not_shown() -> None:
    async def act(table: Rows, gate: threading.Event, pilot: Pilot[None]) -> None:
        table.rearrange(Arrangement(column="NUMBER", is_descending=True))
        table.rearrange(Arrangement())
        gate.set()
        await until(pilot, lambda: not table.is_arranging)
        assert table.texts(0) == ["0", "down"]

    with_table(act)
