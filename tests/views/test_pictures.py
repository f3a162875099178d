"""The mesh as page and picture."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import attrs
import pytest
from PIL import Image, ImageChops, ImageColor

from talos_resources.cli.main import main
from talos_resources.insight.mesh import LinkState, Mesh, build
from talos_resources.insight.outline import outline
from talos_resources.model.resource import Resource
from talos_resources.views.html import HtmlPrinter
from talos_resources.views.mesh_html import mesh_html
from talos_resources.views.mesh_svg import DARK, LIGHT, mesh_png, mesh_svg
from talos_resources.views.mesh_words import entry_names
from tests.insight.changes import everywhere, statuses
from tests.insight.scenes import demo, scene
from tests.insight.sketches import pair, sketch
from tests.views.drawing import Text, texts
from tests.views.notebook import shown
from tests.views.printed import DOWN, STATUS, UNKNOWN, UP

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


CUT = {key: state for here in range(25) for there in range(25, 50) for key, state in pair(here, there).items()}
HOSTS = [f"ip-10-0-{number}-{number * 37 % 250}.eu-central-1.compute.internal" for number in range(12)]
PRINTED = [f"{'rather-long-name-' * 3}{number * number}" for number in range(9)]
MESHES = {
    "one": sketch(1),
    "five": sketch(5),
    "mixed": sketch(5, pair(1, 4) | {(0, 3): LinkState.UNKNOWN, (2, 3): LinkState.ABSENT}),
    "hosts": sketch(12, pair(3, 7), sites=3, names=HOSTS),
    "long": sketch(9, pair(0, 8), names=PRINTED, silent=[4]),
    "full": sketch(39, {(here, there): LinkState.UNKNOWN for here in range(39) for there in range(here)}),
    "cut": sketch(50, CUT, sites=3),
    "link": sketch(200, pair(57, 163), sites=4),
    "pairs": sketch(200, {key: state for here in range(0, 198, 2) for key, state in pair(here, here + 1).items()}),
}


@pytest.mark.parametrize("name", MESHES)
def test_every_row_has_its_name_and_none_is_cut_or_covered(name: str) -> None:
    drawn, svg = outline(MESHES[name]), mesh_svg(MESHES[name])
    root = ET.fromstring(svg)
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    found = list(texts(root))
    for text in found:
        assert text.left >= 0, text
        assert text.top >= 0, text
        assert text.right <= width, text
        assert text.bottom <= height, text
    words = Counter(text.words for text in found)
    assert all(words[label] >= 2 for label in entry_names(drawn)), "in its row and above its column"
    for one, other in combinations(found, 2):
        apart = one.right <= other.left or other.right <= one.left or one.bottom <= other.top + 1 or other.bottom <= one.top + 1
        assert apart or slanted(one) or slanted(other), (one, other)
    assert len(svg) < 500_000


def slanted(text: Text) -> bool:
    """Whether it stands at an angle, so that its box is larger than itself."""
    return text.right - text.left > 20 and text.bottom - text.top > 20


def test_the_broken_link_of_two_hundred_nodes_is_named_and_stands_out() -> None:
    mesh = MESHES["link"]
    svg = mesh_svg(mesh)
    assert "What is not up" in svg
    assert svg.count("worker-55<") == 3  # its row, its column, its line
    assert "worker-55 → worker-161: down, last handshake 38 m ago, endpoint 10.0.3.165:51820" in svg
    image = Image.open(io.BytesIO(mesh_png(mesh, zoom=1))).convert("RGB")
    assert share(image, LIGHT["down"]) > 0.002
    assert share(image, LIGHT["up"]) < 0.3


def test_what_is_up_has_no_graph_and_no_marks() -> None:
    svg = mesh_svg(MESHES["five"])
    assert "What is not up" not in svg
    assert not any(f">{mark}<" in svg.replace(f'">{mark}</text><text', "") for mark in ("?", "\u2013"))


def test_each_fault_has_a_mark_besides_its_colour() -> None:
    root = ET.fromstring(mesh_svg(MESHES["mixed"]))
    assert {"\u00d7", "?!", "\u2013!"} <= {text.words for text in texts(root)}


def test_unknown_is_not_red() -> None:
    for colours in (LIGHT, DARK):
        red, green, _ = ImageColor.getrgb(colours["unknown"])[:3]
        assert green > red / 2
        assert colours["unknown"] != colours["down"]


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
    assert not re.search(r"""\b(?:src|href)\s*=|url\(|@import|https?://""", page)
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert data is not None
    held = json.loads(data[1])
    assert len(held["nodes"]) == 6
    assert held["counts"]["up"] == 28
    assert sum(len(row["to"]) for row in held["links"]) == 30


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


def thousand() -> Mesh:
    """A thousand nodes: one that nobody reaches, one link that is down."""
    lost = {(index, 400): LinkState.DOWN for index in range(1000) if index != 400}
    return sketch(1000, lost | pair(57, 763), sites=5)


def test_a_thousand_nodes_are_a_small_page_that_has_all_states() -> None:
    mesh = thousand()
    page = mesh_html(mesh)
    assert len(page.encode()) < 5_000_000
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert data is not None
    held = json.loads(data[1])
    codes = "".join(letter * int(count or 1) for letter, count in re.findall(r"([a-z])(\d*)", held["codes"]))
    assert [codes.count(chr(ord("a") + place)) for place in range(len(LinkState))] == [997_999, 1001, 0, 0, 0, 1000]
    assert codes[57 * 1000 + 763] == "b"
    assert sorted(index for entry in held["entries"] for index in entry["m"]) == list(range(1000))
    assert sum(len(row["to"]) for row in held["links"] if row) == 1001, "broken links have their counters"


def shot(tmp_path: Path, page: str, width: int, height: int, *, dark: bool) -> tuple[Image.Image, str]:
    """The page as a browser draws it, and what that logged."""
    assert BROWSER is not None
    (tmp_path / "page.html").write_text(page, encoding="utf-8")
    flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--run-all-compositor-stages-before-draw"]
    flags += ["--virtual-time-budget=5000", "--enable-logging=stderr", f"--user-data-dir={tmp_path}/profile"]
    if dark:
        flags.append("--blink-settings=preferredColorScheme=0")
    command = [BROWSER, *flags, f"--window-size={width},{height}", f"--screenshot={tmp_path}/shot.png", (tmp_path / "page.html").as_uri()]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    assert "Uncaught" not in done.stderr, done.stderr
    return Image.open(tmp_path / "shot.png").convert("RGB"), done.stderr


def list_table(resources: Sequence[Resource[Any]]) -> Iterator[str]:
    printer = HtmlPrinter(STATUS, nodes=True, events=False)
    yield from printer.resources("a-node-with-quite-a-long-name.example", resources)
    yield from printer.finish()


# What a page says of itself when it is drawn: whether it is wider than the window. Pages let no foreign script run, so they
# are looked at without their policy.
ASIDE = """<script>requestAnimationFrame(() => console.log("wide", document.documentElement.scrollWidth, innerWidth))</script>"""
SAID = re.compile(r"wide (\d+) (\d+)")
POLICY = re.compile(r"<meta http-equiv=\"Content-Security-Policy\"[^>]*>")
PAGES = {
    "five": lambda: mesh_html(MESHES["mixed"]),
    "hosts": lambda: mesh_html(MESHES["hosts"]),
    "cut": lambda: mesh_html(MESHES["cut"]),
    "link": lambda: mesh_html(MESHES["link"]),
    "thousand": lambda: mesh_html(thousand()),
    "table": lambda: "".join(list_table([UP, DOWN, UNKNOWN])),
}


@pytest.mark.browser
@pytest.mark.parametrize(("width", "dark"), [(390, False), (1280, True)])
@pytest.mark.parametrize("name", PAGES)
def test_pages_in_a_browser(tmp_path: Path, name: str, width: int, dark: bool) -> None:
    page = POLICY.sub("", PAGES[name]()).replace("</body>", f"{ASIDE}</body>")
    image, log = shot(tmp_path, page, width, 1400, dark=dark)
    said = SAID.search(log)
    assert said is not None, log
    assert int(said[1]) <= max(int(said[2]), width), "no page is wider than the window"
    colours = DARK if dark else LIGHT
    assert share(image, "#0d1217" if dark else "#f5f7f9") > 0.02
    assert share(image, colours["up"]) < 0.3, "no slab of green"
    if name != "table":
        assert share(image, colours["up"]) > 0.003
        assert share(image, colours["down"]) > 0.0005
