"""A link of the mesh on a screen of its own: how both ends see it, what each holds of the other, what happened to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Final, Protocol, runtime_checkable

import attrs
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from talos_resources.insight.mesh import Mesh, MeshNode
from talos_resources.model.kind import kind_of
from talos_resources.model.printable import printable
from talos_resources.model.resource import Resource
from talos_resources.model.timestamp import Timestamp
from talos_resources.resources import KubeSpanConfig, KubeSpanIdentity
from talos_resources.state.contract import State
from talos_resources.tui.bars import KeyBar
from talos_resources.tui.live import Live
from talos_resources.tui.past import words_of
from talos_resources.tui.rows import Rows
from talos_resources.views.age import age
from talos_resources.views.changes import clock, subject, type_name
from talos_resources.views.mesh_words import link_told
from talos_resources.views.states import COLOURS

_HEADINGS: Final = ("NODE", "TYPE", "ID", "VERSION", "SAYS")
_OWN: Final = frozenset(kind_of(spec).type for spec in (KubeSpanConfig, KubeSpanIdentity))
_KEYS: Final = ("node_id", "affiliate_id")
"""The fields by which resources say whom they are about, where their ids do not."""


@attrs.frozen
class Held:
    """A resource and the node that holds it."""

    node: str
    resource: Resource[Any]


@runtime_checkable
class Remembering(Protocol):
    """A state that keeps every version of its resources."""

    def history(self, kind: Any, id: str, *, namespace: str | None = None) -> Sequence[Any]:
        """The versions of a resource, oldest first."""
        ...


def ends(live: Live, observer: MeshNode, peer: MeshNode) -> list[Held]:
    """What both ends of a link hold of each other, and each of itself; the statuses come first."""
    found = [*_about(live, observer, peer), *_about(live, peer, observer)]
    places = {node.node: place for place, node in enumerate((observer, peer))}
    order = {"KubeSpanPeerStatuses": 0, "KubeSpanPeerSpecs": 1}
    return sorted(
        found,
        key=lambda held: (
            order.get(held.resource.type.partition(".")[0], 2),
            places.get(held.node, 0),
            held.resource.type,
            held.resource.id,
        ),
    )


def _about(live: Live, node: MeshNode, other: MeshNode) -> Iterator[Held]:
    if node.node is None:
        return
    for resource in live.held(node.node):
        names = {resource.id, *(getattr(resource.spec, field, None) for field in _KEYS)}
        if resource.type in _OWN or names & ({other.public_key, other.node_id} - {""}):
            yield Held(node.node, resource)


def told(mesh: Mesh, observer: MeshNode, peer: MeshNode) -> Text:
    """Both directions in words; of an end that was not asked, that it was not."""
    lines = []
    for here, there in ((observer, peer), (peer, observer)):
        link = mesh.link(here, there)
        if here.is_observed:
            lines.append(Text(link_told(link), style=COLOURS.get(link.state.value, "")))
        else:
            lines.append(Text(f"{printable(here.name)} was not asked{f': {printable(here.error)}' if here.error else ''}"))
    return Text("\n").join(lines)


def says(held: Held) -> str:
    """What matters of a resource, on a line: the state and the last handshake of a peer, else the fields of its table."""
    spec = held.resource.spec
    state = getattr(spec, "state", None)
    handshake = getattr(spec, "last_handshake_time", None)
    if state is None or handshake is None:
        return printable(subject(held.resource))
    as_of = max(held.resource.metadata.updated, held.resource.metadata.created)
    since = "no handshake ever" if handshake.is_zero else f"last handshake {age((as_of - handshake) / 1e9)} before"
    return f"{state.value}, {since}, {'no endpoint' if spec.endpoint is None else spec.endpoint}"


def past_lines(state: State, live: Live, held: Held, until: Timestamp | None) -> list[str]:
    """What happened to a resource, the newest first, without changes of nothing but counters.

    Args:
        state: of the node; one that remembers tells all that was recorded.
        live: tells what happened since `top` began, where the state does not remember.
        held: the resource.
        until: nothing later; None for all.
    """
    if isinstance(state, Remembering):
        versions = state.history(state.kind(held.resource.type), held.resource.id, namespace=held.resource.namespace)
        lines = [(version.at, words_of(version)) for version in versions if until is None or version.at <= until]
        return [f"{clock(at)}  {printable(text)}" for at, text in reversed(lines) if text is not None]
    return [
        f"{clock(happening.at)}  {printable(happening.text)}"
        for happening in reversed(live.happenings())
        if happening.node == held.node and happening.resource is not None and _is_same(happening.resource, held.resource)
    ]


def _is_same(one: Resource[Any], other: Resource[Any]) -> bool:
    return (one.type, one.namespace, one.id) == (other.type, other.namespace, other.id)


class LinkScreen(ModalScreen[None]):
    """A link: both directions, both ends' resources, and its past."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss", "Back"),
        Binding("enter", "ignore", "YAML", show=True),
        Binding("y", "copy", "Copy"),
        Binding("ctrl+c", "app.quit", "Quit", show=False),
    ]
    CSS = """
    LinkScreen Vertical { border: round $primary; background: $surface; padding: 0 1; }
    #link-told { height: auto; margin-bottom: 1; }
    #link-past { height: auto; max-height: 40%; border-top: solid $primary; }
    """

    def __init__(self, mesh: Mesh, observer: MeshNode, peer: MeshNode, held: Sequence[Held]) -> None:
        """Takes the link and what `ends` found."""
        super().__init__()
        self._mesh = mesh
        self._pair = observer, peer
        self.held = tuple(held)

    def compose(self) -> ComposeResult:
        """Directions, resources, past."""
        with Vertical() as frame:
            frame.border_title = f"{printable(self._pair[0].name)} ↔ {printable(self._pair[1].name)}"
            yield Static(told(self._mesh, *self._pair), id="link-told")
            yield Rows(id="link-table")
            with VerticalScroll(id="link-past"):
                yield Static("looking for its past …", id="past-text")
        yield KeyBar()

    def on_mount(self) -> None:
        """Lists the resources."""
        table = self.query_one("#link-table", Rows)
        table.show(_HEADINGS, range(len(self.held)), self._cells)
        table.focus()

    def show_past(self, lines: Sequence[str]) -> None:
        """Shows what happened to the statuses of the link."""
        text = "\n".join(lines) or "nothing has happened to it that anybody recorded"
        self.query_one("#past-text", Static).update(Text(text))

    def action_ignore(self) -> None:
        """The table answers Enter itself; this is for the line of keys."""

    def action_copy(self) -> None:
        """Copies both directions in words."""
        self.app.copy_to_clipboard(told(self._mesh, *self._pair).plain)
        self.app.notify("copied")

    def _cells(self, index: int) -> Sequence[Text]:
        held = self.held[index]
        resource = held.resource
        state = getattr(getattr(resource.spec, "state", None), "value", "")
        return [
            Text(printable(held.node)),
            Text(type_name(resource)),
            Text(printable(resource.id if len(resource.id) <= 16 else f"{resource.id[:15]}…")),
            Text(str(resource.version)),
            Text(says(held), style=COLOURS.get(state, "")),
        ]
