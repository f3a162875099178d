# ruff: noqa: INP001, S603 - a script, not a package, which runs our own commands
"""Draws the pictures of the documentation from what the commands really print on a terminal, and from the code.

Run `python docs/images/make.py`; a test says when a picture is not current. With `--shots` pages are photographed too,
which takes Chromium and looks a little different on each machine, so no test compares them.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import re
import runpy
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from PIL import Image
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text
from textual.widgets import Static

from talos_resources import KubeSpanPeerStatus, open_source
from talos_resources.cli.main import main
from talos_resources.insight.doctor import examine
from talos_resources.insight.mesh import Mesh, build
from talos_resources.insight.snapshot import Snapshot
from talos_resources.model.kind import kind_of
from talos_resources.model.timestamp import Timestamp
from talos_resources.simulate.run import run
from talos_resources.simulate.scenarios import scenario
from talos_resources.sources.cluster import Cluster
from talos_resources.sources.snapshots import view_of
from talos_resources.tui.app import Top
from talos_resources.tui.examining import Examining
from talos_resources.tui.link import LinkScreen
from talos_resources.tui.live import Live
from talos_resources.tui.rows import Rows
from talos_resources.tui.slider import Slider
from talos_resources.tui.travel import Travel
from talos_resources.views import mesh_text
from talos_resources.views.mesh_svg import mesh_svg
from talos_resources.views.output import list_printer, parse_output

FOLDER = Path(__file__).parent
WIDTH = 150
Steps = Mapping[str, tuple[tuple[str, ...], Callable[[Top], bool]]]


def pictures() -> dict[str, str]:
    """File name → SVG."""
    return {
        "peerstatuses.svg": peer_statuses(),
        "mesh.svg": mesh("nat", 6),
        "mesh-60.svg": mesh("nat", 60),
        "terminal-mesh.svg": terminal_mesh(),
        "terminal-doctor.svg": terminal_doctor(),
        "architecture.svg": architecture(),
        **tops(),
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
    return build(snapshot(name, nodes))


def snapshot(name: str, nodes: int) -> Snapshot:
    """What the nodes hold at the end of a scenario."""
    cluster, _ = run(scenario(name), nodes=nodes)
    return Snapshot(views=tuple(view_of(node.state, name) for name, node in cluster.nodes.items()))


def terminal_mesh() -> str:
    """`mesh` of fifty simulated nodes at 80 columns, as a terminal shows it."""
    console = Console(record=True, width=80, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print("$ talos-resources mesh --from support.zip", highlight=False)
    for line in mesh_text.lines(simulated("nat", 50), width=80):
        console.print(mesh_text.coloured(line))
    return exported(console)


def terminal_doctor() -> str:
    """`doctor` of the mesh of `mesh-60.svg`, at 80 columns."""
    diagnosis = examine(snapshot("nat", 60))
    console = Console(record=True, width=80, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print("$ talos-resources doctor --from support.zip", highlight=False)
    console.print(Text.from_ansi("".join(f"{line}\n" for line in diagnosis.text(width=80, colour=True).splitlines())))
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
            # Few colours, and the rare ones among them: a red mark in a corner is what a page is about.
            Image.open(shot).convert("RGB").quantize(96, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(
                FOLDER / f"{name}.png", optimize=True
            )


def tops() -> dict[str, str]:
    """`top` on a terminal of 80 by 20: its tabs and a link of a mesh with a link that is not up, and the events of a recording."""
    simulated, _ = run(scenario("nat"), nodes=6)
    cluster = Cluster({name: partial(getattr, node, "state") for name, node in simulated.nodes.items()}, source="nat")
    steps: Steps = {
        "top": ((), lambda app: "→" in shown(app, "#cell-told")),
        "top-link": (("enter",), lambda app: isinstance(app.screen, LinkScreen) and "recorded" in shown(app, "#past-text")),
        "top-peers": (("escape", "2"), lambda app: app.query_one("#peer-table", Rows).row_count == 30),
        "top-doctor": (("3",), lambda app: app.query_one(Examining).is_done and "both are behind NAT" in shown(app, "#doctor-head")),
        "top-resources": (("colon", *"kubespanpeerspec", "enter"), lambda app: app.query_one("#resource-table", Rows).row_count == 5),
    }
    found = asyncio.run(walked(Top(Live(cluster, cluster.nodes)), steps))
    with tempfile.TemporaryDirectory() as folder:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            main(["simulate", "--nodes", "4", "--scenario", "partition", "--record", f"sqlite:{folder}/mesh.db"])
        with open_source(f"sqlite:{folder}/mesh.db") as recorded:
            travel = Travel(recorded, recorded.nodes, Timestamp.parse("2026-01-01T00:05:10Z"))
            steps = {
                "top-events": (("4",), lambda app: app.query_one("#event-table", Rows).row_count > 20 and app.query_one(Slider).display)
            }
            return found | asyncio.run(walked(Top(travel.live(), travel), steps))


async def walked(app: Top, steps: Steps) -> dict[str, str]:
    """The screens of `top` by name, one after the other: what leads there, and what says that one is there."""
    found = {}
    async with app.run_test(size=(80, 20)) as pilot:
        while not app.is_current:
            await pilot.pause(0.1)
        for name, (keys, is_there) in steps.items():
            await pilot.press(*keys)
            before = ""
            while not is_there(app) or before != (now := without_fonts(app.export_screenshot(title="talos-resources top"))):
                before = now if is_there(app) else ""
                await pilot.pause(0.5)
            found[f"{name}.svg"] = now
    return found


def shown(app: Top, where: str) -> str:
    """The text of a part of a screen."""
    return str(app.screen.query_one(where, Static).render())


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
