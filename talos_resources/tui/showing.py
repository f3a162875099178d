"""What `top` shows: its tabs, kept current, and the screens that one comes to from them."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from typing import Final

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.css.query import NoMatches
from textual.widgets import ContentSwitcher, Input, Static

from talos_resources.codec.text import resource_to_yaml
from talos_resources.insight.mesh import Mesh, MeshNode
from talos_resources.insight.summary import summary
from talos_resources.model.kind import typed_kind
from talos_resources.model.printable import printable
from talos_resources.model.redact import redacted
from talos_resources.model.timestamp import Timestamp
from talos_resources.tui.arranging import Fact
from talos_resources.tui.asking import Asking
from talos_resources.tui.bars import KeyBar, TabBar
from talos_resources.tui.browser import Browser
from talos_resources.tui.cells import EVENT_COLUMNS, PEER_COLUMNS, ResourceScreen, TextScreen, event_cells, peer_cells
from talos_resources.tui.examining import Examining
from talos_resources.tui.link import Held, LinkScreen, ends, past_lines
from talos_resources.tui.live import Happening, Live
from talos_resources.tui.matrix import Matrix
from talos_resources.tui.nothing import no_events, no_peers, unknown
from talos_resources.tui.rows import Rows
from talos_resources.tui.slider import Slider
from talos_resources.tui.travel import Travel
from talos_resources.views import mesh_text
from talos_resources.views.changes import type_name

REFRESH_S: Final = 0.5
_NAMED: Final = 3
"""So many nodes that are not followed are named: the mesh needs the rest of the screen."""
_ENDING: Final = [number for name in ("SIGTERM", "SIGQUIT", "SIGHUP") if (number := getattr(signal, name, None)) is not None]
TABS: Final = {"mesh": "#matrix", "peers": "#peer-table", "doctor": "#finding-table", "events": "#event-table", "resources": "#type-list"}
"""Tab → where the focus goes with it."""


class Showing(Asking):
    """The tabs and what is in them; `Top` has the keys."""

    TITLE = "talos-resources top"
    ENABLE_COMMAND_PALETTE = False
    VERTICAL_BREAKPOINTS = [(0, "-low"), (16, "-high")]  # noqa: RUF012 - no ClassVar in Textual; low, the matrix has the lines
    CSS = """
    #status { height: 1; background: $panel; padding: 0 1; }
    #mesh-text { padding: 0 1; height: auto; max-height: 50%; }
    #cell-told { padding: 0 1; height: 3; }
    #filter { height: 1; border: none; padding: 0 1; display: none; }
    ContentSwitcher { height: 1fr; }
    .-low #mesh-text { max-height: 1; }
    .-low #cell-told { height: 1; }
    """

    def __init__(self, live: Live, travel: Travel) -> None:
        """Takes what is shown, which is started and closed with the app, and where else in time one can go."""
        super().__init__()
        # What scrolls would be drawn a dozen times on its way: over ssh that is what one waits for.
        self.animation_level = "none"
        self._live = live
        self._travel = travel
        self._revision = -1
        self._mesh: Mesh | None = None
        self._node = live.nodes[0]
        self._happenings: dict[int, Happening] = {}
        self._began = Timestamp(time.time_ns())
        self._span: tuple[Timestamp, Timestamp] | None = None

    def compose(self) -> ComposeResult:
        """The tabs."""
        yield Static(id="status")
        yield Slider(id="slider")
        yield TabBar(tuple(TABS))
        with ContentSwitcher(initial="mesh"):
            with Vertical(id="mesh"):
                yield Static(id="mesh-text")
                yield Matrix(id="matrix")
                yield Static(id="cell-told")
            with Vertical(id="peers"):
                yield Rows(id="peer-table")
            with Vertical(id="doctor"):
                yield Examining()
            with Vertical(id="events"):
                yield Rows(id="event-table")
            with Vertical(id="resources"):
                yield Browser(lambda: self._live, lambda: self._node)
        yield Input(id="filter", placeholder="filter", select_on_focus=False)
        yield KeyBar()

    def on_mount(self) -> None:
        """Begins; signals that end other programs end this one too, and not before the terminal is as it was."""
        with suppress(NotImplementedError):  # Windows, which has no signals that reach a loop
            for number in _ENDING:
                asyncio.get_running_loop().add_signal_handler(number, self.exit, None, 128 + number)
        self._live.start()
        self._recall()
        self.set_interval(REFRESH_S, self._tick)
        self.query_one(Browser).load_kinds()
        self.query_one(Matrix).focus()

    def on_unmount(self) -> None:
        """Ends."""
        with suppress(NotImplementedError):
            for number in _ENDING:
                asyncio.get_running_loop().remove_signal_handler(number)
        self._live.close()

    @property
    def is_current(self) -> bool:
        """Whether all has been read, and what was read is shown."""
        read = self._mesh is not None and not self._live.reading()
        return read and self._revision == self._live.revision and not self.is_asking("", "mesh")

    @property
    def tab(self) -> str:
        """The one that is shown."""
        return self.query_one(TabBar).active

    @property
    def target(self) -> Rows | Matrix:
        """What filter, order and copies are about: what has the focus, else what is in the tab."""
        if isinstance(self.focused, Rows | Matrix):
            return self.focused
        if self.tab == "mesh":
            return self.query_one(Matrix)
        return self.query_one({**TABS, "resources": "#resource-table"}[self.tab], Rows)

    def show_link(self, observer: MeshNode, peer: MeshNode) -> None:
        """Shows a link of the mesh, and soon its past."""
        if self._mesh is None:
            return
        live, until = self._live, self._travel.moment
        held = ends(live, observer, peer)
        screen = LinkScreen(self._mesh, observer, peer, held)
        self.push_screen(screen)
        statuses = [each for each in held if type_name(each.resource) == "KubeSpanPeerStatus"]

        def past() -> list[str]:
            lines = [
                f"{line.partition('  ')[0]}  {each.node}: {line.partition('  ')[2]}"
                for each in statuses
                for line in past_lines(self._travel.cluster.state(each.node), live, each, until)
            ]
            return sorted(lines, reverse=True)

        self.ask("", f"past of {observer.name} {peer.name}", past, screen.show_past, wanted=True)

    def show_peer(self, node: str, key: str) -> None:
        """Shows the link to a peer; where the mesh does not know it yet, its status."""
        mesh = self._mesh
        observer = next((each for each in mesh.nodes if each.node == node), None) if mesh is not None else None
        peer = next((each for each in mesh.nodes if each.public_key == key), None) if mesh is not None else None
        found = self._live.peer(node, key)
        if observer is not None and peer is not None:
            self.show_link(observer, peer)
        elif found is not None:
            self.show_resource(Held(node, found.resource))

    def show_resource(self, held: Held) -> None:
        """Shows a resource as YAML; `h` asks for its history."""
        resource = held.resource
        kind = next((kind for kind in self.query_one(Browser).kinds if kind.type == resource.type), typed_kind(resource.type))
        sensitive = kind is None or kind.sensitive

        def text(secrets: bool) -> str:
            return resource_to_yaml(resource if secrets else redacted(resource, sensitive=sensitive))

        live, until, cluster = self._live, self._travel.moment, self._travel.cluster
        name = f"{type_name(resource)} {printable(resource.id)}"

        def show(lines: Sequence[str]) -> None:
            told = "\n".join(lines) or "nothing has happened to it that anybody recorded"
            self.push_screen(TextScreen(f"history of {name}", lambda _: told))

        def history() -> None:
            # Values of a type that is secret are no part of any history that is shown.
            if sensitive:
                show(["it is secret, so that its changes are not shown"])
                return
            self.ask("", f"history of {name}", lambda: past_lines(cluster.state(held.node), live, held, until), show, wanted=True)

        self.push_screen(ResourceScreen(name, text, history))

    def examine(self, *, again: bool = False) -> None:
        """Examines what is shown, if it was not just now."""
        self.query_one(Examining).examine(self._live.cluster, self._live.nodes, again=again)

    def go(self, live: Live) -> None:
        """Shows something else from now on: the nodes at another moment."""
        self._live.close()
        self._live, self._revision = live, -1
        self._happenings = {}  # anew: the table still shows what was
        live.start()
        self._recall()

    def _recall(self) -> None:
        """Of a recording: when it began and ended, and what happened before now."""
        live, travel, now = self._live, self._travel, Timestamp(time.time_ns())

        def spanned(span: tuple[Timestamp, Timestamp] | None) -> None:
            self._span = span
            self.query_one(Slider).show(span, 1.0 if span is None else travel.share(span))

        def recalled(found: Sequence[Happening]) -> None:
            if live is self._live:
                self._happenings |= {happening.number: happening for happening in found}
                self._show_events()

        self.ask("", "span", travel.span, spanned, wanted=False)
        self.ask("", f"events {travel.words}", lambda: travel.happenings(now), recalled, wanted=False)

    def _tick(self) -> None:
        with suppress(NoMatches):  # the tabs are being taken down: the app ends
            self._refresh()

    def _refresh(self) -> None:
        """Shows what is new, and nothing if nothing is."""
        revision = self._live.revision
        self.query_one("#peer-table", Rows).say(no_peers(self._live))
        self.query_one("#event-table", Rows).say(no_events(self._began, self._span, self._travel.words))
        self.query_one(Browser).tell(unknown(self._live))
        if self.tab == "peers":
            self.query_one("#peer-table", Rows).redraw()  # ages grow also when nothing happens
        if self.tab == "doctor":
            self.examine()
        if revision == self._revision or self.is_asking("", "mesh"):
            return
        self._revision = revision
        live = self._live

        def show(found: tuple[Mesh, dict[tuple[str, str], Sequence[Fact]]]) -> None:
            if live is self._live:
                self._show_mesh(found[0])
                if found[1] or not live.reading():  # else what was there before stays until there is something else
                    self._show_peers(found[1])

        # A large mesh takes a second to put together: meanwhile the screen answers.
        self.ask("", "mesh", lambda: (live.mesh(), live.peers()), show, wanted=True)
        self._show_events()
        browser = self.query_one(Browser)
        if not browser.kinds:
            browser.load_kinds()  # the node was away when it was asked
        if browser.kind is not None and self.tab == "resources":
            browser.load_resources(browser.kind)

    def _show_mesh(self, mesh: Mesh) -> None:
        """The mesh and the summary."""
        troubles, reading = self._live.troubles(), self._live.reading()
        known = bool(mesh.nodes) or not reading
        width = self.size.width - 4
        worst = printable(mesh_text.worst(mesh)) if known else ""
        lines = [Text(worst, style="bold")] if worst else []
        if reading:
            lines.append(Text(f"not complete: {reading} node{'' if reading == 1 else 's'} still being read"))
        elif known:
            lines += [mesh_text.coloured(line) for line in mesh_text.foot(mesh, width) if line]
        lines += [Text(f"{node}: {printable(text)}", style="red") for node, text in islice(troubles.items(), _NAMED)]
        if (others := len(troubles) - _NAMED) > 0:
            told = "1 other node that is" if others == 1 else f"{others} other nodes that are"
            lines.append(Text(f"… and {told} not followed", style="red"))
        self.query_one("#mesh-text", Static).update(Text("\n").join(lines))
        self.query_one("#mesh-text").display = bool(lines)
        if known:
            self._mesh = mesh
            self.query_one(Matrix).show(mesh)
        moment = self._travel.words
        status = Text(f"{moment}   " if moment else "", style="reverse" if moment else "")
        status.append(f"reading {reading} of {len(self._live.nodes)} nodes   " if reading else "")
        status.append(f"{'so far: ' if reading else ''}{summary(mesh)}   " if known else "")
        if troubles:
            status.append(f"{len(troubles)} not followed", style="bold red").append("   ")
        status.append(f"node: {self._node}")  # last: 80 columns do not always hold it
        self.query_one("#status", Static).update(status, layout=False)

    def _show_events(self) -> None:
        """The newest first."""
        known = self._happenings
        for happening in self._live.happenings(max(known, default=0)):
            known[happening.number] = happening

        self.query_one("#event-table", Rows).show(EVENT_COLUMNS, sorted(known, reverse=True), lambda number: event_cells(known[number]))

    def _show_peers(self, peers: dict[tuple[str, str], Sequence[Fact]]) -> None:
        def cells(key: tuple[str, str]) -> Sequence[Text]:
            peer = self._live.peer(*key)
            return [Text("")] * len(PEER_COLUMNS) if peer is None else peer_cells(peer)  # it has gone just now

        self.query_one("#peer-table", Rows).show(PEER_COLUMNS, tuple(peers), cells, peers.__getitem__)
