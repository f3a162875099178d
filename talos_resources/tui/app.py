"""The screens of `top`."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar, Final, TypeVar

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Footer, Input, OptionList, RichLog, Static, TabbedContent, TabPane
from textual.widgets.option_list import Option

from talos_resources.codec.text import resource_to_yaml
from talos_resources.insight.mesh import Mesh
from talos_resources.insight.summary import summary
from talos_resources.model.errors import TalosResourcesError
from talos_resources.model.kind import Kind
from talos_resources.model.printable import printable
from talos_resources.model.redact import redacted
from talos_resources.model.resource import Resource
from talos_resources.tui.cells import TextScreen, peer_cells
from talos_resources.tui.live import Live
from talos_resources.tui.rows import Rows
from talos_resources.views import mesh_text
from talos_resources.views.cells import Cells, Shape
from talos_resources.views.changes import clock, subject, type_name
from talos_resources.views.explain import explain

T = TypeVar("T")

REFRESH_S: Final = 0.5
_ENDING: Final = (signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP)
# What matters most first: 80 columns do not hold all of them beside long names.
_PEER_COLUMNS: Final = ("NODE", "PEER", "STATE", "SEEN", "RATE", "RX", "TX", "ENDPOINT")


class Top(App[None]):
    """The mesh, its peers, what happens, and every resource, of live nodes."""

    TITLE = "talos-resources top"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1", "show('mesh')", "Mesh"),
        Binding("2", "show('peers')", "Peers"),
        Binding("3", "show('events')", "Events"),
        Binding("4", "show('resources')", "Resources"),
        Binding("n", "next_node", "Node"),
        Binding("slash", "filter", "Filter"),
        Binding("e", "explain", "Explain"),
        Binding("escape", "leave_filter", "All types", show=False),
        Binding("q,ctrl+c", "quit", "Quit"),
    ]
    CSS = """
    #status { height: 1; background: $panel; padding: 0 1; }
    #mesh-text { padding: 0 1; }
    #types { width: 26; }
    #types Input { height: 3; }
    TabbedContent { height: 1fr; }
    """

    def __init__(self, live: Live) -> None:
        """Takes what is shown; it is started and closed with the app."""
        super().__init__()
        self._live = live
        self._revision = -1
        self._told = 0
        self._node = live.nodes[0]
        self._kinds: Sequence[Kind[Any]] = ()
        self._kind: Kind[Any] | None = None
        self._at: str | None = None
        self._rows: dict[str, Resource[Any]] = {}
        self._asked: set[tuple[str, str]] = set()

    def compose(self) -> ComposeResult:
        """The tabs."""
        yield Static(id="status")
        with TabbedContent(initial="mesh"):
            with TabPane("Mesh", id="mesh"), VerticalScroll():
                yield Static(id="mesh-text")
            with TabPane("Peers", id="peers"):
                yield Rows(id="peer-table")
            with TabPane("Events", id="events"):
                yield RichLog(id="event-log", max_lines=1000, wrap=True)
            with TabPane("Resources", id="resources"), Horizontal():
                with Vertical(id="types"):
                    yield Input(placeholder="filter types", id="type-filter")
                    yield OptionList(id="type-list")
                yield Rows(id="resource-table")
        yield Footer()

    def on_mount(self) -> None:
        """Begins; signals that end other programs end this one too, and not before the terminal is as it was."""
        for number in _ENDING:
            asyncio.get_running_loop().add_signal_handler(number, self.exit)
        self._live.start()
        self.set_interval(REFRESH_S, self._refresh)
        self._load_kinds()

    def on_unmount(self) -> None:
        """Ends."""
        for number in _ENDING:
            asyncio.get_running_loop().remove_signal_handler(number)
        self._live.close()

    def action_show(self, tab: str) -> None:
        """Goes to a tab, with the focus where the keys are of use."""
        self.query_one(TabbedContent).active = tab
        focus = {"peers": "#peer-table", "events": "#event-log", "resources": "#type-list"}.get(tab)
        if focus is not None:
            self.query_one(focus).focus()

    def action_next_node(self) -> None:
        """Browses the resources of the next node."""
        names = self._live.nodes
        self._node = names[(names.index(self._node) + 1) % len(names)]
        self._revision = -1
        self._kinds = ()
        self._list_kinds("")
        self._load_kinds(wanted=True)

    def action_filter(self) -> None:
        """Filters the types by a part of their names."""
        self.action_show("resources")
        self.query_one("#type-filter", Input).focus()

    def action_leave_filter(self) -> None:
        """Shows all types again, with the cursor on the type where it was."""
        if self.query_one(TabbedContent).active == "resources":
            self.query_one("#type-filter", Input).value = ""
            self.query_one("#type-list").focus()

    def action_explain(self) -> None:
        """Explains the type that is selected, or that of peers."""
        kind = self._kind
        if self.query_one(TabbedContent).active != "resources" or kind is None:
            from talos_resources.model.kind import kind_of
            from talos_resources.resources import KubeSpanPeerStatus

            kind = kind_of(KubeSpanPeerStatus)
        text = explain(kind)
        self.push_screen(TextScreen(kind.display_type, lambda _secrets: text))

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filters while one types."""
        self._list_kinds(event.value)

    def on_input_submitted(self) -> None:
        """Goes from the filter to what it found."""
        found = self.query_one("#type-list", OptionList)
        if found.highlighted is None and found.option_count:
            found.highlighted = 0
        found.focus()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Lists the resources of the type."""
        self._kind = next(kind for kind in self._kinds if kind.type == event.option.id)
        self._show_resources(self._kind, ())
        self.query_one("#resource-table", Rows).focus()
        self._load_resources(self._kind, wanted=True)

    def on_rows_selected(self, event: Rows.Selected) -> None:
        """Shows the resource as YAML."""
        key: Any = event.key
        if event.rows.id == "resource-table":
            resource = self._rows.get(key)
        else:
            peer = self._live.peer(*key)
            resource = None if peer is None else peer.resource
        if resource is not None:
            self._show_yaml(resource)

    def _show_yaml(self, resource: Resource[Any]) -> None:
        sensitive = next((kind.sensitive for kind in self._kinds if kind.type == resource.type), True)

        def text(secrets: bool) -> str:
            return resource_to_yaml(resource if secrets else redacted(resource, sensitive=sensitive))

        self.push_screen(TextScreen(f"{type_name(resource)} {printable(resource.id)}", text))

    def _refresh(self) -> None:
        """Shows what is new, and nothing if nothing is."""
        revision = self._live.revision
        changed = revision != self._revision
        active = self.query_one(TabbedContent).active
        if active == "peers":
            self.query_one("#peer-table").refresh()  # ages grow also when nothing happens
        if not changed or ("", "mesh") in self._asked:
            return
        self._revision = revision
        # A large mesh takes a second to put together: meanwhile the screen answers.
        self._ask("", "mesh", lambda: (self._live.mesh(), self._live.peers()), lambda found: self._show_mesh(*found), wanted=True)
        self._show_events()
        if not self._kinds:
            self._load_kinds()  # the node was away when it was asked
        if self._kind is not None and active == "resources":
            self._load_resources(self._kind)

    def _show_mesh(self, mesh: Mesh, peers: Sequence[tuple[str, str]]) -> None:
        """The mesh, the summary and the peers."""
        troubles, reading = self._live.troubles(), self._live.reading()
        self._show_peers(peers)
        known = bool(mesh.nodes) or not reading
        shown = mesh_text.lines(mesh, width=self.size.width - 4, reading=reading) if known else ()
        lines = [mesh_text.coloured(line) for line in shown]
        lines += [Text(f"{node}: {text}", style="red") for node, text in troubles.items()]
        self.query_one("#mesh-text", Static).update(Text("\n").join(lines))
        status = Text(f"reading {reading} of {len(self._live.nodes)} nodes   " if reading else "")
        status.append(f"{'so far: ' if reading else ''}{summary(mesh)}   " if known else "")
        status.append(f"node: {self._node}")
        if troubles:
            status.append(f"   {len(troubles)} not followed", style="bold red")
        self.query_one("#status", Static).update(status)

    def _show_events(self) -> None:
        log = self.query_one("#event-log", RichLog)
        for happening in self._live.happenings(self._told):
            self._told = happening.number
            what = "" if happening.resource is None else f"{type_name(happening.resource)} {subject(happening.resource)}  "
            log.write(Text(f"{clock(happening.at)}  {happening.node}  {what}{happening.text}"))

    def _show_peers(self, peers: Sequence[tuple[str, str]]) -> None:
        def cells(key: tuple[str, str]) -> Sequence[Text]:
            peer = self._live.peer(*key)
            return [Text("")] * len(_PEER_COLUMNS) if peer is None else peer_cells(peer)  # it has gone just now

        self.query_one("#peer-table", Rows).show(_PEER_COLUMNS, peers, cells)

    def _list_kinds(self, part: str) -> None:
        """Lists the types with a part in their names; the cursor stays on its type, also if it was not listed meanwhile."""
        options = self.query_one("#type-list", OptionList)
        if options.highlighted is not None:
            self._at = options.get_option_at_index(options.highlighted).id
        options.clear_options()
        wanted = part.strip().lower()
        found = [kind for kind in self._kinds if wanted in kind.type.lower()]
        options.add_options([Option(kind.display_type, id=kind.type) for kind in found])
        options.highlighted = next((index for index, kind in enumerate(found) if kind.type == self._at), None)

    def _load_kinds(self, *, wanted: bool = False) -> None:
        node = self._node

        def show(kinds: Sequence[Kind[Any]]) -> None:
            if node == self._node:
                self._kinds = kinds
                self._list_kinds(self.query_one("#type-filter", Input).value)

        self._ask(node, "", lambda: self._live.kinds(node), show, wanted=wanted)

    def _load_resources(self, kind: Kind[Any], *, wanted: bool = False) -> None:
        node = self._node

        def show(found: Sequence[Resource[Any]]) -> None:
            if node == self._node and kind is self._kind:
                self._show_resources(kind, found)

        self._ask(node, kind.type, lambda: self._live.listing(node, kind), show, wanted=wanted)

    def _ask(self, node: str, what: str, ask: Callable[[], T], show: Callable[[T], None], *, wanted: bool) -> None:
        """Asks a node in a thread: one that hangs holds up neither the screen nor its end, and is not asked twice at once.

        Args:
            node: whom.
            what: the type that is asked for; empty for all types.
            ask: gets the answer.
            show: shows it, in the app's thread.
            wanted: somebody asked for it, and is told if there is no answer.
        """
        if (node, what) in self._asked:
            return
        self._asked.add((node, what))

        def run() -> None:
            try:
                answer = ask()
            except Exception as error:  # noqa: BLE001 - who asked must hear of it, whatever it is, and may ask again
                is_ours = isinstance(error, TalosResourcesError)
                failure = f"{node}: {error.message if isinstance(error, TalosResourcesError) else repr(error)}"
                self.call_later(done, lambda: self.notify(failure, severity="error", markup=False) if wanted or not is_ours else None)
            else:
                self.call_later(done, lambda: show(answer))

        def done(then: Callable[[], None]) -> None:
            self._asked.discard((node, what))
            then()

        threading.Thread(target=run, name=f"ask {node} {what}", daemon=True).start()

    def _show_resources(self, kind: Kind[Any], found: Iterable[Resource[Any]]) -> None:
        cells = Cells(kind, Shape())
        self._rows = {f"{resource.namespace}\0{resource.id}": resource for resource in found}

        def texts(key: str) -> Sequence[Text]:
            return [Text(cell) for cell in cells.row(self._rows[key], node="")]

        self.query_one("#resource-table", Rows).show(cells.headings, list(self._rows), texts)
