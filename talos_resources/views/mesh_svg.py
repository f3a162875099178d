"""The mesh as a picture: a matrix and a graph in one SVG, and that as PNG.

What is up is one area; only the rest is drawn cell by cell, so that a mesh of a thousand stays small.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterator
from typing import Final, NamedTuple

from talos_resources.insight.mesh import LinkState, Mesh
from talos_resources.model.errors import ConfigError
from talos_resources.views.mesh_text import short_names, summary

LIGHT: Final = {
    "up": "#2a9d6f",
    "down": "#d1384a",
    "unknown": "#e5a50a",
    "absent": "#8e5bd0",
    "unseen": "#dfe4ea",
    "self": "#b9c2cd",
    "ink": "#1b232c",
    "dim": "#647282",
    "paper": "#ffffff",
}
DARK: Final = LIGHT | {"unseen": "#2b333d", "self": "#4a5563", "ink": "#e6ebf0", "dim": "#93a1b1", "paper": "#11161c"}
_MARKS: Final = {LinkState.DOWN: "\u00d7", LinkState.UNKNOWN: "?", LinkState.ABSENT: "\u2013"}
_SIDE: Final = 520
_LARGEST, _SMALLEST = 30.0, 1.0
_LETTER: Final = 6.6
_MOST_EDGES: Final = 60
"""Of larger meshes the graph shows only links that are not up."""


class _Box(NamedTuple):
    width: float
    height: float
    body: str


def mesh_svg(mesh: Mesh, *, dark: bool | None = None) -> str:
    """A picture of the mesh.

    Args:
        mesh: any.
        dark: its colours; None for those that the viewer prefers.
    """
    matrix, graph = _matrix(mesh), _graph(mesh)
    pad, head, foot = 20, 52, 40
    width = matrix.width + graph.width + 3 * pad
    height = max(matrix.height, graph.height) + head + foot
    size = f'viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="system-ui, -apple-system, Roboto, sans-serif" role="img">',
        f"<title>{html.escape(summary(mesh))}</title>",
        f"<style>{_style(dark)}</style>",
        f'<rect class="paper" width="{width:.0f}" height="{height:.0f}"/>',
        f'<text class="ink" x="{pad}" y="34" font-size="18" font-weight="600">{html.escape(summary(mesh))}</text>',
        f'<g transform="translate({pad} {head})">{matrix.body}</g>',
        f'<g transform="translate({matrix.width + 2 * pad:.0f} {head})">{graph.body}</g>',
        f'<g transform="translate({pad} {height - 16:.0f})">{_legend()}</g>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def mesh_png(mesh: Mesh, *, zoom: float = 2.0) -> bytes:
    """The same, drawn.

    Raises:
        ConfigError: the extra `png` is not installed.
    """
    import importlib.util
    from pathlib import Path

    spec = importlib.util.find_spec("font_roboto")
    try:
        import resvg_py
    except ModuleNotFoundError:
        raise ConfigError("-o png needs resvg-py; pip install 'talos-resources[png]', or use -o svg") from None
    folder = Path(spec.origin).parent / "files" if spec is not None and spec.origin else None
    fonts = [str(folder / name) for name in ("Roboto-Regular.ttf", "Roboto-Bold.ttf")] if folder is not None else []
    # Its own font, so that the picture is the same everywhere; without it those of the system.
    drawn: bytes = resvg_py.svg_to_bytes(
        svg_string=mesh_svg(mesh, dark=False),
        font_files=fonts or None,
        skip_system_fonts=bool(fonts),
        font_family="Roboto",
        sans_serif_family="Roboto",
        zoom=zoom,
    )
    return drawn


def _style(dark: bool | None) -> str:
    def of(colours: dict[str, str]) -> str:
        rules = [f".{name}{{fill:{colour}}}.{name}-line{{stroke:{colour};fill:none}}" for name, colour in colours.items()]
        return "".join([*rules, ".mark{fill:#fff}"])

    if dark is None:
        return f"{of(LIGHT)}@media (prefers-color-scheme:dark){{{of(DARK)}}}"
    return of(DARK if dark else LIGHT)


def _legend() -> str:
    names = ("up", "down", "unknown", "absent", "unseen")
    return "".join(
        f'<rect class="{name}" x="{90 * number}" y="-10" width="12" height="12" rx="3"/>'
        f'<text class="dim" x="{90 * number + 18}" y="0" font-size="12">{name}</text>'
        for number, name in enumerate(names)
    )


def _matrix(mesh: Mesh) -> _Box:
    """Rows observe columns."""
    size = max(len(mesh.nodes), 1)
    cell = min(_LARGEST, max(_SMALLEST, _SIDE / size))
    labels = cell >= 9
    names = short_names(mesh)
    longest = max((len(name) for name in names), default=0) if labels else 0
    letter = _LETTER * min(1.0, cell / 14)
    left, top = longest * letter + 10, longest * letter * 0.72 + 16 if labels else 4
    body = list(_cells(mesh, cell, left, top))
    if labels:
        font = min(12.0, cell * 0.85)
        for index, name in enumerate(names):
            middle = (index + 0.5) * cell
            text = html.escape(name)
            turned = f"translate({left + middle + font / 4:.1f} {top - 6:.1f}) rotate(-45)"
            place = f'x="{left - 8:.1f}" y="{top + middle + font / 3:.1f}" text-anchor="end"'
            body.append(f'<text class="ink" font-size="{font:.1f}" {place}>{text}</text>')
            body.append(f'<text class="ink" font-size="{font:.1f}" transform="{turned}">{text}</text>')
    side = size * cell
    return _Box(left + side + (longest * letter * 0.72 if labels else 0), top + side, "\n".join(body))


def _cells(mesh: Mesh, cell: float, left: float, top: float) -> Iterator[str]:
    size = len(mesh.nodes)
    gap = 1.5 if cell >= 9 else 0.0
    radius = 4 if cell >= 16 else 0
    for state in LinkState:
        path = []
        for node in mesh.nodes:
            row = mesh.row(node)
            for first, length in _runs(row, state, apart=gap > 0):
                x, y = left + first * cell, top + node.index * cell
                if radius:
                    path.append(_rounded(x + gap, y + gap, cell - 2 * gap, radius))
                else:
                    path.append(f"M{x + gap:g} {y + gap:g}h{length * cell - 2 * gap:g}v{cell - 2 * gap:g}h{2 * gap - length * cell:g}z")
        if path:
            yield f'<path class="{state.value}" d="{"".join(path)}"/>'
    if cell >= 16:
        for here in range(size):
            for there, state in enumerate(mesh.row(here)):
                if state in _MARKS:
                    x, y = left + (there + 0.5) * cell, top + (here + 0.5) * cell + cell * 0.18
                    place = f'x="{x:g}" y="{y:g}" font-size="{cell * 0.5:g}"'
                    yield f'<text class="mark" {place} font-weight="700" text-anchor="middle">{_MARKS[state]}</text>'


def _runs(row: list[LinkState], state: LinkState, *, apart: bool) -> Iterator[tuple[int, int]]:
    """Where a state begins in a row and how many cells it fills; each cell alone if they stand apart."""
    start: int | None = None
    for index, other in enumerate([*row, None]):
        if other is state and apart:
            yield index, 1
        elif other is state and start is None:
            start = index
        elif other is not state and start is not None:
            yield start, index - start
            start = None


def _rounded(x: float, y: float, side: float, radius: float) -> str:
    straight = side - 2 * radius
    arc = f"a{radius} {radius} 0 0 1"
    return (
        f"M{x + radius:g} {y:g}h{straight:g}{arc} {radius} {radius}v{straight:g}{arc} -{radius} {radius}"
        f"h-{straight:g}{arc} -{radius} -{radius}v-{straight:g}{arc} {radius} -{radius}z"
    )


def _graph(mesh: Mesh) -> _Box:
    """The nodes on a circle; links that are up as thin lines, the others as thick ones."""
    count = len(mesh.nodes)
    side = 380.0
    names = short_names(mesh)
    named = count <= 40
    radius = side / 2 - (min(max((len(name) for name in names), default=0), 16) * _LETTER + 14 if named else 12)
    center = side / 2
    turn = [2 * math.pi * index / max(count, 1) - math.pi / 2 for index in range(count)]
    places = [(center + radius * math.cos(angle), center + radius * math.sin(angle)) for angle in turn]
    body = list(_edges(mesh, places))
    dot = 5.0 if count <= 60 else max(1.2, 300 / count)
    for node, (x, y), angle in zip(mesh.nodes, places, turn, strict=True):
        bad = sum(mesh.faults[node.index])
        kind = "unseen" if not node.is_observed and not bad else "down" if bad else "up"
        body.append(f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="{dot:.1f}"/>')
        if named:
            right = math.cos(angle) > -0.01
            body.append(
                f'<text class="ink" x="{x + (10 if right else -10):.1f}" y="{y + 4 + 6 * math.sin(angle):.1f}" font-size="11" '
                f'text-anchor="{"start" if right else "end"}">{html.escape(names[node.index][:16])}</text>'
            )
    return _Box(side, side, "\n".join(body))


def _edges(mesh: Mesh, places: list[tuple[float, float]]) -> Iterator[str]:
    paths: dict[LinkState, list[str]] = {state: [] for state in LinkState}
    if len(places) <= _MOST_EDGES:
        for here in range(len(places)):
            for there in range(here):
                states = {mesh.state(here, there), mesh.state(there, here)} - {LinkState.UNSEEN}
                if states == {LinkState.UP}:
                    paths[LinkState.UP].append(_line(places, here, there))
    for link in mesh.links(only_faults=True):
        paths[link.state].append(_line(places, link.observer.index, link.peer.index))
    for state, lines in paths.items():
        if lines:
            look = 'stroke-width="1" stroke-opacity="0.3"' if state is LinkState.UP else 'stroke-width="2" stroke-opacity="0.85"'
            yield f'<path class="{state.value}-line" {look} d="{"".join(lines)}"/>'


def _line(places: list[tuple[float, float]], here: int, there: int) -> str:
    (x, y), (u, v) = places[here], places[there]
    return f"M{x:.0f} {y:.0f}L{u:.0f} {v:.0f}"
