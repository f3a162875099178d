"""The matrix of `top`: what is wrong is on the first screen, whatever the size; filter of rows and columns."""

from __future__ import annotations

from collections.abc import Callable

from textual.pilot import Pilot

from talos_resources.insight.mesh import LinkState, Mesh
from talos_resources.sources import open_source
from talos_resources.tui.app import Top
from talos_resources.tui.matrix import Matrix
from talos_resources.views.mesh_words import MARKS
from tests.insight.sketches import pair, sketch
from tests.tui.driving import drive, screen_text, until

BROKEN = sketch(200, pair(57, 163), sites=4)


def with_mesh(mesh: Mesh, look: Callable[[Matrix], None], *keys: str) -> None:
    """Has a mesh of any size on the screen of `top`, and looks when the keys were pressed."""

    async def act(app: Top, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: app.is_current)
        app._show_mesh(mesh)
        await until(pilot, lambda: f"{len(mesh.nodes)} nodes, " in screen_text(app))
        await pilot.press(*keys)
        await pilot.pause()
        look(app.query_one(Matrix))

    with open_source("demo") as cluster:
        drive(cluster, act)


def test_the_broken_link_of_two_hundred_nodes_is_named_on_the_first_screen() -> None:
    def look(matrix: Matrix) -> None:
        text = screen_text(matrix.app)  # type: ignore[arg-type]  # of a Top
        assert "worker-55 → worker-161: down, last handshake 38 m ago" in text
        down = MARKS[LinkState.DOWN]
        assert f"  1 worker-55       \\ {down} o o o" in text
        assert f"  2 worker-161      {down} \\ o o o" in text

    with_mesh(BROKEN, look)


def test_the_cursor_stays_where_somebody_put_it() -> None:
    def look(matrix: Matrix) -> None:
        assert matrix.told.startswith("worker-161 → controlplane-1: up, ")
        matrix.show(BROKEN)
        assert matrix.told.startswith("worker-161 → controlplane-1: up, ")

    with_mesh(BROKEN, look, "down", "right")


def test_a_filter_of_rows_and_of_columns() -> None:
    def look(matrix: Matrix) -> None:
        rows = [matrix.render_line(y).text.split() for y in range(4)]
        assert matrix._mesh is not None
        assert {matrix._mesh.nodes[row].name for row in matrix._rows} == {"worker-5", *(f"worker-5{n}" for n in range(10))}
        assert [matrix._mesh.nodes[column].name for column in matrix._columns] == ["worker-161"]
        assert matrix.has_words
        assert any("worker-55" in row and "DOWN" in row for row in rows)

    with_mesh(BROKEN, look, "slash", *"worker-5 161", "enter")


def test_numbers_stay_those_of_the_nodes_when_columns_are_filtered() -> None:
    def look(matrix: Matrix) -> None:
        head, first = matrix.render_line(0).text, matrix.render_line(1).text
        assert not matrix.has_words
        # Of a hundred columns the first is that of the second worst node.
        assert head.split()[0] == "2"
        assert first.split()[:2] == ["1", "worker-55"]

    with_mesh(BROKEN, look, "slash", "space", *"worker-1", "enter")
