"""The mesh as tables: a line for each group, and a line for each direction of each link."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from talos_resources.insight.groups import Grouped
from talos_resources.insight.mesh import Link, LinkState, Mesh
from talos_resources.model.printable import printable
from talos_resources.views.age import age, rate
from talos_resources.views.mesh_text import Piece, foot, head
from talos_resources.views.tabwriter import align

MOST_LINES: Final = 40
"""So many groups are listed; the others are counted."""


def group_lines(mesh: Mesh, groups: Grouped, *, width: int | None = None) -> Iterator[list[Piece]]:
    """The summary, a line for each group, the worst first, and which groups do not reach one another."""
    yield from head(mesh, width)
    yield []
    states = (LinkState.UP, LinkState.DOWN, LinkState.UNKNOWN, LinkState.ABSENT)
    rows = [("GROUP", "NODES", "LINKS", *(state.value.upper() for state in states), "WORST NODE")]
    for group in groups.groups[:MOST_LINES]:
        bad = max(group.nodes, key=lambda node: sum(mesh.faults[node.index]))
        name = printable(bad.name) if sum(mesh.faults[bad.index]) else ""
        rows.append((printable(group.name), str(len(group.nodes)), str(group.total), *(str(group.counts[state]) for state in states), name))
    for number, text in enumerate(align("".join("\t".join(row) + "\n" for row in rows)).splitlines()):
        faulty = number > 0 and groups.groups[number - 1].faults > 0
        yield [(text.rstrip(), LinkState.DOWN if faulty else None)]
    if len(groups.groups) > MOST_LINES:
        yield [(f"… and {len(groups.groups) - MOST_LINES} more groups", None)]
    yield from _between(groups)
    yield from foot(mesh, width)


def _between(groups: Grouped, limit: int = 20) -> Iterator[list[Piece]]:
    """The pairs of groups with faults, the worst first."""
    pairs = sorted(groups.between, key=lambda pair: (-groups.between[pair].faults, pair))
    if pairs:
        yield []
    for here, there in pairs[:limit]:
        found = groups.between[here, there]
        yield [(f"{printable(here)} → {printable(there)}: {found.faults} of {found.total} links not up", LinkState.DOWN)]
    if len(pairs) > limit:
        yield [(f"… and {len(pairs) - limit} more pairs of groups", None)]


def detail_lines(
    mesh: Mesh, mtus: Mapping[str, int] | None = None, *, width: int | None = None, only_faults: bool = False
) -> Iterator[list[Piece]]:
    """A line for each direction of each link, faults last: that is what is on the screen when the table is through.

    Args:
        mesh: any.
        width: columns at which prose wraps; None for a pipe or a file.
        only_faults: leave out the links that are up.
        mtus: node → MTU of its kubespan link, where known.
    """
    yield from head(mesh, width)
    yield []
    ordered = sorted(
        mesh.links(only_faults=only_faults), key=lambda link: (link.state is not LinkState.UP, link.observer.index, link.peer.index)
    )
    headings = ("NODE", "PEER", "STATE", "ENDPOINT", "HANDSHAKE", "RX", "TX", "RX/S", "TX/S", "MTU")
    rows = [headings, *(_details(link, mtus or {}) for link in ordered)]
    texts = align("".join("\t".join(row) + "\n" for row in rows)).splitlines()
    for number, text in enumerate(texts):
        yield [(text.rstrip(), None if number == 0 else ordered[number - 1].state)]
    yield from foot(mesh, width)


def _details(link: Link, mtus: Mapping[str, int]) -> tuple[str, ...]:
    status = link.status
    return (
        printable(link.observer.name),
        printable(link.peer.name),
        link.state.value + ("!" if link.is_asymmetric else ""),
        "-" if link.endpoint is None else str(link.endpoint),
        "never" if link.handshake is None else age(link.handshake_age_s),
        "-" if status is None else str(status.receive_bytes),
        "-" if status is None else str(status.transmit_bytes),
        rate(link.receive_rate),
        rate(link.transmit_rate),
        str(mtus.get(link.observer.name, "-")),
    )
