"""The page of a mesh under the pointer and under the finger: what is told, what a click opens, what a search leaves."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from talos_resources.views.html import HtmlPrinter
from talos_resources.views.mesh_html import mesh_html
from tests.insight.sketches import pair, sketch
from tests.views.devtools import Hand, browser
from tests.views.printed import DOWN, STATUS, UP

pytestmark = pytest.mark.browser
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
LINK = sketch(200, pair(57, 163), sites=4)


@pytest.fixture(scope="module")
def hand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hand]:
    assert BROWSER is not None
    with browser(BROWSER, tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "page.html"
    path.write_text(mesh_html(LINK), encoding="utf-8")
    return path


def cell(hand: Hand, row: str, column: str) -> tuple[float, float]:
    """The middle of the cell of two rows, by their names, after scrolling there."""
    hand.says("document.getElementById('matrix').scrollIntoView({block: 'center'})")
    found = hand.says(
        f"""(() => {{
        const box = matrixBox(), r = rows.findIndex(x => x.n === {row!r}), c = rows.findIndex(x => x.n === {column!r});
        return [box.left + geometry.left + geometry.xs[c] + geometry.w / 2, box.top + geometry.top + geometry.ys[r] + geometry.h / 2];
        function matrixBox() {{ return document.getElementById("matrix").getBoundingClientRect(); }} }})()"""
    )
    return found[0], found[1]


TIP = "document.getElementById('tip')"
TOLD = f"{TIP}.style.opacity === '1' ? {TIP}.textContent : ''"
HEAD = "document.getElementById('linkshead').textContent"


def test_the_pointer_is_told_the_link(hand: Hand, page: Path) -> None:
    hand.open(page, width=1280, height=900)
    hand.point(*cell(hand, "worker-55", "worker-161"))
    hand.until(f"({TOLD}).startsWith('worker-55 → worker-161: down\\n10.0.3.165:51820\\nlast handshake: 38 m ago\\n')")
    hand.point(2, 2)
    hand.until(f"({TOLD}) === ''")


def test_a_click_shows_both_ends_and_another_one_all_again(hand: Hand, page: Path) -> None:
    hand.open(page, width=1280, height=900)
    place = cell(hand, "worker-55", "worker-161")
    hand.click(*place)
    hand.until(f"{HEAD} === 'Links of worker-55 and worker-161'")
    assert hand.says("document.querySelectorAll('#links tbody tr').length") == 2
    hand.click(*place)
    hand.until(f"{HEAD} === 'Links that are not up'")


@pytest.mark.parametrize("phone", [False, True])
def test_the_name_of_a_group_opens_it(hand: Hand, page: Path, phone: bool) -> None:
    hand.open(page, width=390 if phone else 1280, height=844, phone=phone)
    group = "(() => rows.find(x => x.group).n)()"
    name, before = hand.says(group), hand.says("rows.length")
    _, y = cell(hand, name, name)
    x = hand.says("document.getElementById('matrix').getBoundingClientRect().left + geometry.left - 20")
    (hand.tap if phone else hand.click)(x, y)
    hand.until(f"rows.length > {before + 40}")
    assert hand.says("rows.filter(x => x.n === 'worker-55').length") == 1


def test_a_finger_is_told_the_link_in_the_matrix_and_in_the_graph(hand: Hand, page: Path) -> None:
    hand.open(page, width=390, height=844, phone=True)
    hand.tap(*cell(hand, "worker-161", "worker-55"))
    hand.until(f"({TOLD}).startsWith('worker-161 → worker-55: down\\n')")
    hand.says("document.querySelector('.faults g').scrollIntoView({block: 'center'})")
    box = hand.says(
        "(() => { const b = document.querySelector('.faults g circle').getBoundingClientRect(); return [b.x + 7, b.y + 7]; })()"
    )
    hand.tap(*box)
    hand.until(f"({TOLD}).includes('worker-55') && ({TOLD}).includes('38 m ago')")


def test_letters_are_large_enough_on_a_phone_and_both_ends_are_on_it(hand: Hand, tmp_path: Path) -> None:
    page = tmp_path / "hosts.html"
    hosts = [f"ip-10-0-{number}-{number * 37 % 250}.eu-central-1.compute.internal" for number in range(12)]
    page.write_text(mesh_html(sketch(12, pair(3, 7), sites=3, names=hosts)), encoding="utf-8")
    hand.open(page, width=390, height=844, phone=True)
    sizes = hand.says("[...document.querySelectorAll('.faults text.ink')].map(t => t.getBoundingClientRect().height)")
    assert min(sizes) >= 12
    right = hand.says(
        "[...document.querySelectorAll('#links tbody tr:first-child td')].slice(0, 3).map(t => t.getBoundingClientRect().right)"
    )
    assert max(right) <= 390, "who, whom and how stand on the screen"


def test_the_words_beside_the_graph_are_in_its_card_on_a_phone(hand: Hand, page: Path) -> None:
    hand.open(page, width=390, height=844, phone=True)
    assert hand.says("(c => c.scrollWidth - c.clientWidth)(document.querySelector('.faults'))") == 0
    edge = "document.querySelector('.faults').getBoundingClientRect().right"
    ends = hand.says(f"[...document.querySelectorAll('.faults text')].map(t => {edge} - t.getBoundingClientRect().right)")
    assert len(ends) >= 4
    assert min(ends) > 0


def test_a_search_leaves_what_it_finds(hand: Hand, page: Path) -> None:
    hand.open(page, width=1280, height=900)
    hand.says("(() => { const s = document.getElementById('search'); s.value = 'worker-16'; s.dispatchEvent(new Event('input')); })()")
    assert hand.says("document.querySelectorAll('#nodes tbody tr').length") == 11


def test_a_list_shows_the_state_on_a_phone_and_everything_on_a_desk(hand: Hand, tmp_path: Path) -> None:
    page = tmp_path / "list.html"
    printer = HtmlPrinter(STATUS, nodes=True, events=False)
    page.write_text("".join([*printer.resources("worker-1", [UP, DOWN]), *printer.finish()]), encoding="utf-8")
    seen = "[...document.querySelectorAll('thead th')].filter(t => t.getBoundingClientRect().width > 0).map(t => t.textContent)"
    hand.open(page, width=390, height=844, phone=True)
    assert hand.says(seen)[:5] == ["NODE", "ID", "LABEL", "ENDPOINT", "STATE"]
    hand.open(page, width=1280, height=844)
    assert hand.says(seen)[:5] == ["NODE", "NAMESPACE", "TYPE", "ID", "VERSION"]
