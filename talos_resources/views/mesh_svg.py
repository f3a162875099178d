"""The mesh as a picture: the matrix and, where something is broken, what that is, in one SVG; and that as PNG.

Faults are strong colours with a mark, what is up is pale: the eye goes to the fault, also one that cannot tell the colours.
"""

from __future__ import annotations

import html
from typing import Final

from talos_resources.insight.mesh import LinkState, Mesh
from talos_resources.insight.outline import outline
from talos_resources.insight.summary import summary
from talos_resources.model.errors import ConfigError
from talos_resources.model.printable import printable
from talos_resources.views.mesh_faults import faults
from talos_resources.views.mesh_matrix import FONT, Box, matrix, wide
from talos_resources.views.mesh_text import worst
from talos_resources.views.mesh_words import LEGEND, MARKS

LIGHT: Final = {
    "up": "#cfeadd",
    "down": "#c9213a",
    "unknown": "#f0b429",
    "absent": "#8450c8",
    "unseen": "#e6eaef",
    "self": "#f3f5f8",
    "node": "#647282",
    "ink": "#1b232c",
    "dim": "#647282",
    "paper": "#ffffff",
}
DARK: Final = LIGHT | {
    "up": "#1d4034",
    "down": "#ee4f63",
    "absent": "#a47be0",
    "unseen": "#2b333d",
    "self": "#1a212a",
    "node": "#93a1b1",
    "ink": "#e6ebf0",
    "dim": "#93a1b1",
    "paper": "#11161c",
}
_MARK: Final = {"down": "#ffffff", "unknown": "#1b232c", "absent": "#ffffff"}
_PAD: Final = 24.0


def mesh_svg(mesh: Mesh, *, dark: bool | None = None) -> str:
    """A picture of the mesh.

    Args:
        mesh: any.
        dark: its colours; None for those that the viewer prefers.
    """
    drawn = outline(mesh)
    left, right, legend = matrix(drawn), faults(drawn), _legend(mesh)
    title, below = summary(mesh), printable(worst(mesh))
    head = 66.0 if below else 50.0
    both = left.width + (right.width + _PAD if right.body else 0)
    width = max(both, legend.width, wide(title, 18), wide(below, 13)) + 2 * _PAD
    height = head + max(left.height, right.height + 8) + legend.height + 2 * _PAD
    size = f'viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="system-ui, -apple-system, Roboto, sans-serif" role="img">',
        f"<title>{html.escape(title)}</title>",
        f"<style>{_style(dark)}</style>",
        f'<rect class="paper" width="{width:.0f}" height="{height:.0f}"/>',
        f'<text class="ink" x="{_PAD:g}" y="34" font-size="18" font-weight="600">{html.escape(title)}</text>',
    ]
    if below:
        lines.append(f'<text class="dim" x="{_PAD:g}" y="54" font-size="13">{html.escape(below)}</text>')
    lines.append(f'<g transform="translate({_PAD:g} {head:g})">{left.body}</g>')
    if right.body:
        lines.append(f'<g transform="translate({left.width + 2 * _PAD:.0f} {head + 8:g})">{right.body}</g>')
    lines += [f'<g transform="translate({_PAD:g} {height - _PAD - legend.height + 14:.0f})">{legend.body}</g>', "</svg>"]
    return "\n".join(lines) + "\n"


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


def picture_style() -> str:
    """The colours of pictures for a page that has several, light and dark."""
    return _style(None)


def _style(dark: bool | None) -> str:
    def of(colours: dict[str, str]) -> str:
        return "".join(f".{name}{{fill:{colour}}}.{name}-line{{stroke:{colour};fill:none}}" for name, colour in colours.items())

    marks = "".join(f".{name}-mark{{fill:{colour}}}" for name, colour in _MARK.items())
    if dark is None:
        return f"{of(LIGHT)}{marks}@media (prefers-color-scheme:dark){{{of(DARK)}}}"
    return of(DARK if dark else LIGHT) + marks


def _legend(mesh: Mesh) -> Box:
    """The states that the picture has, with their marks."""
    states = [state for state in LEGEND if state in {LinkState.UP, LinkState.DOWN} or mesh.counts.get(state)]
    if len(mesh.observed) < len(mesh.nodes):
        states.append(LinkState.UNSEEN)
    x, body = 0.0, []
    for state in states:
        text = LEGEND[state]
        body.append(f'<rect class="{state.value}" x="{x:.0f}" y="-11" width="14" height="14" rx="3"/>')
        if state in MARKS:
            place = f'x="{x + 7:.0f}" y="0" font-size="11" font-weight="700" text-anchor="middle"'
            body.append(f'<text class="{state.value}-mark" {place}>{MARKS[state]}</text>')
        body.append(f'<text class="dim" x="{x + 20:.0f}" y="0" font-size="{FONT:g}">{html.escape(text)}</text>')
        x += wide(text) + 40
    if mesh.asymmetries:
        body.append(f'<text class="dim" x="{x:.0f}" y="0" font-size="{FONT:g}">! up the other way only</text>')
        x += wide("! up the other way only") + 20
    body.append(f'<text class="dim" x="0" y="18" font-size="{FONT:g}">rows observe columns</text>')
    return Box(x, 34.0, "\n".join(body))
