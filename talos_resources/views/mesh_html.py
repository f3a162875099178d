"""The mesh as one self-contained page, and as a picture for notebooks.

The page loads nothing: styles, script and data are in it, and a policy in its head forbids the rest.
"""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import Any, Final

from talos_resources.insight.groups import group_key
from talos_resources.insight.mesh import LinkState, Mesh, MeshNode
from talos_resources.insight.summary import summary
from talos_resources.model.net import format_address
from talos_resources.views.mesh_text import lines as text_lines
from talos_resources.views.mesh_text import notes, plain
from talos_resources.views.mesh_words import short_names

_TEMPLATE: Final = Path(__file__).with_name("mesh_page.html")
_STATES: Final = tuple(LinkState)


def mesh_html(mesh: Mesh, *, source: str = "") -> str:
    """The page.

    Args:
        mesh: any.
        source: where it comes from, for the line below the headline.
    """
    latest = max((node.as_of for node in mesh.observed), default=None)
    when = f"{latest.to_datetime():%Y-%m-%d %H:%M:%S} UTC" if latest is not None and not latest.is_zero else ""
    text = "".join(plain(line) for line in text_lines(mesh, every=True))
    parts = {
        "@TITLE@": html.escape(summary(mesh)),
        "@HEADLINE@": html.escape(summary(mesh)),
        "@SUBLINE@": html.escape(" · ".join(filter(None, [source, when, *notes(mesh)]))),
        "@FALLBACK@": f"<pre>{html.escape(text)}</pre>",
        # In a script element only `</` and `<!--` could end or change it.
        "@DATA@": json.dumps(_data(mesh), ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c"),
    }
    page = _TEMPLATE.read_text(encoding="utf-8")
    head, *rest = page.split("@TITLE@", 1)
    return _filled(head, rest, parts)


def _filled(head: str, rest: list[str], parts: dict[str, str]) -> str:
    """The template with each part once, in order, so that nothing inside of a part is taken for a mark."""
    made = [head, parts["@TITLE@"]]
    text = rest[0]
    for mark in ("@HEADLINE@", "@SUBLINE@", "@FALLBACK@", "@DATA@"):
        before, text = text.split(mark, 1)
        made += [before, parts[mark]]
    return "".join([*made, text])


def _data(mesh: Mesh) -> dict[str, Any]:
    names = short_names(mesh)
    network = group_key("site")
    endpoints: dict[str, int] = {}
    return {
        "nodes": [_node(mesh, node, names[node.index], network(node)) for node in mesh.nodes],
        "states": [state.value for state in _STATES],
        "codes": "".join(str(_STATES.index(state)) for node in mesh.nodes for state in mesh.row(node)),
        "counts": {state.value: count for state, count in mesh.counts.items()},
        "healthy": mesh.is_healthy,
        "links": [_row(mesh, node, endpoints) if node.is_observed else None for node in mesh.nodes],
        "endpoints": list(endpoints),
    }


def _node(mesh: Mesh, node: MeshNode, short: str, network: str) -> dict[str, Any]:
    return {
        "n": node.name,
        "s": short,
        "t": node.machine_type.value,
        "a": [format_address(address) for address in node.addresses],
        "k": f"{node.public_key[:8]}…" if node.public_key else "",
        "o": int(node.is_observed),
        "f": mesh.faults[node.index],
        "g": network,
    }


def _row(mesh: Mesh, node: MeshNode, endpoints: dict[str, int]) -> dict[str, list[int]]:
    """What a node holds of its peers, in columns."""
    held = [(peer, status) for peer in range(len(mesh.nodes)) if (status := mesh.status(node, peer)) is not None]
    ages = [-1 if status.last_handshake_time.is_zero else max(0, (node.as_of - status.last_handshake_time) // 10**9) for _, status in held]
    return {
        "to": [peer for peer, _ in held],
        "hs": ages,
        "rx": [status.receive_bytes for _, status in held],
        "tx": [status.transmit_bytes for _, status in held],
        "ep": [-1 if status.endpoint is None else endpoints.setdefault(str(status.endpoint), len(endpoints)) for _, status in held],
    }
