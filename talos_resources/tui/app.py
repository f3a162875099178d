"""`top`: its keys."""

from __future__ import annotations

from typing import Any, ClassVar, Final

import attrs
from rich.text import Text
from textual import on
from textual.binding import Binding, BindingType
from textual.timer import Timer
from textual.widgets import ContentSwitcher, Input, Static

from talos_resources.model.errors import TalosResourcesError
from talos_resources.model.kind import kind_of
from talos_resources.resources import KubeSpanPeerStatus
from talos_resources.tui.arranging import Heading
from talos_resources.tui.bars import TabBar
from talos_resources.tui.browser import Browser
from talos_resources.tui.cells import TextScreen
from talos_resources.tui.chooser import Choice, Chooser
from talos_resources.tui.examining import Examining
from talos_resources.tui.keys import keys_text
from talos_resources.tui.link import Held, LinkScreen
from talos_resources.tui.live import Live
from talos_resources.tui.matrix import LEGEND, Matrix
from talos_resources.tui.rows import Rows
from talos_resources.tui.showing import TABS, Showing
from talos_resources.tui.slider import Slider
from talos_resources.tui.travel import Travel
from talos_resources.tui.typed_ahead import TypedAhead
from talos_resources.views.explain import explain

TRAVEL_S: Final = 0.3
_HELP_WIDTH: Final = 72
"""Wider lines are no easier to read."""


class Top(TypedAhead, Showing):
    """The mesh, its peers, what is wrong, what happens, and every resource."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(str(number), f"show('{tab}')", tab, show=False) for number, tab in enumerate(TABS, 1)),
        Binding("tab", "next_tab(1)", "Next tab", show=False, priority=True),
        Binding("shift+tab", "next_tab(-1)", "Previous tab", show=False, priority=True),
        Binding("colon", "jump", "Go to"),
        Binding("slash", "filter", "Filter"),
        Binding("s", "sort", "Sort"),
        Binding("S", "sort_reversed", "Reverse", show=False),
        Binding("g", "group", "Group"),
        Binding("n", "choose_node", "Node"),
        Binding("e", "explain", "Explain"),
        Binding("y", "copy", "Copy"),
        Binding("r", "examine", "Examine", show=False),
        Binding("left_square_bracket", "travel(-1)", "Back in time", show=False),
        Binding("right_square_bracket", "travel(1)", "On in time", show=False),
        Binding("question_mark", "help", "Help"),
        Binding("escape", "leave_filter", "All", show=False),
        Binding("q,ctrl+c", "quit", "Quit"),
    ]

    def __init__(self, live: Live, travel: Travel | None = None) -> None:
        """Takes what is shown; it is started and closed with the app.

        Args:
            live: the nodes.
            travel: where else in time one can go; None for what the source of `live` keeps.
        """
        super().__init__(live, Travel(live.cluster, live.nodes) if travel is None else travel)
        self._going: Timer | None = None

    def action_show(self, tab: str) -> None:
        """Goes to a tab, with the focus where the keys are of use."""
        self.query_one(TabBar).show(tab)
        self.query_one(ContentSwitcher).current = tab
        self.query_one(TABS[tab]).focus()
        if tab == "doctor":
            self.examine()

    def on_tab_bar_chosen(self, event: TabBar.Chosen) -> None:
        """Goes to the tab that was clicked."""
        self.action_show(event.tab)

    def action_next_tab(self, by: int) -> None:
        """Goes to the tab beside this one."""
        tabs = list(TABS)
        self.action_show(tabs[(tabs.index(self.tab) + by) % len(tabs)])

    def action_jump(self) -> None:
        """Goes to a type, or a tab, by any name."""
        kinds = {kind.type: kind for kind in self.query_one(Browser).kinds}
        choices = [Choice(f"tab:{tab}", tab) for tab in TABS]
        choices += [Choice(kind.type, kind.display_type, (*kind.aliases, kind.id)) for kind in kinds.values()]

        def go(chosen: str | None) -> None:
            if chosen is not None and chosen.startswith("tab:"):
                self.action_show(chosen.removeprefix("tab:"))
            elif chosen is not None:
                self.action_show("resources")
                self.query_one(Browser).choose(kinds[chosen])

        self.push_screen(Chooser("go to", choices, what="type or tab"), go)

    def action_choose_node(self) -> None:
        """Chooses whose resources are shown."""

        def choose(node: str | None) -> None:
            if node is not None and node != self._node:
                self._node = node
                self._revision = -1
                self.query_one(Browser).forget()

        names = {} if self._mesh is None else {node.node: node.name for node in self._mesh.nodes}
        choices = [Choice(node, f"{node} {names[node]}" if names.get(node, node) != node else node) for node in self._live.nodes]
        self.push_screen(Chooser("node", choices, what="node"), choose)

    def action_help(self) -> None:
        """Shows all keys."""
        text = f"{keys_text(min(_HELP_WIDTH, self.size.width - 6))}\n\nin the mesh: {LEGEND}"
        self.push_screen(TextScreen("keys", lambda _secrets: text))

    def action_examine(self) -> None:
        """Examines again."""
        if self.tab == "doctor":
            self.examine(again=True)

    def action_filter(self) -> None:
        """Filters what is shown: types by their names, rows by their texts."""
        if self.tab == "resources" and self.focused is not self.query_one("#resource-table"):
            self.query_one("#type-filter", Input).focus()
            return
        line = self.query_one("#filter", Input)
        line.display = True
        line.value = self._part()
        line.focus()

    def action_leave_filter(self) -> None:
        """Shows everything again."""
        line = self.query_one("#filter", Input)
        was_filtered = line.display or self._part()
        line.display = False
        if was_filtered:
            self._filter("")
            self.target.focus()
        elif self.tab == "resources":
            self.query_one(Browser).leave_filter()

    # Of this line only: what is typed into the lines of other screens comes up here too.
    @on(Input.Changed, "#filter")
    def filter_on(self, event: Input.Changed) -> None:
        """Filters while one types."""
        if event.input.display:
            self._filter(event.value)

    @on(Input.Submitted, "#filter")
    def keep_filter(self) -> None:
        """Keeps the filter, and goes to what it found."""
        self.query_one("#filter").display = False
        self.target.focus()

    def action_sort(self) -> None:
        """Sorts by the next column."""
        if isinstance(table := self.target, Rows):
            table.rearrange(table.arrangement.next_column(table.headings))

    def action_sort_reversed(self) -> None:
        """Sorts the other way round."""
        if isinstance(table := self.target, Rows) and table.arrangement.column:
            table.rearrange(table.arrangement.sorted_by(table.arrangement.column))

    def action_group(self) -> None:
        """Groups by the next column that has groups."""
        if isinstance(table := self.target, Rows):
            table.rearrange(table.arrangement.next_group(table.headings))

    def action_copy(self) -> None:
        """Copies the row under the cursor."""
        target = self.target
        text = target.told if isinstance(target, Matrix) else "  ".join(target.texts(target.cursor)) if target.row_count else ""
        if text:
            self.copy_to_clipboard(text)
            self.notify("copied")

    def action_explain(self) -> None:
        """Explains the type that is selected, or that of peers."""
        chosen = self.query_one(Browser).kind
        kind = kind_of(KubeSpanPeerStatus) if self.tab != "resources" or chosen is None else chosen
        text = explain(kind)
        self.push_screen(TextScreen(kind.display_type, lambda _secrets: text))

    def on_matrix_moved(self) -> None:
        """Tells of the link under the cursor."""
        for matrix in self.query(Matrix):  # of which there is none when the app ends
            legend = "" if matrix.has_words else f"\n{LEGEND}   f: next fault"
            for line in self.query("#cell-told").results(Static):
                line.update(Text(f"{matrix.told}{legend}"), layout=False)

    def on_matrix_selected(self, event: Matrix.Selected) -> None:
        """Shows the link."""
        self.show_link(event.observer, event.peer)

    def on_rows_selected(self, event: Rows.Selected) -> None:
        """Goes down to what the row is about."""
        key: Any = event.key
        if isinstance(key, Heading):
            return
        if event.rows.id == "resource-table":
            self.show_resource(Held(self._node, self.query_one(Browser).resources[key]))
        elif event.rows.id == "link-table" and isinstance(self.screen, LinkScreen):
            self.show_resource(self.screen.held[key])
        elif event.rows.id == "peer-table":
            self.show_peer(*key)
        elif event.rows.id == "finding-table":
            finding = self.query_one(Examining).findings[key]
            self.push_screen(TextScreen(finding.rule, lambda _secrets: str(finding)))
        elif (happening := self._happenings.get(key)) is not None and happening.resource is not None:
            self.show_resource(Held(happening.node, happening.resource))

    def action_travel(self, steps: int) -> None:
        """Goes back or on in time; the nodes follow when no further key comes for a moment."""
        try:
            self._travel.move(steps)
        except TalosResourcesError as error:
            self.notify(error.message, severity="warning", markup=False)
            return
        self._depart()

    def on_slider_moved(self, event: Slider.Moved) -> None:
        """Goes to the moment that somebody pointed at."""
        if self._span is not None:
            self._travel.point(self._span, event.share)
            self._depart()

    def _depart(self) -> None:
        """Says where one goes; the nodes follow in a moment."""
        if self._going is not None:
            self._going.stop()
        self.query_one("#status", Static).update(Text(self._travel.words or "now", style="reverse"))
        if self._span is not None:
            self.query_one(Slider).show(self._span, self._travel.share(self._span))
        self._going = self.set_timer(TRAVEL_S, self._arrive)

    def _arrive(self) -> None:
        self._going = None
        try:
            self.go(self._travel.live())
        except TalosResourcesError as error:
            self.notify(error.message, severity="error", markup=False)

    def _part(self) -> str:
        target = self.target
        return target.part if isinstance(target, Matrix) else target.arrangement.part

    def _filter(self, part: str) -> None:
        target = self.target
        if isinstance(target, Matrix):
            target.filter(part)
        else:
            target.rearrange(attrs.evolve(target.arrangement, part=part))
