"""Keys that come all at once, as they do over ssh: each goes where it would have gone alone."""

from __future__ import annotations

import pytest
from textual.events import Key
from textual.pilot import Pilot

from talos_resources.sources import open_source
from talos_resources.tui.app import Top
from talos_resources.tui.arranging import Arrangement
from talos_resources.tui.browser import Browser
from talos_resources.tui.chooser import Chooser
from talos_resources.tui.link import LinkScreen
from talos_resources.tui.rows import Rows
from tests.tui.driving import cells, drive, shown, until

NAMES = {"\r": "enter", "\t": "tab", "/": "slash", ":": "colon", "-": "minus", "\x1b": "escape"}


def typed(app: Top, text: str) -> None:
    """All keys in one go, without a moment between them."""
    for character in text:
        app.post_message(Key(NAMES.get(character, character), character if character.isprintable() else None))


async def begun(app: Top, pilot: Pilot[None]) -> None:
    await until(pilot, lambda: app.is_current and "20 of 20" in shown(app, "#status"))
    await until(pilot, lambda: len(app.query_one(Browser).kinds) > 5)


@pytest.mark.parametrize("keys", ["2/worker-1\r", "2/worker-1"])
def test_a_filter_takes_what_is_typed_with_its_key(keys: str) -> None:
    async def act(app: Top, pilot: Pilot[None]) -> None:
        await begun(app, pilot)
        typed(app, keys)
        await until(pilot, lambda: app.query_one("#peer-table", Rows).arrangement == Arrangement(part="worker-1"))
        await until(pilot, lambda: app.query_one("#filter").display != keys.endswith("\r"))
        assert not isinstance(app.screen, LinkScreen)

    with open_source("demo") as cluster:
        drive(cluster, act)


def test_a_type_is_gone_to_with_all_keys_at_once_and_the_tab_left_with_the_next() -> None:
    async def act(app: Top, pilot: Pilot[None]) -> None:
        await begun(app, pilot)
        typed(app, ":ksps\r")
        await until(pilot, lambda: app.tab == "resources" and len(cells(app, "#resource-table")) == 4)
        typed(app, ":nowhere\x1b1")
        await until(pilot, lambda: app.tab == "mesh" and not isinstance(app.screen, Chooser))

    with open_source("demo") as cluster:
        drive(cluster, act)
