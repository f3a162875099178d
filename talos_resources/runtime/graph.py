"""Controllers as a graph: who reads and who writes what."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum

import attrs

from talos_resources.runtime.controller import Controller


class Direction(StrEnum):
    """Which way a controller uses a kind of resource."""

    READS = "reads"
    WRITES = "writes"
    SHARES = "writes, as others do"


@attrs.frozen
class Edge:
    """A controller uses a kind of resource.

    Attributes:
        controller: its name.
        resource: type and namespace, with the id if it is one resource.
        direction: how.
    """

    controller: str
    resource: str
    direction: Direction


def edges(controllers: Sequence[Controller]) -> tuple[Edge, ...]:
    """The graph, in the order of the controllers and their declarations."""
    return tuple(edge for controller in controllers for edge in _edges(controller))


def _edges(controller: Controller) -> Iterable[Edge]:
    for read in controller.inputs:
        yield Edge(controller.name, str(read), Direction.READS)
    for written in controller.outputs:
        yield Edge(controller.name, str(written), Direction.SHARES if written.shared else Direction.WRITES)


def as_text(graph: Iterable[Edge]) -> str:
    """For people: each controller with what it reads and writes."""
    lines: list[str] = []
    last = None
    for edge in graph:
        if edge.controller != last:
            lines.append(edge.controller)
            last = edge.controller
        arrow = "<-" if edge.direction is Direction.READS else "->"
        lines.append(f"  {arrow} {edge.resource}")
    return "".join(f"{line}\n" for line in lines)


def as_dot(graph: Iterable[Edge]) -> str:
    """For Graphviz, in the manner of `talosctl inspect dependencies`: controllers are boxes, resources notes."""
    lines = ["digraph {", "  rankdir=LR;"]
    seen: set[str] = set()
    for edge in graph:
        resource = edge.resource.partition("/")[0] + (")" if "/" in edge.resource else "")
        for name, shape in ((edge.controller, "box"), (resource, "note")):
            if name not in seen:
                seen.add(name)
                lines.append(f'  "{name}" [shape={shape}];')
        if edge.direction is Direction.READS:
            lines.append(f'  "{resource}" -> "{edge.controller}";')
        else:
            style = " [style=dashed]" if edge.direction is Direction.SHARES else ""
            lines.append(f'  "{edge.controller}" -> "{resource}"{style};')
    return "\n".join([*lines, "}"]) + "\n"


def as_mermaid(graph: Iterable[Edge]) -> str:
    """For Markdown pages that draw Mermaid."""
    lines = ["flowchart LR"]
    numbers: dict[str, int] = {}

    def node(name: str, opening: str, closing: str) -> str:
        if name in numbers:
            return f"n{numbers[name]}"
        numbers[name] = len(numbers)
        return f'n{numbers[name]}{opening}"{name}"{closing}'

    for edge in graph:
        resource = edge.resource.partition("/")[0] + (")" if "/" in edge.resource else "")
        controller_node, resource_node = node(edge.controller, "[", "]"), node(resource, "([", "])")
        if edge.direction is Direction.READS:
            lines.append(f"  {resource_node} --> {controller_node}")
        else:
            arrow = "-.->" if edge.direction is Direction.SHARES else "-->"
            lines.append(f"  {controller_node} {arrow} {resource_node}")
    return "\n".join(lines) + "\n"
