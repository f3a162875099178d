# ruff: noqa: INP001, S603 - a script, not a package, which runs our own commands
"""Draws the pictures of the documentation from what the commands really print on a terminal, and from the code.

Run `python docs/images/make.py`; a test says when a picture is not current. With `--shots` pages are photographed too,
which takes Chromium and looks a little different on each machine, so no test compares them.
"""

from __future__ import annotations

import asyncio
import io
import re
import runpy
import shutil
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from PIL import Image
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text
from textual.widgets import Static

from talos_resources import KubeSpanPeerStatus, open_source
from talos_resources.insight.doctor import examine
from talos_resources.insight.mesh import Mesh, build
from talos_resources.insight.snapshot import Snapshot
from talos_resources.model.kind import kind_of
from talos_resources.simulate.run import run
from talos_resources.simulate.scenarios import scenario
from talos_resources.sources.cluster import Cluster
from talos_resources.sources.snapshots import view_of
from talos_resources.tui.app import Top
from talos_resources.tui.live import Live
from talos_resources.views import mesh_text
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
        "terminal-mesh.svg": terminal_mesh(),
        "terminal-doctor.svg": terminal_doctor(),
        "architecture.svg": architecture(),
        "top.svg": top(),
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
    return exported(console)


def mesh(name: str, nodes: int) -> str:
    """`mesh -o svg` of a scenario with so many simulated nodes."""
    return mesh_svg(simulated(name, nodes))


def simulated(name: str, nodes: int) -> Mesh:
    """The mesh at the end of a scenario."""
    cluster, _ = run(scenario(name), nodes=nodes)
    return build(Snapshot(views=tuple(view_of(node.state, name) for name, node in cluster.nodes.items())))


def terminal_mesh() -> str:
    """`mesh` of fifty simulated nodes at 80 columns, as a terminal shows it."""
    console = Console(record=True, width=80, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print("$ talos-resources mesh --from support.zip", highlight=False)
    for line in mesh_text.lines(simulated("nat", 50), width=80):
        console.print(mesh_text.coloured(line))
    return exported(console)


def terminal_doctor() -> str:
    """`doctor` of the mesh of `mesh-60.svg`, at 80 columns."""
    cluster, _ = run(scenario("nat"), nodes=60)
    snapshot = Snapshot(views=tuple(view_of(node.state, name) for name, node in cluster.nodes.items()))
    console = Console(record=True, width=80, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print("$ talos-resources doctor --from support.zip", highlight=False)
    console.print(Text.from_ansi("".join(f"{line}\n" for line in examine(snapshot).text(width=80, colour=True).splitlines())))
    return exported(console)


def exported(console: Console) -> str:
    """What a console has shown."""
    return without_fonts(console.export_svg(title="talos_resources", theme=MONOKAI, unique_id="talos-resources"))


def shots() -> None:
    """Photographs of pages: file name → command, width, height and whether it is dark."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        sys.exit("docs/images/make.py: --shots needs chromium")
    wanted = {
        "page-mesh": (("mesh", "-o", "html"), 1280, 900, False),
        "page-mesh-phone": (("mesh", "-o", "html"), 500, 1000, True),
        "report": (("report", "-o", "html"), 1280, 1500, False),
        "page-get": (("get", "kubespanpeerstatuses", "-o", "html"), 1280, 560, False),
    }
    with tempfile.TemporaryDirectory() as folder:
        bundle = f"{folder}/support.zip"
        talos = [sys.executable, "-m", "talos_resources"]
        subprocess.run([*talos, "simulate", "--nodes", "60", "--scenario", "nat", "--to", bundle], check=True, stdout=subprocess.DEVNULL)
        for name, (arguments, width, height, dark) in wanted.items():
            source = "demo" if arguments[0] == "get" else "support.zip"
            page = subprocess.run([*talos, *arguments, "--from", source], check=True, stdout=subprocess.PIPE, cwd=folder).stdout
            (Path(folder) / "page.html").write_bytes(page)
            flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--virtual-time-budget=5000"]
            flags += ["--blink-settings=preferredColorScheme=0"] if dark else []
            shot = f"{folder}/shot.png"
            command = [program, *flags, f"--user-data-dir={folder}/profile", f"--window-size={width},{height}", f"--screenshot={shot}"]
            subprocess.run([*command, f"file://{folder}/page.html"], check=True, capture_output=True, timeout=120)
            Image.open(shot).convert("RGB").quantize(48).save(FOLDER / f"{name}.png", optimize=True)


def top() -> str:
    """`top` of a mesh with a link that is not up, the cursor on it, on a terminal of 80 by 20."""
    simulated, _ = run(scenario("nat"), nodes=6)
    cluster = Cluster({name: partial(getattr, node, "state") for name, node in simulated.nodes.items()}, source="nat")

    async def drawn() -> str:
        app = Top(Live(cluster, cluster.nodes))
        async with app.run_test(size=(80, 20)) as pilot:
            while not app.is_current or "→" not in str(app.query_one("#cell-told", Static).render()):
                await pilot.pause(0.1)
            await pilot.pause(1.0)
            return app.export_screenshot(title="talos-resources top")

    return without_fonts(asyncio.run(drawn()))


def without_fonts(svg: str) -> str:
    """A picture fetches nothing; any monospace font will do."""
    return re.sub(r"@font-face \{[^}]*\}\s*", "", svg)


def architecture() -> str:
    """The packages and who imports whom."""
    root = str(FOLDER.parents[1])
    if root not in sys.path:  # for the tests, which have the table of layers
        sys.path.insert(0, root)
    return str(runpy.run_path(str(FOLDER / "architecture.py"))["architecture"]())


if __name__ == "__main__":
    for name, svg in pictures().items():
        (FOLDER / name).write_text(svg, encoding="utf-8")
    if "--shots" in sys.argv:
        shots()
