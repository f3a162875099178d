"""`top` as people use it: down to a link and its past, to any type, filter, order, doctor, help."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from textual.pilot import Pilot
from textual.widgets import OptionList

from talos_resources.backends.memory import MemoryState
from talos_resources.model.timestamp import Timestamp
from talos_resources.resources import KubeSpanPeerStatus, PeerState
from talos_resources.sources import Cluster, open_source
from talos_resources.state.derived import update_with_conflicts
from talos_resources.testing.cluster import TalosCluster
from talos_resources.tui.app import Top
from talos_resources.tui.arranging import Arrangement
from talos_resources.tui.browser import Browser
from talos_resources.tui.cells import TextScreen
from talos_resources.tui.chooser import Chooser
from talos_resources.tui.examining import Examining
from talos_resources.tui.keys import KEYS
from talos_resources.tui.link import LinkScreen
from talos_resources.tui.matrix import Matrix
from talos_resources.tui.rows import Rows
from tests.tui.driving import cells, drive, peer, screen_text, shown, until

ROOT = Path(__file__).resolve().parents[2]


def test_from_a_cell_of_the_matrix_to_the_link_and_its_yaml() -> None:
    async def act(app: Top, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: "worker-2" in screen_text(app) and app._live.reading() == 0)
        assert "3 talos-default-controlplane-3" in screen_text(app)
        assert " up     ·      up " in screen_text(app)
        await pilot.press("end", "right", "left", "enter")
        await until(pilot, lambda: isinstance(app.screen, LinkScreen))
        told = shown(app, "#link-told")
        assert told.startswith("talos-default-worker-2 → talos-default-controlplane-1: up, last handshake ")
        assert "\ntalos-default-controlplane-1 → talos-default-worker-2: up, last handshake " in told
        table = app.screen.query_one("#link-table", Rows)
        rows = [table.texts(row) for row in range(table.row_count)]
        assert [row[1] for row in rows[:4]] == ["KubeSpanPeerStatus", "KubeSpanPeerStatus", "KubeSpanPeerSpec", "KubeSpanPeerSpec"]
        assert {row[0] for row in rows[:2]} == {"172.20.0.2", "172.20.0.6"}
        assert {"Affiliate", "Member", "KubeSpanConfig", "KubeSpanIdentity"} <= {row[1] for row in rows}
        await pilot.press("y")
        assert app.clipboard == told
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, TextScreen))
        assert "label: talos-default-controlplane-1" in shown(app, "#text")
        await pilot.press("escape", "escape")
        await until(pilot, lambda: not isinstance(app.screen, LinkScreen))

    with open_source("demo") as cluster:
        drive(cluster, act)


def test_the_past_of_a_link_that_is_not_recorded_is_what_happened_since_top_began() -> None:
    state = MemoryState()
    state.create(peer("a", state=PeerState.UP, last_handshake_time=Timestamp(time.time_ns())))

    async def act(app: Top, pilot: Pilot[None]) -> None:
        await pilot.press("2")
        await until(pilot, lambda: cells(app, "#peer-table") and app._mesh is not None)
        update_with_conflicts(state, KubeSpanPeerStatus, "a", lambda now: now.with_spec(state=PeerState.DOWN))
        await until(pilot, lambda: [row[2] for row in cells(app, "#peer-table")][:1] == ["down"])
        await pilot.press("4")
        await until(
            pilot, lambda: [row[2:] for row in cells(app, "#event-table")][:1] == [["state: up → down", "node-a KubeSpanPeerStatus"]]
        )
        await pilot.press("2", "enter")
        await until(pilot, lambda: isinstance(app.screen, LinkScreen))
        await until(pilot, lambda: "one: state: up → down" in shown(app, "#past-text"))
        await pilot.press("enter", "h")
        await until(pilot, lambda: isinstance(app.screen, TextScreen) and "state: up → down" in shown(app, "#text"))

    drive(Cluster({"one": lambda: state}, source="a test"), act)


def test_a_colon_leads_to_any_type_by_any_name() -> None:
    async def act(app: Top, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: app.query_one("#type-list", OptionList).option_count > 5)
        await pilot.press("colon", *"kspstatuz")
        await until(pilot, lambda: "no type or tab" in shown(app, "#unknown"))
        await pilot.press("enter")  # which chooses nothing
        assert isinstance(app.screen, Chooser)
        await pilot.press(*["backspace"] * 9, *"kubespanpeerst", "tab")
        assert "KubeSpanPeerStatus" in screen_text(app)
        await pilot.press("enter")
        await until(pilot, lambda: len(cells(app, "#resource-table")) == 4)
        await pilot.press("colon", *"ksi", "enter")  # an alias of talosctl's
        await until(pilot, lambda: "ADDRESS" in app.query_one("#resource-table", Rows).headings)
        await pilot.press("colon", *"doctor", "enter")
        await until(pilot, lambda: app.tab == "doctor")
        await pilot.press("colon", "escape")
        assert app.tab == "doctor"

    with open_source("demo") as cluster:
        drive(cluster, act)


def test_what_is_typed_to_go_somewhere_filters_nothing() -> None:
    async def act(app: Top, pilot: Pilot[None]) -> None:
        table, browser = app.query_one("#resource-table", Rows), app.query_one(Browser)
        await until(pilot, lambda: app.is_current and len(browser.kinds) > 5)
        await pilot.press("colon", *"kubespanpeerstatuses", "enter")
        await until(pilot, lambda: table.row_count == 4)
        assert app.query_one(Matrix).part == ""
        await pilot.press("s", "slash", *"worker", "enter")
        await until(pilot, lambda: table.row_count == 2)
        await pilot.press("colon", *"members", "enter")
        await until(pilot, lambda: table.row_count == 5)
        assert table.arrangement == Arrangement()
        await pilot.press("n", *"172.20.0.3", "enter")
        await until(pilot, lambda: "node: 172.20.0.3" in shown(app, "#status"))
        assert table.arrangement == Arrangement()

    with open_source("demo") as cluster:
        drive(cluster, act)


def test_names_that_are_near_are_suggested() -> None:
    async def act(app: Top, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: app.query_one("#type-list", OptionList).option_count > 5)
        await pilot.press("colon", *"membrs")
        await until(pilot, lambda: "did you mean members" in shown(app, "#unknown"))

    with open_source("demo") as cluster:
        drive(cluster, act)


def test_filter_sort_and_group() -> None:
    async def act(app: Top, pilot: Pilot[None]) -> None:
        await pilot.press("2")
        await until(pilot, lambda: len(cells(app, "#peer-table")) == 20)
        table = app.query_one("#peer-table", Rows)
        await pilot.press("slash", *"WORKER-1", "enter")
        assert {row[1] for row in cells(app, "#peer-table")} == {"talos-default-worker-1"}
        assert app.focused is table
        await pilot.press("s", "s")  # by the second column
        assert "PEER ▲" in table.render_line(0).text
        await pilot.press("escape")
        assert [row[1] for row in cells(app, "#peer-table")] == sorted(row[1] for row in cells(app, "#peer-table"))
        assert len(cells(app, "#peer-table")) == 20
        await pilot.press("S")
        assert "PEER ▼" in table.render_line(0).text
        assert cells(app, "#peer-table")[0][1] == "talos-default-worker-2"
        await pilot.press("g")
        assert ["172.20.0.2 (4)"] in cells(app, "#peer-table")
        await pilot.press("g")
        assert cells(app, "#peer-table")[0] == ["up (20)"]
        await pilot.press("home", "enter")  # the heading of a group leads nowhere
        assert not isinstance(app.screen, LinkScreen)
        await pilot.click(table, offset=(2, 0))
        assert "NODE ▲" in table.render_line(0).text

    with open_source("demo") as cluster:
        drive(cluster, act)


def test_the_doctor_of_a_cluster_that_is_cut(talos_cluster: Callable[..., TalosCluster]) -> None:
    cut = talos_cluster(nodes=4)
    cut.inject("off", cut.nodes[-1])
    cut.wait_for("down", links=3)

    async def act(app: Top, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: "DOWN" in screen_text(app))
        assert ": down" in app.query_one(Matrix).told
        await pilot.press("f")  # the next link that is not up
        assert ": down" in app.query_one(Matrix).told
        await pilot.press("3")
        await until(pilot, lambda: app.query_one(Examining).findings)
        await until(pilot, lambda: cut.nodes[-1] in shown(app, "#doctor-head"))
        assert cells(app, "#finding-table")[0][0] in {"ERROR", "WARN"}
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, TextScreen))
        assert "Do:" in shown(app, "#text")

    with cut.connect_all() as cluster:
        drive(cluster, act)


def test_help_tells_every_key_and_the_page_too() -> None:
    page = (ROOT / "docs" / "top.md").read_text()
    assert [keys for keys, _ in KEYS if f"| {' '.join(f'`{key}`' for key in keys.replace(',', '').split())} |" not in page] == []

    async def act(app: Top, pilot: Pilot[None]) -> None:
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, TextScreen))
        text = shown(app, "#text")
        assert [keys for keys, _ in KEYS if keys not in text] == []
        await pilot.press("escape")

    with open_source("demo") as cluster:
        drive(cluster, act)


def test_tabs_by_number_and_by_tab() -> None:
    async def act(app: Top, pilot: Pilot[None]) -> None:
        for number, tab in enumerate(("mesh", "peers", "doctor", "events", "resources"), 1):
            await pilot.press(str(number))
            assert app.tab == tab
        await pilot.press("tab")
        assert app.tab == "mesh"
        await pilot.press("shift+tab")
        assert app.tab == "resources"

    with open_source("demo") as cluster:
        drive(cluster, act)
