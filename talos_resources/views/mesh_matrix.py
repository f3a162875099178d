"""The matrix of a mesh as SVG: rows observe columns, faults stand out, and every row and column has its name."""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import Final, NamedTuple

from talos_resources.insight.links import LinkState, is_asymmetric
from talos_resources.insight.outline import Outline, Tally
from talos_resources.views.mesh_words import MARKS, entry_names, told

LETTER: Final = 0.57
"""How wide a letter is, of the size of its font; what is drawn is rather narrower."""
FONT: Final = 12.0
_LARGEST, _SMALLEST = 34.0, 16.0
_SIDE: Final = 620.0
_BETWEEN_SITES: Final = 8.0
_TOLD_CELLS: Final = 1000
"""Up to so many cells those that are up tell what they are, too."""


class Box(NamedTuple):
    """A part of a picture."""

    width: float
    height: float
    body: str


def wide(text: str, font: float = FONT) -> float:
    """How much room a text takes at most."""
    return len(text) * font * LETTER


def matrix(drawn: Outline) -> Box:
    """The matrix with its names."""
    names = entry_names(drawn)
    cell = min(_LARGEST, max(_SMALLEST, _SIDE / max(len(names), 1)))
    longest = max(map(wide, names), default=0.0)
    steep = longest > 60 or cell < 24  # long names stand upright, so that none is cut at the picture's edge
    left, top = longest + 10, (longest + 8 if steep else longest * 0.72 + 14)
    places = list(_places(drawn, cell))
    side = places[-1] + cell if places else 0.0
    body = [*_cells(drawn, names, places, cell, (left, top)), *_labels(names, places, cell, (left, top), steep=steep)]
    sites = list(_sites(drawn, places, cell))
    body += [
        f'<text class="dim" x="{left + side + 10:.1f}" y="{top + middle + 4:.1f}" font-size="11">{html.escape(name)}</text>'
        for name, middle in sites
    ]
    beyond = max([*(wide(name, 11) + 10 for name, _ in sites), 0.0 if steep else (wide(names[-1]) if names else 0) * 0.72])
    return Box(left + side + beyond, top + side, "\n".join(body))


def _places(drawn: Outline, cell: float) -> Iterator[float]:
    """Where each row begins; sites stand apart."""
    place, before = 0.0, None
    for entry in drawn.entries:
        if before is not None and entry.site != before:
            place += _BETWEEN_SITES
        yield place
        place, before = place + cell, entry.site


def _sites(drawn: Outline, places: list[float], cell: float) -> Iterator[tuple[str, float]]:
    """The sites whose name no group says, and their middles."""
    rows: dict[str, list[int]] = {}
    for index, entry in enumerate(drawn.entries):
        rows.setdefault(entry.site, []).append(index)
    for site, own in rows.items():
        if site and not any(drawn.entries[index].is_group for index in own):
            yield site, (places[own[0]] + places[own[-1]] + cell) / 2


def _labels(names: list[str], places: list[float], cell: float, corner: tuple[float, float], *, steep: bool) -> Iterator[str]:
    left, top = corner
    for name, place in zip(names, places, strict=True):
        middle, text = place + cell / 2, html.escape(name)
        yield f'<text class="ink" x="{left - 8:.1f}" y="{top + middle + 4:.1f}" text-anchor="end" font-size="{FONT:g}">{text}</text>'
        turned = f"translate({left + middle + (4 if steep else 2):.1f} {top - 6:.1f}) rotate({-90 if steep else -45})"
        yield f'<text class="ink" font-size="{FONT:g}" transform="{turned}">{text}</text>'


def _cells(drawn: Outline, names: list[str], places: list[float], cell: float, corner: tuple[float, float]) -> Iterator[str]:
    every = len(places) ** 2 <= _TOLD_CELLS
    quiet: dict[LinkState, list[str]] = {}
    gap, radius = 1.5, 4.0
    for here, row in enumerate(drawn.tallies):
        for there, tally in enumerate(row):
            x, y = corner[0] + places[there], corner[1] + places[here]
            shape = _rounded(x + gap, y + gap, cell - 2 * gap, radius)
            alone = here == there and not drawn.entries[here].is_group
            if tally.faults:
                yield _fault(drawn, (here, there), (x, y, cell), shape, told(drawn, names, here, there))
            elif every and not alone:
                words = html.escape(told(drawn, names, here, there))
                yield f'<path class="{tally.state.value}" d="{shape}"><title>{words}</title></path>'
            else:
                quiet.setdefault(LinkState.SELF if alone else tally.state, []).append(shape)
    for state, shapes in quiet.items():
        yield f'<path class="{state.value}" d="{"".join(shapes)}"/>'


def _fault(drawn: Outline, pair: tuple[int, int], place: tuple[float, float, float], shape: str, words: str) -> str:
    """A cell with something that is not up: filled if that is all of it, else a spot in a cell that is up."""
    (here, there), (x, y, cell) = pair, place
    tally, back = drawn.tallies[here][there], drawn.tallies[there][here]
    state = tally.state
    mark = MARKS[state] + ("!" if is_one_way(tally, back) else "")
    share = (tally.faults / tally.total) ** 0.5
    spot = shape
    parts = []
    if tally.faults < tally.total:
        side = max(cell * 0.62, (cell - 3) * share)
        spot = _rounded(x + (cell - side) / 2, y + (cell - side) / 2, side, 4.0)
        parts.append(f'<path class="up" d="{shape}"/>')
    font = min(cell * 0.62, 15.0)
    parts.append(f'<path class="{state.value}" d="{spot}"/>')
    parts.append(
        f'<text class="{state.value}-mark" x="{x + cell / 2:.1f}" y="{y + cell / 2 + font * 0.36:.1f}" font-size="{font:.1f}" '
        f'font-weight="700" text-anchor="middle">{mark}</text>'
    )
    return f"<g><title>{html.escape(words)}</title>{''.join(parts)}</g>"


def is_one_way(tally: Tally, back: Tally) -> bool:
    """Whether a cell of two nodes shows a link that is up in one direction only."""
    return tally.total == 1 and back.total == 1 and is_asymmetric(tally.state, back.state)


def _rounded(x: float, y: float, side: float, radius: float) -> str:
    straight = side - 2 * radius
    arc = f"a{radius:g} {radius:g} 0 0 1"
    return (
        f"M{x + radius:.1f} {y:.1f}h{straight:.1f}{arc} {radius:g} {radius:g}v{straight:.1f}{arc} -{radius:g} {radius:g}"
        f"h-{straight:.1f}{arc} -{radius:g} -{radius:g}v-{straight:.1f}{arc} {radius:g} -{radius:g}z"
    )
