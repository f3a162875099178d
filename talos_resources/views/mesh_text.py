"""The mesh as text: a matrix where it fits, else a line for each node, the worst first, or totals per group.

Lines are lists of (text, state) pieces, so that a terminal can colour what a pipe gets plain.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from talos_resources.insight.groups import Grouped
from talos_resources.insight.mesh import Link, LinkState, Mesh, MeshNode, is_asymmetric
from talos_resources.insight.summary import summary
from talos_resources.model.net import format_address
from talos_resources.model.printable import printable
from talos_resources.views.age import age, rate
from talos_resources.views.mesh_words import common
from talos_resources.views.states import COLOURS
from talos_resources.views.tabwriter import align

if TYPE_CHECKING:
    from rich.text import Text

DEFAULT_WIDTH: Final = 80
MOST_LINES: Final = 40
"""So many nodes are listed; those without a fault beyond that are counted."""

MOST_NAMED: Final = 12
"""The addresses of so many nodes are written out."""

WORDS: Final = {
    LinkState.UP: "up",
    LinkState.DOWN: "DOWN",
    LinkState.UNKNOWN: "?",
    LinkState.ABSENT: "none",
    LinkState.UNSEEN: "-",
    LinkState.SELF: "·",
}
"""What stands in a cell of the matrix."""

Piece = tuple[str, LinkState | None]
_GAP: Final = 2


def worst(mesh: Mesh) -> str:
    """The node with most faults and since when; empty if there is none."""
    node = mesh.worst_first()[0] if mesh.nodes else None
    if node is None or not sum(mesh.faults[node.index]):
        return ""
    own, others = mesh.faults[node.index]
    faulty = [link for link in _touching(mesh, node) if link.state.is_fault]
    moments = [(link.handshake, link.handshake_age_s) for link in faulty if link.handshake is not None]
    ages = [seconds for _, seconds in moments if seconds is not None]
    total = sum(link.state is not LinkState.UNSEEN for link in _touching(mesh, node))
    since = ""
    if ages:
        handshake = max(moment for moment, _ in moments)
        since = f", last handshake {handshake.to_datetime():%H:%M:%S}, {age(min(ages))} ago"
    return f"worst: {node.name} ({own + others} of {total} links not up{since})"


def notes(mesh: Mesh) -> Iterator[str]:
    """What the picture cannot show, a line each."""
    for node in mesh.nodes:
        if node.error:
            yield f"{node.name} did not answer"
    for name in mesh.errors:
        yield f"{name} did not answer"
    unseen = len(mesh.nodes) - len(mesh.observed)
    if unseen and mesh.observed:
        known = ",".join(format_address(node.addresses[0]) for node in mesh.nodes if node.addresses)
        how = f": -n {known}" if known and len(mesh.nodes) <= MOST_NAMED else " with -n"
        yield f"{len(mesh.observed)} of {len(mesh.nodes)} nodes answered; how the other {unseen} see it is not known (ask them{how})"
    if mesh.asymmetries:
        yield f"{_number(len(mesh.asymmetries), 'link')} up in one direction only (marked !); `doctor` says why"


def lines(mesh: Mesh, *, width: int | None = None, every: bool = False, reading: int = 0) -> Iterator[list[Piece]]:
    """The summary, the picture that fits, and the notes.

    Args:
        mesh: any.
        width: columns; None for a pipe or a file.
        every: list each node of a large mesh, also those without a fault.
        reading: how many nodes are still being read: then the picture is not complete, and nobody has failed to answer.
    """
    width = width or DEFAULT_WIDTH
    yield from _head(mesh, width)
    yield [(f"not complete: {_number(reading, 'node')} still being read", None)] if reading else []
    labels = _column_labels(mesh, width)
    yield from _per_node(mesh, every=every) if labels is None else _matrix(mesh, labels)
    if not reading:
        yield from _foot(mesh)


def _head(mesh: Mesh, width: int) -> Iterator[list[Piece]]:
    first, second = summary(mesh), worst(mesh)
    if second and len(first) + len(second) + 8 <= width:
        yield [(f"{first}        {second}", None)]
        return
    yield [(first, None)]
    if second:
        yield [(second, None)]


def _foot(mesh: Mesh) -> Iterator[list[Piece]]:
    told = list(notes(mesh))
    if told:
        yield []
        for note in told:
            yield [(printable(note), None)]


def _column_labels(mesh: Mesh, width: int) -> list[str] | None:
    """The headings of the matrix: names, or what tells them apart, or numbers; None if it does not fit at all."""
    names = [printable(node.name) for node in mesh.nodes]
    longest = max((len(name) for name in names), default=0)
    cut = common(names)
    for labels in (names, [name[cut:] for name in names], [str(number) for number in range(1, len(names) + 1)]):
        used = longest + (len(str(len(names))) + 1 if labels[:1] == ["1"] else 0)
        if used + sum(_GAP + max(len(label), 5) for label in labels) <= width:
            return labels
    return None


def _matrix(mesh: Mesh, labels: Sequence[str]) -> Iterator[list[Piece]]:
    names = [printable(node.name) for node in mesh.nodes]
    if labels[:1] == ["1"]:
        figures = len(str(len(names)))
        names = [f"{number:>{figures}} {name}" for number, name in enumerate(names, 1)]
    first = max((len(name) for name in names), default=0)
    widths = [max(len(label), 5) for label in labels]
    yield [("".join([" " * first, *(f"{'':{_GAP}}{label:{width}}" for label, width in zip(labels, widths, strict=True))]).rstrip(), None)]
    for node, name in zip(mesh.nodes, names, strict=True):
        line: list[Piece] = [(f"{name:{first}}", None)]
        for peer, (state, width) in enumerate(zip(mesh.row(node), widths, strict=True)):
            text = _cell(state, mesh.state(peer, node.index))
            line += [(" " * _GAP, None), (text, state), (" " * (width - len(text)), None)]
        while line[-1][0].isspace() or not line[-1][0]:
            line.pop()
        yield line


def _cell(state: LinkState, reverse: LinkState) -> str:
    return f"{WORDS[state]}!" if is_asymmetric(state, reverse) else WORDS[state]


def _per_node(mesh: Mesh, *, every: bool) -> Iterator[list[Piece]]:
    """A line for each node, the worst first."""
    ranked = mesh.worst_first()
    faulty = sum(1 for node in ranked if sum(mesh.faults[node.index]) or node.error)
    shown = ranked if every else ranked[: max(MOST_LINES, min(faulty, MOST_LINES))]
    rows: list[tuple[str, ...]] = [("NODE", "SEES", "SEEN BY", "NOT UP")]
    seen_from = len(mesh.observed)
    for node in shown:
        own, others = mesh.faults[node.index]
        total = len(mesh.nodes) - 1
        sees = f"{total - own}/{total}" if node.is_observed else "-"
        by = seen_from - node.is_observed
        rows.append((printable(node.name), sees, f"{by - others}/{by}", _faulty_peers(mesh, node)))
    for number, text in enumerate(align("".join("\t".join(row) + "\n" for row in rows)).splitlines()):
        bad = number > 0 and sum(mesh.faults[shown[number - 1].index]) > 0
        yield [(text.rstrip(), LinkState.DOWN if bad else None)]
    if len(shown) < len(ranked):
        rest = ranked[len(shown) :]
        left = sum(1 for node in rest if sum(mesh.faults[node.index]))
        yield [
            (f"… and {len(rest)} more, {f'{left} of them' if left else 'none of them'} with links that are not up (--all lists them)", None)
        ]


def _faulty_peers(mesh: Mesh, node: MeshNode, limit: int = 2) -> str:
    """The first few peers with which something is wrong."""
    if not sum(mesh.faults[node.index]):
        return node.error and "did not answer"
    own = set(mesh.faulty(node)) if mesh.faults[node.index][0] else set()
    peers = [printable(peer.name) for peer in mesh.nodes if peer.index in own or mesh.state(peer, node).is_fault]
    more = f" +{len(peers) - limit}" if len(peers) > limit else ""
    return f"{', '.join(peers[:limit])}{more}"


def group_lines(mesh: Mesh, groups: Grouped, *, width: int | None = None) -> Iterator[list[Piece]]:
    """The summary, a line for each group, the worst first, and which groups do not reach one another."""
    yield from _head(mesh, width or DEFAULT_WIDTH)
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
    yield from _foot(mesh)


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


def detail_lines(mesh: Mesh, mtus: Mapping[str, int] | None = None) -> Iterator[list[Piece]]:
    """A line for each direction of each link, faults first.

    Args:
        mesh: any.
        mtus: node → MTU of its kubespan link, where known.
    """
    yield [(summary(mesh), None)]
    yield []
    ordered = sorted(mesh.links(), key=lambda link: (link.state is LinkState.UP, link.observer.index, link.peer.index))
    headings = ("NODE", "PEER", "STATE", "ENDPOINT", "HANDSHAKE", "RX", "TX", "RX/S", "TX/S", "MTU")
    rows = [headings, *(_details(link, mtus or {}) for link in ordered)]
    texts = align("".join("\t".join(row) + "\n" for row in rows)).splitlines()
    for number, text in enumerate(texts):
        yield [(text.rstrip(), None if number == 0 else ordered[number - 1].state)]
    yield from _foot(mesh)


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


def plain(pieces: Sequence[Piece]) -> str:
    """A line without colours."""
    return printable("".join(text for text, _ in pieces)) + "\n"


def coloured(pieces: Sequence[Piece]) -> Text:
    """A line for a terminal."""
    from rich.text import Text

    return Text.assemble(*((printable(text), COLOURS.get(state.value, "") if state is not None else "") for text, state in pieces))


def _touching(mesh: Mesh, node: MeshNode) -> Iterator[Link]:
    """Both directions of every link of a node."""
    for peer in mesh.nodes:
        if peer is not node:
            for here, there in ((node, peer), (peer, node)):
                if mesh.state(here, there) is not LinkState.UNSEEN:
                    yield mesh.link(here, there)


def _number(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"
