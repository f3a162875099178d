"""The broken links of a mesh as a graph of two columns, as SVG: who, and with whom; nothing that is up is in it."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Final

from talos_resources.insight.links import LinkState
from talos_resources.insight.outline import Outline
from talos_resources.views.mesh_matrix import FONT, Box, wide
from talos_resources.views.mesh_words import MARKS, both_told, entry_names, pair_state

MOST_PAIRS: Final = 18
"""So many are drawn, the worst first; the text says how many more there are."""

_ROW: Final = 30.0
_SPAN: Final = 120.0
_HEAD: Final = 34.0
_APART: Final = 15.0
_DASHES: Final = {LinkState.UNKNOWN: ' stroke-dasharray="6 4"', LinkState.ABSENT: ' stroke-dasharray="2 4"'}


def faults(drawn: Outline) -> Box:
    """The graph; nothing where everything is up."""
    every = [_oriented(drawn, *pair) for pair in drawn.faulty()]
    pairs = every[:MOST_PAIRS]
    if not pairs:
        return Box(0, 0, "")
    names = entry_names(drawn)
    ends = _columns(pairs)
    left = max(wide(names[index]) for index in ends[0]) + 14
    words = {pair: pair_state(drawn, *pair) for pair in pairs}
    tails = _tails(pairs, {pair: text for pair, (_, text) in words.items()})
    right = left + _SPAN + 14
    rows = max(map(len, ends))
    y = [{index: _HEAD + _ROW * (place + 0.5) + (rows - len(column)) * _ROW / 2 for place, index in enumerate(column)} for column in ends]
    body = ['<text class="ink" x="0" y="12" font-size="13" font-weight="600">What is not up</text>']
    lines = [((left, y[0][here]), (left + _SPAN, y[1][there])) for here, there in pairs]
    for pair, (start, end), spot in zip(pairs, lines, _spots(lines), strict=True):
        body.append(_edge(both_told(drawn, names, *pair), words[pair][0], start, end, spot))
    for index in ends[0]:
        place = f'x="{left - 10:.0f}" y="{y[0][index] + 4:.0f}" text-anchor="end"'
        body += [
            _dot(drawn, index, left, y[0][index]),
            f'<text class="ink" {place} font-size="{FONT:g}">{html.escape(names[index])}</text>',
        ]
    for index in ends[1]:
        body += [_dot(drawn, index, left + _SPAN, y[1][index]), *_said(names[index], tails.get(index, ""), right - 4, y[1][index])]
    bottom = _HEAD + rows * _ROW
    notes = _notes(drawn, len(every))
    body += [
        f'<text class="dim" x="0" y="{bottom + 16 + 16 * line:.0f}" font-size="11">{html.escape(text)}</text>'
        for line, text in enumerate(notes)
    ]
    reach = max(max(wide(names[index]), wide(tails.get(index, ""), 11)) for index in ends[1])
    return Box(
        max(right + reach, *(wide(text, 11) for text in [*notes, "What is not up 12"])), bottom + 8 + 16 * len(notes), "\n".join(body)
    )


def _said(name: str, tail: str, x: float, y: float) -> list[str]:
    """A name at its dot; below it, where there is room on a phone too, what is wrong."""
    level = y + (-2 if tail else 4)
    lines = [f'<text class="ink" x="{x:.0f}" y="{level:.0f}" font-size="{FONT:g}">{html.escape(name)}</text>']
    return [*lines, f'<text class="dim" x="{x:.0f}" y="{level + 14:.0f}" font-size="11">{html.escape(tail)}</text>'] if tail else lines


def faults_svg(drawn: Outline) -> str:
    """The graph as an SVG of its own, for a page whose styles have the colours; empty if there is nothing to draw."""
    box = faults(drawn)
    if not box.body:
        return ""
    width, height = box.width + 8, box.height + 8
    return f'<svg viewBox="-4 -4 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}" role="img">{box.body}</svg>'


def _oriented(drawn: Outline, here: int, there: int) -> tuple[int, int]:
    """A node before a group: it is what the line is about."""
    return (there, here) if drawn.entries[here].is_group and not drawn.entries[there].is_group else (here, there)


def _columns(pairs: Sequence[tuple[int, int]]) -> tuple[list[int], list[int]]:
    """The ends of the lines, left and right, each once and so that few lines cross."""
    left = list(dict.fromkeys(here for here, _ in pairs))
    right: dict[int, list[int]] = {}
    for here, there in pairs:
        right.setdefault(there, []).append(left.index(here))
    return left, sorted(right, key=lambda index: (sum(right[index]) / len(right[index]), index))


def _tails(pairs: Sequence[tuple[int, int]], words: dict[tuple[int, int], str]) -> dict[int, str]:
    """What is wrong, beside the right end, where all of its lines say the same or there is only one."""
    found: dict[int, set[str]] = {}
    for pair in pairs:
        found.setdefault(pair[1], set()).add(words[pair])
    return {index: next(iter(texts)) for index, texts in found.items() if len(texts) == 1}


def _edge(text: str, state: LinkState, start: tuple[float, float], end: tuple[float, float], spot: tuple[float, float] | None) -> str:
    (x, y), (u, v) = start, end
    middle = (x + u) / 2
    mark = ""
    if spot is not None:
        mark = (
            f'<circle class="{state.value}" cx="{spot[0]:.0f}" cy="{spot[1]:.0f}" r="7"/>'
            f'<text class="{state.value}-mark" x="{spot[0]:.0f}" y="{spot[1] + 4:.0f}" font-size="11" font-weight="700" '
            f'text-anchor="middle">{MARKS[state]}</text>'
        )
    return (
        f'<g><title>{html.escape(text)}</title><path class="{state.value}-line" stroke-width="2"{_DASHES.get(state, "")} '
        f'd="M{x:.0f} {y:.0f}C{middle:.0f} {y:.0f} {middle:.0f} {v:.0f} {u:.0f} {v:.0f}"/>{mark}</g>'
    )


def _spots(lines: Sequence[tuple[tuple[float, float], tuple[float, float]]]) -> list[tuple[float, float] | None]:
    """A place on each line for its mark where no other mark is, as near to its middle as there is one."""
    found: list[tuple[float, float] | None] = []
    for (x, y), (u, v) in lines:
        free = None
        for part in (0.5, 0.4, 0.6, 0.3, 0.7, 0.22, 0.78, 0.15, 0.85):
            level = y + (v - y) * part * part * (3 - 2 * part)
            place = x + (u - x) * (1.5 * part * (1 - part) + part**3)
            if all(other is None or abs(place - other[0]) > _APART or abs(level - other[1]) > _APART for other in found):
                free = place, level
                break
        found.append(free)
    return found


def _dot(drawn: Outline, index: int, x: float, y: float) -> str:
    return f'<circle class="node" cx="{x:.0f}" cy="{y:.0f}" r="{6 if drawn.entries[index].is_group else 4}"/>'


def _notes(drawn: Outline, count: int) -> list[str]:
    found = []
    if count > MOST_PAIRS:
        found.append(f"and {count - MOST_PAIRS} more pairs: see the matrix")
    if drawn.unnamed:
        found.append(f"{drawn.unnamed} more nodes with faults are in groups")
    return found
