"""A mesh in one line."""

from __future__ import annotations

from talos_resources.insight.mesh import LinkState, Mesh
from talos_resources.insight.words import some


def summary(mesh: Mesh) -> str:
    """The mesh in one line: how many links are in each state."""
    counts = mesh.counts
    nodes = some(len(mesh.nodes), "node")
    if not mesh.total:
        return f"{nodes}, no links: {'no node answered' if not mesh.observed else 'there are no KubeSpan peers here'}"
    if counts[LinkState.UP] == mesh.total:
        return f"{nodes}, {mesh.total} of {mesh.total} links up"
    absent = f", {counts[LinkState.ABSENT]} absent" if counts[LinkState.ABSENT] else ""
    states = f"{counts[LinkState.UP]} up, {counts[LinkState.DOWN]} down, {counts[LinkState.UNKNOWN]} unknown{absent}"
    return f"{nodes}, {some(mesh.total, 'link')}: {states}"
