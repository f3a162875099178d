"""What `top` says where there is nothing to show, and why."""

from __future__ import annotations

from textual.pilot import Pilot

from talos_resources.backends.memory import MemoryState
from talos_resources.model.errors import ConnectError
from talos_resources.model.kind import typed_kinds
from talos_resources.resources import Member
from talos_resources.sources import Cluster, open_source
from talos_resources.tui.app import Top
from talos_resources.tui.browser import Browser
from talos_resources.tui.rows import Rows
from tests.tui.driving import drive, screen_text, shown, until


def instead(app: Top, table: str) -> str:
    """What stands in place of rows."""
    return app.query_one(table, Rows).words_instead


def away() -> MemoryState:
    raise ConnectError("nothing listens there")


def test_of_nodes_without_a_mesh_each_tab_says_that_there_is_none() -> None:
    cluster = Cluster({"n": MemoryState}, source="a test")

    async def act(top: Top, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: "KubeSpan is off" in instead(top, "#peer-table"))
        await pilot.press("2")
        await until(pilot, lambda: "no node knows a peer" in screen_text(top))
        await pilot.press("4")
        await until(pilot, lambda: "nothing has happened since 2" in screen_text(top))
        await pilot.press("3")
        await until(pilot, lambda: "nothing wrong was found" in shown(top, "#doctor-head"))
        assert "not known: there are no KubeSpan peers here" in shown(top, "#doctor-head")
        await until(pilot, lambda: "no findings" in screen_text(top))

    drive(cluster, act)


def test_of_nodes_that_do_not_answer_each_tab_says_so() -> None:
    async def act(top: Top, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: "nothing is known: " in instead(top, "#peer-table"))
        assert "nothing listens there" in instead(top, "#peer-table")
        await pilot.press("5")
        await until(pilot, lambda: "nothing is known: " in instead(top, "#resource-table"))
        await until(pilot, lambda: "nothing is known: " in screen_text(top))

    drive(Cluster({"n": away}, source="a test"), act)


def test_what_a_filter_leaves_out_is_no_lack() -> None:
    with open_source("demo") as demo:

        async def act(top: Top, pilot: Pilot[None]) -> None:
            await until(pilot, lambda: top.query_one("#peer-table", Rows).row_count)
            await pilot.press("2", "slash", *"nosuch")
            await until(pilot, lambda: 'nothing here has "nosuch" in it; Esc shows all' in screen_text(top))
            await pilot.press("escape")
            await until(pilot, lambda: instead(top, "#peer-table") == "")

        drive(demo, act)


def test_a_type_without_resources_is_told_from_none_that_is_chosen() -> None:
    with open_source("demo") as demo:

        async def act(top: Top, pilot: Pilot[None]) -> None:
            await until(pilot, lambda: "choose a type" in instead(top, "#resource-table"))
            await pilot.press("5")
            kinds = top.query_one(Browser).kinds
            bare = next(kind for kind in typed_kinds() if not demo.state("172.20.0.2").list(kind))
            top.query_one(Browser).choose(bare)
            await until(pilot, lambda: instead(top, "#resource-table") == f"172.20.0.2 has no {bare.display_type}")
            top.query_one(Browser).choose(next(kind for kind in kinds if kind.spec is Member))
            await until(pilot, lambda: top.query_one("#resource-table", Rows).row_count == 5)

        drive(demo, act)


def test_the_keys_offer_secrets_where_there_are_some() -> None:
    with open_source("demo") as demo:

        async def act(top: Top, pilot: Pilot[None]) -> None:
            await until(pilot, lambda: "choose a type" in instead(top, "#resource-table"))
            await pilot.press("question_mark")
            await until(pilot, lambda: "esc Back" in screen_text(top))
            assert "Secrets" not in screen_text(top).splitlines()[-1]
            await pilot.press("escape", "5")
            kinds = top.query_one(Browser).kinds
            top.query_one(Browser).choose(next(kind for kind in kinds if kind.display_type == "KubeSpanIdentity"))
            await until(pilot, lambda: top.query_one("#resource-table", Rows).row_count)
            await pilot.press("enter")
            await until(pilot, lambda: "s Secrets" in screen_text(top).splitlines()[-1])

        drive(demo, act)
