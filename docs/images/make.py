# ruff: noqa: INP001 - a script, not a package
"""Draws the pictures of the documentation from what the commands really print on a terminal, and from the code.

Run `python docs/images/make.py`; a test says when a picture is not current.
"""

from __future__ import annotations

import io
import re
import runpy
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI

from talos_resources import KubeSpanPeerStatus, open_source
from talos_resources.insight.mesh import build
from talos_resources.insight.snapshot import Snapshot
from talos_resources.model.kind import kind_of
from talos_resources.simulate.run import run
from talos_resources.simulate.scenarios import scenario
from talos_resources.sources.snapshots import view_of
from talos_resources.views.mesh_svg import mesh_svg
from talos_resources.views.output import list_printer, parse_output

FOLDER = Path(__file__).parent
WIDTH = 150


def pictures() -> dict[str, str]:
    """File name → SVG."""
    return {
        "peerstatuses.svg": peer_statuses(),
        "mesh.svg": mesh("nat", 6),
        "mesh-60.svg": mesh("nat", 60),
        "architecture.svg": architecture(),
    }


def peer_statuses() -> str:
    """`get kubespanpeerstatuses` of the demo, as a terminal shows it."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print("$ python -m talos_resources get kubespanpeerstatuses", highlight=False)
    with open_source("demo") as cluster:
        peers = cluster.state(cluster.default_nodes[0]).list(KubeSpanPeerStatus)
    printer = list_printer(parse_output("table"), kind_of(KubeSpanPeerStatus), nodes=cluster.default_nodes, width=WIDTH)
    for piece in (*printer.resources(cluster.default_nodes[0], peers), *printer.finish()):
        console.print(piece, end="" if isinstance(piece, str) else "\n")
    svg = console.export_svg(title="talos_resources", theme=MONOKAI, unique_id="talos-resources")
    return re.sub(r"@font-face \{[^}]*\}\s*", "", svg)  # a picture fetches nothing; any monospace font will do


def mesh(name: str, nodes: int) -> str:
    """`mesh -o svg` of a scenario with so many simulated nodes."""
    simulated, _ = run(scenario(name), nodes=nodes)
    views = tuple(view_of(node.state, name) for name, node in simulated.nodes.items())
    return mesh_svg(build(Snapshot(views=views)))


def architecture() -> str:
    """The packages and who imports whom."""
    root = str(FOLDER.parents[1])
    if root not in sys.path:  # for the tests, which have the table of layers
        sys.path.insert(0, root)
    return str(runpy.run_path(str(FOLDER / "architecture.py"))["architecture"]())


if __name__ == "__main__":
    for name, svg in pictures().items():
        (FOLDER / name).write_text(svg, encoding="utf-8")
