"""The mesh as text: a matrix where it fits, else a line for each node that is to blame.

Lines are lists of (text, state) pieces, so that a terminal can colour what a pipe gets plain.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from talos_resources.insight.mesh import Link, LinkState, Mesh, MeshNode, is_asymmetric
from talos_resources.insight.outline import blamed, outline
from talos_resources.insight.summary import summary
from talos_resources.model.net import format_address
from talos_resources.model.printable import printable
from talos_resources.model.wrapping import wrapped
from talos_resources.views.age import age
from talos_resources.views.mesh_words import common, entry_names, pair_state, short_names
from talos_resources.views.states import COLOURS
from talos_resources.views.tabwriter import align

if TYPE_CHECKING:
    from rich.text import Text

DEFAULT_WIDTH: Final = 80
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
    seen = {node.index for node in mesh.observed}
    unseen = [node for node in mesh.nodes if node.index not in seen]
    if unseen and mesh.observed:
        told = f"{len(mesh.observed)} of {len(mesh.nodes)} nodes answered; how {_the_others(len(unseen))} is not known"
        # Those that were asked and did not answer are named above: asking them again the same way is no advice.
        unasked = [node for node in unseen if not node.error]
        yield f"{told} (ask them{_asking(mesh, unasked)})" if unasked else told
    if mesh.asymmetries:
        yield f"{_number(len(mesh.asymmetries), 'link')} up in one direction only (marked !); `doctor` says why"


def _the_others(count: int) -> str:
    return "the other one sees it" if count == 1 else f"the other {count} see it"


def _asking(mesh: Mesh, unasked: Sequence[MeshNode]) -> str:
    """How to ask for what is not known yet, beside those that have answered."""
    wanted = [node for node in (*mesh.observed, *unasked) if node.addresses]
    known = ",".join(format_address(node.addresses[0]) for node in sorted(wanted, key=lambda node: node.index))
    return f": -n {known}" if known and len(mesh.nodes) <= MOST_NAMED else " with -n"


def lines(
    mesh: Mesh, *, width: int | None = None, every: bool = False, only_faults: bool = False, reading: int = 0
) -> Iterator[list[Piece]]:
    """The summary, the picture that fits, and the notes.

    Args:
        mesh: any.
        width: columns; None for a pipe or a file.
        every: list each node of a large mesh, also those without a fault.
        only_faults: name those to blame, a line each, also where a matrix would fit.
        reading: how many nodes are still being read: then the picture is not complete, and nobody has failed to answer.
    """
    room, width = width, width or DEFAULT_WIDTH
    yield from head(mesh, room)
    yield [(f"not complete: {_number(reading, 'node')} still being read", None)] if reading else []
    labels = None if only_faults else _column_labels(mesh, width)
    yield from _per_node(mesh, width, every=every) if labels is None else _matrix(mesh, labels)
    if not reading:
        yield from foot(mesh, room)


def head(mesh: Mesh, width: int | None) -> Iterator[list[Piece]]:
    """The summary and the worst node, on one line where there is room."""
    first, second = summary(mesh), printable(worst(mesh))
    if second and len(first) + len(second) + 8 <= (width or DEFAULT_WIDTH):
        yield [(f"{first}        {second}", None)]
        return
    for text in filter(None, (first, second)):
        yield from _prose(text, width)


def foot(mesh: Mesh, width: int | None) -> Iterator[list[Piece]]:
    """The notes."""
    told = list(notes(mesh))
    if told:
        yield []
        for note in told:
            yield from _prose(note, width)


def _prose(text: str, width: int | None, state: LinkState | None = None) -> Iterator[list[Piece]]:
    for line in wrapped("", text, width):
        yield [(line, state)]


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
            text = cell_text(state, mesh.state(peer, node.index))
            line += [(" " * _GAP, None), (text, state), (" " * (width - len(text)), None)]
        while line[-1][0].isspace() or not line[-1][0]:
            line.pop()
        yield line


def cell_text(state: LinkState, reverse: LinkState) -> str:
    """What stands in the cell of a direction; an exclamation mark says that the other one is not so."""
    return f"{WORDS[state]}!" if is_asymmetric(state, reverse) else WORDS[state]


def _per_node(mesh: Mesh, width: int, *, every: bool) -> Iterator[list[Piece]]:
    """A line for each node that is to blame, the worst first, and one for all the others; or a line for every node."""
    shown, unnamed = (mesh.worst_first(), 0) if every else blamed(mesh)
    shown += [node for node in mesh.nodes if node.error and node not in shown]
    if shown:
        yield from _node_lines(mesh, shown, width)
    drawn = outline(mesh)
    names = entry_names(drawn)
    for here, there in [] if every else drawn.faulty():
        if drawn.entries[here].is_group and drawn.entries[there].is_group:
            state, words = pair_state(drawn, here, there)
            both = f"within {names[here]}" if here == there else f"{names[here]} ↔ {names[there]}"
            yield from _prose(f"{both}: {words}", width, state)
    rest = len(mesh.nodes) - len(shown) - unnamed
    if unnamed:
        yield [(f"… and {unnamed} more nodes with faults of their own (--all lists them)", LinkState.DOWN)]
    if rest > 0:
        others = "all of their links up" if mesh.is_healthy else "none with a fault of its own"
        yield [(f"{'… and ' if shown else ''}{_number(rest, 'other node' if shown else 'node')}, {others} (--all lists them)", None)]


def _node_lines(mesh: Mesh, shown: Sequence[MeshNode], width: int) -> Iterator[list[Piece]]:
    """The names of peers lose what all names share where the lines would be too long with it."""
    full = [printable(node.name) for node in mesh.nodes]
    for names in (full, short_names(mesh)):
        rows = [("NODE", "SEES", "SEEN BY", "NOT UP"), *(_node_row(mesh, node, full[node.index], names) for node in shown)]
        texts = align("".join("\t".join(row) + "\n" for row in rows)).splitlines()
        if max(len(text.rstrip()) for text in texts) <= width:
            break
    for number, text in enumerate(texts):
        bad = number > 0 and sum(mesh.faults[shown[number - 1].index]) > 0
        yield [(text.rstrip(), LinkState.DOWN if bad else None)]


def _node_row(mesh: Mesh, node: MeshNode, name: str, names: Sequence[str], limit: int = 2) -> tuple[str, str, str, str]:
    own, others = mesh.faults[node.index]
    total, by = len(mesh.nodes) - 1, len(mesh.observed) - node.is_observed
    sees = f"{total - own}/{total}" if node.is_observed else "-"
    peers = []
    if own + others:
        missed = set(mesh.faulty(node)) if own else set()
        peers = [names[peer.index] for peer in mesh.nodes if peer.index in missed or mesh.state(peer, node).is_fault]
    more = f" +{len(peers) - limit}" if len(peers) > limit else ""
    told = f"{', '.join(peers[:limit])}{more}" if peers else node.error and "did not answer"
    return name, sees, f"{by - others}/{by}", told


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
