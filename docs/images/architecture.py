# ruff: noqa: INP001 - beside a script, not in a package
"""The packages as a picture: layers as the test of the layers has them, lines as the code imports.

A line that others imply is left out: who imports `views` comes to `codec` through it anyway.
"""

from __future__ import annotations

import ast
import html
from collections import defaultdict
from collections.abc import Iterator
from typing import Final

import networkx as nx

from tests.test_layers import LAYERS, PACKAGE, imports, modules, room

_WIDTH: Final = 960
_BOX: Final = (118, 30)
_ROW: Final = 62
_BAND_GAP: Final = 14
_LEFT: Final = 40
_TOP: Final = 6
_ASIDE: Final = 85
_STYLE: Final = """
  text { font: 13px ui-monospace, monospace; text-anchor: middle; fill: #1b1f24; }
  .band { fill: #f4f6f8; } .number { fill: #8a939e; font-size: 12px; }
  .box { fill: #ffffff; stroke: #57606a; } .import { stroke: #8a939e; fill: none; }
"""


def graph() -> nx.DiGraph[str]:
    """Who imports whom, package by package, late imports included; entry points and what is made for tests aside."""
    found: nx.DiGraph[str] = nx.DiGraph()
    found.add_nodes_from(name for name in LAYERS if not _left_out(name))
    for path in modules():
        own = room(path.relative_to(PACKAGE).as_posix())
        for _, module in imports(path):
            theirs = room("/".join(module.split(".")[1:]) or "__init__")
            if own != theirs and not _left_out(own) and not _left_out(theirs):
                found.add_edge(own, theirs)
    return found


def _left_out(name: str) -> bool:
    return name.startswith("__") or name in {"testing", "proto"}


def rows(packages: nx.DiGraph[str]) -> dict[int, list[list[str]]]:
    """Layer → its rows from the top, each of the packages that import nothing of their own row."""
    found: dict[int, list[list[str]]] = {}
    for layer in sorted({LAYERS[name] for name in packages}, reverse=True):
        members = packages.subgraph([name for name in LAYERS if name in packages and LAYERS[name] == layer])
        generations = list(nx.topological_generations(members))
        found[layer] = [sorted(generation, key=list(LAYERS).index) for generation in generations]
    return found


def architecture() -> str:
    """The picture as SVG."""
    packages = graph()
    places: dict[str, tuple[float, float]] = {}
    bands: list[tuple[int, float, float]] = []
    y, side = float(_TOP), 1
    for layer, found in rows(packages).items():
        bands.append((layer, y, len(found) * _ROW))
        for number, row in enumerate(found):
            step = (_WIDTH - _LEFT) / len(row)
            side = -side  # boxes above each other would hide the lines between them
            for index, name in enumerate(row):
                places[name] = _LEFT + step * (index + 0.5) + side * _ASIDE, y + _ROW * (number + 0.5)
        y += len(found) * _ROW + _BAND_GAP
    body = "\n".join([*_bands(bands), *_lines(packages, places), *_boxes(places)])
    size = f'viewBox="0 0 {_WIDTH} {y:.0f}" width="{_WIDTH}" height="{y:.0f}"'
    title = "Packages by layer; a line leads from who imports to what is imported, always down"
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">\n<title>{title}</title>\n<style>{_STYLE}</style>\n{body}\n</svg>\n'


def _bands(bands: list[tuple[int, float, float]]) -> Iterator[str]:
    for layer, top, height in bands:
        yield f'<rect class="band" x="0" y="{top:.0f}" width="{_WIDTH}" height="{height:.0f}" rx="6"/>'
        yield f'<text class="number" x="20" y="{top + height / 2 + 4:.0f}">{layer}</text>'


def _lines(packages: nx.DiGraph[str], places: dict[str, tuple[float, float]]) -> Iterator[str]:
    below: dict[str, list[str]] = defaultdict(list)
    for own, theirs in nx.transitive_reduction(packages).edges:
        below[own].append(theirs)
    for own, (x1, y1) in places.items():
        for theirs in sorted(below[own], key=list(places).index):
            x2, y2 = places[theirs]
            start, end = y1 + _BOX[1] / 2, y2 - _BOX[1] / 2
            bend = (start + end) / 2
            yield (
                f'<path class="import" d="M{x1:.0f} {start:.0f} C{x1:.0f} {bend:.0f} {x2:.0f} {bend:.0f} {x2:.0f} {end:.0f}">'
                f"<title>{own} imports {theirs}</title></path>"
            )


def _boxes(places: dict[str, tuple[float, float]]) -> Iterator[str]:
    width, height = _BOX
    for name, (x, y) in places.items():
        yield (
            f'<g><title>{html.escape(_about(name))}</title><rect class="box" x="{x - width / 2:.0f}" y="{y - height / 2:.0f}" '
            f'width="{width}" height="{height}" rx="4"/><text x="{x:.0f}" y="{y + 4:.0f}">{name}</text></g>'
        )


def _about(name: str) -> str:
    """What the package says of itself in its first line."""
    text = ast.get_docstring(ast.parse((PACKAGE / name / "__init__.py").read_text(encoding="utf-8")))
    return str(text or name).splitlines()[0]
