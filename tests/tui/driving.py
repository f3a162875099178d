"""Drives `top` without a terminal, and reads what it shows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from textual.app import App
from textual.pilot import Pilot
from textual.widgets import Static

from talos_resources.model.resource import Resource
from talos_resources.resources import KubeSpanPeerStatus
from talos_resources.sources import Cluster
from talos_resources.tui.app import Top
from talos_resources.tui.live import Live
from talos_resources.tui.rows import Rows
from talos_resources.tui.travel import Travel

PATIENCE_S = 60.0
A = TypeVar("A", bound=App[None])


def peer(id: str, **fields: Any) -> Resource[KubeSpanPeerStatus]:
    return Resource.new(KubeSpanPeerStatus(label=f"node-{id}", **fields), id=id)


def drive(
    cluster: Cluster, act: Callable[[Top, Pilot[None]], Awaitable[None]], *, size: tuple[int, int] = (80, 24), travel: Travel | None = None
) -> None:
    """Runs `top` without a terminal and does something with it."""
    run_app(Top(Live(cluster, cluster.nodes) if travel is None else travel.live(), travel), act, size=size)


def run_app(app: A, act: Callable[[A, Pilot[None]], Awaitable[None]], *, size: tuple[int, int] = (80, 24)) -> None:
    """Runs any app so."""

    async def go() -> None:
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


def screen_text(app: Top) -> str:
    """All that is on the screen, without colours."""
    lines = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in line).rstrip() for line in lines[: app.size.height]) + "\n"


def cells(app: Top, table: str) -> list[list[str]]:
    found = app.query_one(table, Rows)
    return [found.texts(index) for index in range(found.row_count)]
