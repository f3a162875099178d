"""The mesh for programs: JSON, YAML, and Graphviz's dot."""

from __future__ import annotations

import json
from typing import Any, Final

from talos_resources.insight.mesh import LinkState, Mesh
from talos_resources.model.net import format_address

_EDGE: Final = {LinkState.UP: "#2e7d32", LinkState.DOWN: "#c62828", LinkState.UNKNOWN: "#b26a00", LinkState.ABSENT: "#6a1b9a"}


def mesh_plain(mesh: Mesh) -> dict[str, Any]:
    """Everything as plain values: a summary, the nodes, every direction of every link."""
    return {
        "summary": {
            "nodes": len(mesh.nodes),
            "observed": len(mesh.observed),
            "links": mesh.total,
            **{state.value: count for state, count in mesh.counts.items()},
            "asymmetric": len(mesh.asymmetries),
            "healthy": mesh.is_healthy,
        },
        "nodes": [
            {
                "name": node.name,
                "node": node.node,
                "public_key": node.public_key,
                "node_id": node.node_id,
                "machine_type": node.machine_type.value,
                "addresses": [format_address(address) for address in node.addresses],
                "observed": node.is_observed,
                "as_of": None if node.as_of.is_zero else str(node.as_of),
                "error": node.error or None,
                "links_not_up": mesh.faults[node.index][0],
                "not_up_for_others": mesh.faults[node.index][1],
            }
            for node in mesh.nodes
        ],
        "links": mesh.records(json=True),
        "errors": dict(mesh.errors),
    }


def mesh_json(mesh: Mesh) -> str:
    """The same as JSON."""
    return json.dumps(mesh_plain(mesh), indent=2, ensure_ascii=False) + "\n"


def mesh_yaml(mesh: Mesh) -> str:
    """The same as YAML."""
    from talos_resources.codec.goyaml import emit

    return emit.dump(mesh_plain(mesh))


def mesh_dot(mesh: Mesh) -> str:
    """A graph for Graphviz: a line for each link that is up both ways, arrows for every direction that is not."""
    lines = ["digraph mesh {", "  layout=circo; overlap=false;", '  node [shape=box, style=rounded, fontname="sans-serif"];']
    unseen = ' [style="rounded,dashed"]'
    lines += [f"  {_quoted(node.name)}{'' if node.is_observed else unseen};" for node in mesh.nodes]
    for link in mesh.links():
        here, there = link.observer, link.peer
        both = link.state is LinkState.UP and link.reverse is LinkState.UP
        if both and here.index > there.index:
            continue
        shape = "dir=none" if both else "dir=forward"
        style = "" if link.state is LinkState.UP else ", style=dashed, penwidth=2"
        lines.append(f'  {_quoted(here.name)} -> {_quoted(there.name)} [{shape}, color="{_EDGE[link.state]}"{style}];')
    return "\n".join([*lines, "}"]) + "\n"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
    return f'"{escaped}"'
