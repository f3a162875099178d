"""`top` of a recording: at a moment, back and on, and what it says of sources that keep no past."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot

from talos_resources.backends.memory import MemoryState
from talos_resources.backends.sqlite.periods import Period
from talos_resources.backends.sqlite.state import SqliteState
from talos_resources.cli.main import main
from talos_resources.model.errors import ConfigError
from talos_resources.model.timestamp import Timestamp
from talos_resources.resources import PeerState
from talos_resources.sources import Cluster, open_source
from talos_resources.tui.app import Top
from talos_resources.tui.cells import TextScreen
from talos_resources.tui.link import LinkScreen
from talos_resources.tui.past import happenings
from talos_resources.tui.slider import Slider
from talos_resources.tui.travel import Travel
from tests.cli.test_terminal import on_terminal
from tests.tui.driving import cells, drive, peer, shown, until


def at(text: str) -> Timestamp:
    return Timestamp.parse(f"2026-01-01T{text}Z")


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Two hours in which a peer goes down and comes back."""
    path = tmp_path / "mesh.db"
    with SqliteState(path) as state:
        one = state.of_node("one")
        with state.batch():
            one.keep_period(Period(at("01:00:00"), at("03:00:00")))
            for moment, now in (("01:00:00", PeerState.UP), ("02:00:00", PeerState.DOWN), ("03:00:00", PeerState.UP)):
                one.put(peer("a", state=now, last_handshake_time=at("00:59:00")), at=at(moment))
    return path


def test_back_and_on(recording: Path) -> None:
    async def act(app: Top, pilot: Pilot[None]) -> None:
        await pilot.press("2")
        await until(pilot, lambda: shown(app, "#status").startswith("2026-01-01T01:30:00Z "))
        await until(pilot, lambda: [row[2] for row in cells(app, "#peer-table")] == ["up"])
        await pilot.press(*["right_square_bracket"] * 16)  # of two minutes each
        await until(pilot, lambda: shown(app, "#status").startswith("2026-01-01T02:02:00Z"))
        await until(pilot, lambda: app._going is None and app.is_current)
        assert [row[2] for row in cells(app, "#peer-table")] == ["down"]
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, LinkScreen))
        await until(pilot, lambda: "state: up → down" in shown(app, "#past-text"))
        assert "2026-01-01T02:00:00Z  one: " in shown(app, "#past-text")
        assert "down → up" not in shown(app, "#past-text")  # which is still to come
        await pilot.press("escape", *["right_square_bracket"] * 30)
        await until(pilot, lambda: "2026" not in shown(app, "#status"))
        await until(pilot, lambda: [row[2] for row in cells(app, "#peer-table")] == ["up"])
        await pilot.press("left_square_bracket")
        await until(pilot, lambda: shown(app, "#status").startswith("2026-01-01T02:58:00Z"))
        await until(pilot, lambda: [row[2] for row in cells(app, "#peer-table")] == ["down"])

    with open_source(f"sqlite:{recording}") as cluster:
        drive(cluster, act, travel=Travel(cluster, cluster.nodes, at("01:30:00")))


def test_a_moment_before_the_beginning_is_said_at_once(recording: Path) -> None:
    with open_source(f"sqlite:{recording}") as cluster:
        Travel(cluster, cluster.nodes, at("01:00:00")).check()
        Travel(cluster, cluster.nodes).check()
        with pytest.raises(ConfigError, match="mesh.db has no data before 2026-01-01T01:00:00Z; name that moment or a later one"):
            Travel(cluster, cluster.nodes, at("00:59:59")).check()
        code, text = on_terminal(
            "top", "--from", f"sqlite:{recording}", "--at", "2025-01-01T00:00:00Z", home=recording.parent, size=(24, 80)
        )
    assert code == 1
    assert "has no data before 2026-01-01T01:00:00Z" in text
    assert "\x1b[?1049h" not in text, "no screen is begun"


def test_no_further_back_than_the_beginning(recording: Path) -> None:
    with open_source(f"sqlite:{recording}") as cluster:
        travel = Travel(cluster, cluster.nodes, at("01:01:00"))
        travel.move(-5)
        assert travel.moment == at("01:00:00")
        assert travel.words == "2026-01-01T01:00:00Z"
        assert travel.live().nodes == ("one",)
        travel.move(60)
        assert travel.moment == at("03:00:00")
        travel.move(1)
        assert travel.moment is None
        assert travel.words == ""


def test_a_source_that_keeps_no_past_says_so() -> None:
    state = MemoryState()
    state.create(peer("a", state=PeerState.UP))

    async def act(app: Top, pilot: Pilot[None]) -> None:
        told: list[str] = []
        app.notify = lambda text, **_options: told.append(text)  # type: ignore[method-assign]
        await pilot.press("left_square_bracket")
        assert told == ["a test keeps no past; `record --to sqlite:FILE` keeps it, then name that file with --from"]

    drive(Cluster({"one": lambda: state}, source="a test"), act)


def test_a_moment_of_a_source_that_has_none_is_refused_before_the_screen(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for stream in ("stdin", "stdout"):
        monkeypatch.setattr(f"sys.{stream}.isatty", lambda: True)
    assert main(["top", "--from", "demo", "--at", "-10m"]) == 1
    assert "knows the present only" in capsys.readouterr().err


def test_the_slider_is_clicked_and_drawn(recording: Path) -> None:
    async def act(app: Top, pilot: Pilot[None]) -> None:
        await pilot.press("2")
        slider = app.query_one(Slider)
        await until(pilot, lambda: slider.display and app.is_current)
        text = str(slider.render())
        assert text.startswith("2026-01-01T01:00:00Z ─")
        assert text.endswith("─● 03:00:00Z")
        left, right = text.index("─") + 1, text.index("●") + 1
        await pilot.click(slider, offset=((left + right) // 2 + 2, 0))  # somewhat behind the middle
        await until(pilot, lambda: [row[2] for row in cells(app, "#peer-table")] == ["down"])
        assert shown(app, "#status").startswith("2026-01-01T02:0")
        await pilot.mouse_down(slider, offset=((left + right) // 2 + 2, 0))
        await pilot.hover(slider, offset=(0, 0))
        await pilot.mouse_up(slider, offset=(0, 0))
        await until(pilot, lambda: shown(app, "#status").startswith("2026-01-01T01:00:00Z"))
        await until(pilot, lambda: [row[2] for row in cells(app, "#peer-table")] == ["up"])
        assert "Z ●─" in str(slider.render())
        await pilot.click(slider, offset=(79, 0))  # beyond the end is the present
        await until(pilot, lambda: "2026" not in shown(app, "#status"))

    with open_source(f"sqlite:{recording}") as cluster:
        drive(cluster, act, travel=Travel(cluster, cluster.nodes))


def test_the_events_of_a_recording_until_the_moment(recording: Path) -> None:
    async def act(app: Top, pilot: Pilot[None]) -> None:
        await pilot.press("4")
        await until(pilot, lambda: len(cells(app, "#event-table")) == 2)
        assert cells(app, "#event-table") == [
            ["01-01 02:00:00", "one", "state: up → down", "node-a KubeSpanPeerStatus"],
            ["01-01 01:00:00", "one", "created", "node-a KubeSpanPeerStatus"],
        ]
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(app.screen, TextScreen) and "label: node-a" in shown(app, "#text"))
        await pilot.press("escape", *["right_square_bracket"] * 60)
        await until(pilot, lambda: len(cells(app, "#event-table")) == 3)
        assert cells(app, "#event-table")[0][2] == "state: down → up"

    with open_source(f"sqlite:{recording}") as cluster:
        drive(cluster, act, travel=Travel(cluster, cluster.nodes, at("02:30:00")))


def test_as_many_events_as_are_wanted_are_looked_for_as_far_back_as_they_are(recording: Path) -> None:
    with SqliteState(recording) as state:
        one = {"one": state.of_node("one")}
        every = happenings(one, at("01:00:00"), at("03:00:00"))
        assert [(each.number, each.change) for each in every] == [(-3, "created"), (-2, "updated"), (-1, "updated")]
        assert [each.number for each in happenings(one, at("01:00:00"), at("03:00:00"), most=1)] == [-1]


def test_a_source_that_keeps_no_past_has_no_slider() -> None:
    async def act(app: Top, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: app.is_current and not app.is_asking("", "span"))
        assert not app.query_one(Slider).display

    with open_source("demo") as cluster:
        drive(cluster, act)
