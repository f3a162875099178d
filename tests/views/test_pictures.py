"""The mesh as page and picture."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import attrs
import pytest
from PIL import Image, ImageChops, ImageColor

from talos_resources.cli.main import main
from talos_resources.insight.mesh import build
from talos_resources.views.mesh_html import mesh_html
from talos_resources.views.mesh_svg import LIGHT, mesh_png, mesh_svg
from tests.insight.changes import everywhere, statuses
from tests.insight.scenes import demo, scene
from tests.views.notebook import shown

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")


def share(image: Image.Image, colour: str) -> float:
    """How much of an image is of a colour, give or take a little."""
    want = ImageColor.getrgb(colour)[:3]
    bands = [
        band.point([255 * (abs(level - wanted) < 6) for level in range(256)]) for band, wanted in zip(image.split(), want, strict=True)
    ]
    both = ImageChops.multiply(ImageChops.multiply(bands[0], bands[1]), bands[2])
    hits: int = both.histogram()[255]
    pixels: int = image.width * image.height
    return hits / pixels


@pytest.mark.parametrize("nodes", [2, 6, 40, 130])
def test_the_picture_is_sound(nodes: int) -> None:
    mesh = build(scene("mesh", nodes=nodes, duration_s=60))
    root = ET.fromstring(mesh_svg(mesh))
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    assert 300 < width < 1600
    assert 300 < height < 900
    assert len(mesh_svg(mesh)) < 500_000


def test_names_cannot_break_out() -> None:
    evil = "</script><script>alert(1)</script>"
    snapshot = everywhere(demo(), statuses=statuses("talos-default-worker-1", label=evil), specs=lambda _: (), affiliates=lambda _: ())
    snapshot = attrs.evolve(snapshot, views=tuple(attrs.evolve(view, nodename=None, members=()) for view in snapshot.views[:3]))
    page = mesh_html(build(snapshot), source=evil)
    assert "alert(1)" in page
    assert "<script>alert" not in page
    ET.fromstring(mesh_svg(build(snapshot)))


def test_the_page_loads_nothing_and_holds_everything() -> None:
    page = mesh_html(build(scene("nat")))
    assert not re.search(r"""(?:src|href)\s*=|url\(|@import|https?://""", page)
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert data is not None
    held = json.loads(data[1])
    assert len(held["nodes"]) == 6
    assert held["counts"]["up"] == 28
    assert sum(len(row["to"]) for row in held["links"]) == 30
    assert page.count("worker-3") < 20


def test_two_hundred_nodes_are_a_small_page() -> None:
    page = mesh_html(build(scene("mesh", nodes=200, duration_s=60)))
    assert len(page.encode()) < 2_000_000


def test_a_png_is_drawn() -> None:
    image = Image.open(io.BytesIO(mesh_png(build(scene("nat")), zoom=0.5))).convert("RGB")
    assert image.width > image.height > 100
    assert 0.03 < share(image, LIGHT["up"]) < 0.5
    assert 0.001 < share(image, LIGHT["unknown"]) < 0.05


def test_the_command_draws(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["mesh", "--from", "demo", "-o", "svg"]) == 0
    assert capfdbinary.readouterr().out.startswith(b"<svg ")
    assert main(["mesh", "--from", "demo", "-o", "html"]) == 0
    assert capfdbinary.readouterr().out.startswith(b"<!DOCTYPE html>")
    assert main(["mesh", "--from", "demo", "-o", "html", "-w"]) == 2


def test_notebooks_show_the_picture() -> None:
    assert shown(build(demo())).startswith("<svg ")


@pytest.mark.browser
@pytest.mark.parametrize(("width", "height"), [(390, 2600), (1280, 1400)])
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize(("name", "nodes"), [("nat", 6), ("partition", 14), ("mesh", 200)])
def test_the_page_in_a_browser(tmp_path: Path, name: str, nodes: int, width: int, height: int, dark: bool) -> None:
    page, shot = tmp_path / "mesh.html", tmp_path / "mesh.png"
    page.write_text(mesh_html(build(scene(name, nodes=nodes, duration_s=60 if name == "mesh" else 480))), encoding="utf-8")
    assert BROWSER is not None
    flags = [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        "--run-all-compositor-stages-before-draw",
        "--virtual-time-budget=5000",
        "--enable-logging=stderr",
    ]
    if dark:
        flags.append("--blink-settings=preferredColorScheme=0")
    command = [
        BROWSER,
        *flags,
        f"--user-data-dir={tmp_path}/profile",
        f"--window-size={width},{height}",
        f"--screenshot={shot}",
        page.as_uri(),
    ]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    assert "Uncaught" not in done.stderr, done.stderr
    image = Image.open(shot).convert("RGB")
    assert image.width >= width
    assert share(image, LIGHT["up"]) > 0.003
    paper = "#0d1217" if dark else "#f5f7f9"
    assert share(image, paper) > 0.02
    if name == "partition":
        assert share(image, LIGHT["down"]) > 0.003
