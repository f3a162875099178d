"""The mesh as one self-contained page: the picture, to be pointed at, and tables of links and nodes.

The page loads nothing: styles, script and data are in it, and a policy in its head forbids the rest.
"""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any, Final

from talos_resources.insight.mesh import LinkState, Mesh, MeshNode
from talos_resources.insight.outline import Outline, outline
from talos_resources.insight.summary import summary
from talos_resources.model.net import format_address
from talos_resources.views.mesh_faults import faults_svg
from talos_resources.views.mesh_text import lines as text_lines
from talos_resources.views.mesh_text import notes, plain, worst
from talos_resources.views.mesh_words import LEGEND, entry_names, short_names
from talos_resources.views.page import END, begin, header

MOST_DETAILED: Final = 300
"""Pages of so many nodes have endpoint, handshake and counters of every link; larger ones those of broken links."""
_MOST_BROKEN: Final = 20_000
_TEMPLATE: Final = Path(__file__).with_name("mesh_page.html")
_A: Final = ord("a")
_RUN: Final = re.compile(rb"(.)\1*", re.DOTALL)


def mesh_html(mesh: Mesh, *, source: str = "") -> str:
    """The page.

    Args:
        mesh: any.
        source: where it comes from, for the line below the headline.
    """
    drawn = outline(mesh)
    latest = max((node.as_of for node in mesh.observed), default=None)
    when = f"{latest.to_datetime():%Y-%m-%d %H:%M:%S} UTC" if latest is not None and not latest.is_zero else ""
    large = f"endpoints and counters of broken links only: {len(mesh.nodes)} nodes" if len(mesh.nodes) > MOST_DETAILED else ""
    text = "".join(plain(line) for line in text_lines(mesh, every=len(mesh.nodes) <= MOST_DETAILED))
    parts = {
        "@FAULTS@": faults_section(drawn),
        "@FALLBACK@": f"<pre>{html.escape(text)}</pre>",
        # In a script element only `</` and `<!--` could end or change it.
        "@DATA@": json.dumps(_data(drawn), ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c"),
    }
    above = header(summary(mesh), " · ".join(filter(None, [source, when, worst(mesh), *notes(mesh), large])))
    return "".join([begin(summary(mesh), scripts=True), above, *_filled(parts), END])


def faults_section(drawn: Outline) -> str:
    """The broken links as a part of a page; empty if there are none."""
    svg = faults_svg(drawn)
    return f'<section class="card faults">{svg}</section>' if svg else ""


def _filled(parts: dict[str, str]) -> list[str]:
    """The template with each part once, in order, so that nothing inside of a part is taken for a mark."""
    made, text = [], _TEMPLATE.read_text(encoding="utf-8")
    for mark, part in parts.items():
        before, text = text.split(mark, 1)
        made += [before, part]
    return [*made, text]


def _data(drawn: Outline) -> dict[str, Any]:
    mesh, endpoints = drawn.mesh, dict[str, int]()
    names = short_names(mesh)
    rows = [_row(mesh, node, endpoints) if node.is_observed else None for node in mesh.nodes]
    return {
        "nodes": [_node(mesh, node, names[node.index]) for node in mesh.nodes],
        "entries": [
            {"n": name, "m": list(entry.nodes), "g": entry.site} for name, entry in zip(entry_names(drawn), drawn.entries, strict=True)
        ],
        "states": [state.value for state in LinkState],
        "words": {state.value: text for state, text in LEGEND.items()},
        "codes": _runs(mesh),
        "counts": {state.value: count for state, count in mesh.counts.items()},
        "healthy": mesh.is_healthy,
        "links": rows,
        "endpoints": list(endpoints),
    }


def _runs(mesh: Mesh) -> str:
    """The states of all links, row by row, equal ones that follow each other as a letter and their number."""
    codes = b"".join(mesh.codes(node) for node in mesh.nodes)
    runs = ((run[1][0], run.end() - run.start()) for run in _RUN.finditer(codes))
    return "".join(f"{chr(_A + code)}{count if count > 1 else ''}" for code, count in runs)


def _node(mesh: Mesh, node: MeshNode, short: str) -> dict[str, Any]:
    return {
        "n": node.name,
        "s": short,
        "t": node.machine_type.value,
        "a": [format_address(address) for address in node.addresses],
        "k": f"{node.public_key[:8]}…" if node.public_key else "",
        "o": int(node.is_observed),
        "f": mesh.faults[node.index],
    }


def _row(mesh: Mesh, node: MeshNode, endpoints: dict[str, int]) -> dict[str, list[int]] | None:
    """What a node holds of its peers, in columns."""
    if len(mesh.nodes) <= MOST_DETAILED:
        peers: list[int] = list(range(len(mesh.nodes)))
    elif mesh.faults[node.index][0]:
        most = max(1, _MOST_BROKEN // len(mesh.nodes))
        peers = mesh.faulty(node)[:most]
    else:
        return None
    held = [(peer, status) for peer in peers if (status := mesh.status(node, peer)) is not None]
    ages = [-1 if status.last_handshake_time.is_zero else max(0, (node.as_of - status.last_handshake_time) // 10**9) for _, status in held]
    return {
        "to": [peer for peer, _ in held],
        "hs": ages,
        "rx": [status.receive_bytes for _, status in held],
        "tx": [status.transmit_bytes for _, status in held],
        "ep": [-1 if status.endpoint is None else endpoints.setdefault(str(status.endpoint), len(endpoints)) for _, status in held],
    }
