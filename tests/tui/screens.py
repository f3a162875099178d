"""The screens of `top` as text, at 80 by 24, beside which a test lays what it shows now.

Run `python -m tests.tui.screens` after a change that is meant, and look at what it wrote.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from textual.pilot import Pilot

from talos_resources.sources import open_source
from talos_resources.tui.app import Top
from talos_resources.tui.browser import Browser
from talos_resources.tui.chooser import Chooser
from talos_resources.tui.examining import Examining
from talos_resources.tui.link import LinkScreen
from tests.tui.driving import cells, drive, screen_text, shown, until

FOLDER: Final = Path(__file__).with_name("screens")

Ready = Callable[[Top], object]

SCREENS: Final[dict[str, tuple[tuple[str, ...], Ready]]] = {
    "mesh": ((), lambda app: "worker-2" in screen_text(app)),
    "peers": (("2",), lambda app: len(cells(app, "#peer-table")) == 20),
    "peers-grouped": (("2", "g", "g", "s"), lambda app: "PEER" in screen_text(app) and len(cells(app, "#peer-table")) == 21),
    "doctor": (("3",), lambda app: app.query_one(Examining).is_done and "examining" not in shown(app, "#doctor-head")),
    "link": (("right", "enter"), lambda app: isinstance(app.screen, LinkScreen) and "recorded" in shown(app, "#past-text")),
    "go-to": (("colon", *"kubespan"), lambda app: isinstance(app.screen, Chooser) and "KubeSpanConfig" in screen_text(app)),
    "keys": (("question_mark",), lambda app: "Home, End" in screen_text(app)),
}
"""Name → the keys that lead there from the mesh of the demo, and what says that one is there."""


def captured(name: str) -> str:
    """A screen as it is now."""
    keys, is_ready = SCREENS[name]
    texts: list[str] = []

    async def act(app: Top, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: app.is_current and "20 of 20" in shown(app, "#status"))
        await until(pilot, lambda: len(app.query_one(Browser).kinds) > 5)
        await pilot.press(*keys)
        await until(pilot, lambda: is_ready(app))
        before = ""
        while (now := screen_text(app)) != before:  # until it stands still
            before = now
            await pilot.pause(0.5)
        texts.append(now)

    with open_source("demo") as cluster:
        drive(cluster, act)
    return texts[0]


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for each in SCREENS:
        (FOLDER / f"{each}.txt").write_text(captured(each), encoding="utf-8")
