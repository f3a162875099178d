"""Where the texts of an SVG really are, measured with the font that pictures are drawn in."""

from __future__ import annotations

import importlib.util
import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from PIL import ImageFont

SVG = "{http://www.w3.org/2000/svg}"


class Text(NamedTuple):
    """A text and the corners of its box."""

    words: str
    left: float
    top: float
    right: float
    bottom: float


@cache
def _font(size: float, *, bold: bool) -> ImageFont.FreeTypeFont:
    spec = importlib.util.find_spec("font_roboto")
    assert spec is not None
    assert spec.origin is not None
    return ImageFont.truetype(str(Path(spec.origin).parent / "files" / f"Roboto-{'Bold' if bold else 'Regular'}.ttf"), size)


def texts(root: ET.Element, x: float = 0.0, y: float = 0.0) -> Iterator[Text]:
    """All texts below an element that is drawn there."""
    for child in root:
        moved = re.fullmatch(r"translate\(([-\d.]+) ([-\d.]+)\)", child.get("transform", ""))
        if child.tag == f"{SVG}text":
            yield _text(child, x, y)
        elif moved is not None:
            yield from texts(child, x + float(moved[1]), y + float(moved[2]))
        else:
            yield from texts(child, x, y)


def _text(element: ET.Element, x: float, y: float) -> Text:
    words, size = "".join(element.itertext()), float(element.get("font-size", "0"))
    long = _font(size, bold=element.get("font-weight") in {"600", "700"}).getlength(words) + 8 * len(element)
    turned = re.fullmatch(r"translate\(([-\d.]+) ([-\d.]+)\) rotate\((-?\d+)\)", element.get("transform", ""))
    start = {"end": -long, "middle": -long / 2}.get(element.get("text-anchor", ""), 0.0)
    at = (float(element.get("x", "0")), float(element.get("y", "0"))) if turned is None else (float(turned[1]), float(turned[2]))
    angle = 0.0 if turned is None else math.radians(int(turned[3]))
    corners = [
        (x + at[0] + dx * math.cos(angle) - dy * math.sin(angle), y + at[1] + dx * math.sin(angle) + dy * math.cos(angle))
        for dx in (start, start + long)
        for dy in (-size * 0.75, size * 0.25)
    ]
    across, down = zip(*corners, strict=True)
    return Text(words, min(across), min(down), max(across), max(down))
